// What a user sees when the device fails under a training: one line, the cure, the right exit code, and nothing broken on the disk.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

// faultVariable makes the program run on a driver whose calls of one name fail from a count on: "vkQueueSubmit 3 -4".
const faultVariable = "CYCLEGAN_TEST_FAULT"

// injectFault does as faultVariable says.
func injectFault() {
	var name string
	var from, fault int32
	if _, err := fmt.Sscan(os.Getenv(faultVariable), &name, &from, &fault); err != nil {
		return
	}
	vk.Inject(func(call string, result int32) int32 {
		if call == name {
			if from--; from < 0 {
				return fault
			}
		}
		return result
	})
}

func TestFailingDevice(t *testing.T) {
	dir := scenes(t)
	for _, c := range []struct {
		name, fault string
		code        int
		want        []string
	}{
		{"memory", "vkAllocateMemory 0 -2", app.ExitBadInput, []string{"VK_ERROR_OUT_OF_DEVICE_MEMORY", "training needs ", "had ", "free", "--crop_size", "--batch_size"}},
		{"program", "vkCreateComputePipelines 5 -2", app.ExitBadInput, []string{"vkCreateComputePipelines", "training needs "}},
		{"lost", "vkQueueSubmit 60 -4", 1, []string{"vkQueueSubmit: VK_ERROR_DEVICE_LOST", cyclegan.FileName(0), "--continue_train"}},
		{"slow", "vkWaitForFences 60 2", 1, []string{"VK_TIMEOUT", "CYCLEVK_TIMEOUT", "--crop_size"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := program(t, dir, small(c.name)...)
			cmd.Env = append(cmd.Env, faultVariable+"="+c.fault, "CYCLEVK_VALIDATE=")
			r := runProgram(t, cmd)
			if r.code != c.code || strings.Count(strings.TrimSpace(r.stderr), "\n") > 0 {
				t.Errorf("exit code %d, want %d:\n%s", r.code, c.code, r.stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("it does not say %q: %s", want, r.stderr)
				}
			}
			// What was saved before the device was lost can be read; a training that never began saves nothing.
			saved, err := cyclegan.Load(filepath.Join(dir, "checkpoints", c.name))
			if begun := c.code != app.ExitBadInput; begun != (err == nil) || begun && saved.Step != 0 {
				t.Errorf("the run folder: %v", err)
			}
		})
	}
	t.Run("with a checkpoint", func(t *testing.T) {
		cmd := program(t, dir, small("kept", "--save_latest_freq", "1")...)
		cmd.Env = append(cmd.Env, faultVariable+"=vkQueueSubmit 400 -4", "CYCLEVK_VALIDATE=")
		r := runProgram(t, cmd)
		if r.code != 1 || strings.Count(strings.TrimSpace(r.stderr), "\n") > 0 {
			t.Errorf("exit code %d: %s", r.code, r.stderr)
		}
		model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/kept"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"VK_ERROR_DEVICE_LOST", filepath.Join("checkpoints/kept", cyclegan.FileName(model.Step)), "--continue_train"} {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("it does not say %q: %s", want, r.stderr)
			}
		}
		must(t, dir, small("kept", "--continue_train", "--max_steps", fmt.Sprint(model.Step+2))...)
	})
}

// TestBrokenNumbersSaveTheStepBefore: what was learnt before a step that overflows is saved, wherever the step is met.
func TestBrokenNumbersSaveTheStepBefore(t *testing.T) {
	dir := scenes(t)
	must(t, dir, small("one", "--max_steps", "2")...)
	model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/one"))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range model.Nets["D_B"].Weights {
		for i := range w {
			w[i] = 1e18 // finite, as long as nothing is multiplied by it
		}
	}
	err = app.WithDevice("", func(dev *vk.Device) error {
		for _, steps := range []int{3, 9} {
			run := &training{
				trainOptions: &trainOptions{
					config: model.Config, runPath: filepath.Join(dir, "checkpoints", fmt.Sprint("from", steps)), printFreq: 1, displayFreq: 100, saveLatestFreq: 100,
					data: data.Options{Root: filepath.Join(dir, "scenes"), LoadSize: 18, CropSize: 16},
				},
				schedule: cyclegan.NewSchedule(model.Config, nil),
				from:     model, stdout: io.Discard, stderr: io.Discard, progress: app.NewProgress(io.Discard, steps),
			}
			if err := run.openPictures(); err != nil {
				return err
			}
			run.total = steps
			if run.trainer, err = cyclegan.NewTrainer(dev, model.Config); err != nil {
				return err
			}
			defer run.trainer.Close()
			if err := run.trainer.Start(model); err != nil {
				return err
			}
			if run.folder, err = cyclegan.CreateRun(run.runPath); err != nil {
				return err
			}
			defer run.folder.Close()
			err := run.finish(run.epochs(t.Context()))
			if !errors.Is(err, cyclegan.ErrNotFinite) || app.ExitCode(err) != 1 || !strings.Contains(err.Error(), "step 3: ") {
				t.Errorf("to step %d: exit code %d, %v", steps, app.ExitCode(err), err)
			}
			saved, loading := cyclegan.Load(run.runPath)
			if loading != nil || saved.Step != 2 || !strings.Contains(err.Error(), cyclegan.FileName(2)) {
				t.Errorf("to step %d: %v, %v", steps, err, loading)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
