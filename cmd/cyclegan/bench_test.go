// The command bench: what it times, and what it says of it.

package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/vk"
)

func TestBench(t *testing.T) {
	if _, err := vk.Devices(); errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	dir := t.TempDir()
	args := []string{"bench", "--size", "16", "--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--n-layers-D", "1", "--steps", "2", "--json"}
	r := must(t, dir, append(args, "times.json", "--kernels")...)
	for _, want := range []string{"median", "training step", "generator forward", "conv weight gradient", "16x16, resnet_1blocks, ngf 4"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the table has no %q:\n%s", want, r.stdout)
		}
	}
	var report struct {
		Device, Driver string
		Config         struct {
			Size int `json:"crop_size"`
		}
		Memory         int    `json:"memory_bytes"`
		Host           int    `json:"host_bytes"`
		Step           timing `json:"step_ms"`
		Forward        timing `json:"forward_ms"`
		ConvForward    timing `json:"conv_forward_ms"`
		ConvDataGrad   timing `json:"conv_data_gradient_ms"`
		ConvWeightGrad timing `json:"conv_weight_gradient_ms"`
	}
	if err := json.Unmarshal([]byte(read(t, dir, "times.json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Device == "" || report.Driver == "" || report.Config.Size != 16 || report.Memory <= 0 || report.Host <= 0 {
		t.Errorf("%+v", report)
	}
	for name, m := range map[string]timing{
		"step": report.Step, "forward": report.Forward,
		"conv forward": report.ConvForward, "conv data gradient": report.ConvDataGrad, "conv weight gradient": report.ConvWeightGrad,
	} {
		runs := 2
		if name == "forward" {
			runs *= forwardRuns
		}
		if m.Runs != runs || m.Work <= 0 || m.Mean <= 0 || !(0 < m.Min && m.Min <= m.Median && m.Median <= m.Max) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	refused := runProgram(t, program(t, dir, append(args, filepath.Join("times.json", "below.json"))...))
	if refused.code != app.ExitBadInput || !strings.Contains(refused.stderr, "times.json") {
		t.Errorf("a file that cannot be written: exit code %d, %s", refused.code, refused.stderr)
	}
}

func TestStopwatch(t *testing.T) {
	calls, waits := 0, []int{}
	m, err := stopwatch(t.Context(), 4, func() error { calls++; return nil }, func() error { waits = append(waits, calls); return nil })
	if err != nil || calls != benchWarmUp+4 || m.Runs != 4 || !slices.Equal(waits, []int{benchFirst, calls}) {
		t.Errorf("%d calls, waits after %v, %+v, %v", calls, waits, m, err)
	}
	stop := errors.New("stop")
	if _, err := stopwatch(t.Context(), 1, func() error { return stop }, func() error { return nil }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// TestUnusedWinograd: where no convolution is large enough for --winograd, the commands say so.
func TestUnusedWinograd(t *testing.T) {
	if _, err := vk.Devices(); errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	dir := t.TempDir()
	small := []string{"--size", "16", "--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--n-layers-D", "1", "--precision", "fp16"}
	for _, command := range [][]string{{"bench", "--steps", "1"}, {"profile", "train", "--count_only"}, {"profile", "translate", "--count_only"}} {
		for _, asked := range []bool{true, false} {
			args := slices.Concat(command, small)
			if asked {
				args = append(args, "--winograd")
			}
			r := must(t, dir, args...)
			if said := strings.Contains(r.stdout+r.stderr, "--winograd changes nothing: in fp16 on "); said != asked {
				t.Errorf("%q: said: %v\n%s%s", args, said, r.stdout, r.stderr)
			}
		}
	}
}
