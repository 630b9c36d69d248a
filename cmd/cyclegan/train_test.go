// Training and what follows it, end to end on small drawn pictures: the same seed gives the same file, an interrupt saves,
// and pictures of any size are translated.

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

// small are the options of a training whose step takes milliseconds.
func small(name string, more ...string) []string {
	return append([]string{
		"train", "--dataroot", "scenes", "--name", name, "--load_size", "18", "--crop_size", "16", "--netG", "resnet_1blocks",
		"--ngf", "4", "--ndf", "4", "--n_layers_D", "1", "--pool_size", "2", "--print_freq", "1", "--seed", "3",
	}, more...)
}

// scenes draws a small data set in a new folder. It skips the test where no device is.
func scenes(t *testing.T) (dir string) {
	t.Helper()
	if _, err := vk.Devices(); errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	must(t, dir, "synth", "--out", "scenes", "--size", "16", "--train", "3", "--test", "2")
	return dir
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var officialLine = regexp.MustCompile(`^\(epoch: \d+, iters: \d+, time: \d+\.\d{3}, data: \d+\.\d{3}\)` +
	`( (D|G|cycle|idt)_A: \d+\.\d{3}){4}( (D|G|cycle|idt)_B: \d+\.\d{3}){4}$`)

func TestEndToEnd(t *testing.T) {
	dir := scenes(t)
	first := must(t, dir, small("one", "--max_steps", "5", "--display_freq", "2")...)
	must(t, dir, small("two", "--max-steps", "5", "--num-threads", "1", "--print_freq", "3")...)

	file := cyclegan.FileName(5)
	if read(t, dir, "checkpoints/one", file) != read(t, dir, "checkpoints/two", file) {
		t.Error("the same seed gave two different checkpoints")
	}
	model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/one"))
	if err != nil {
		t.Fatal(err)
	}
	if model.Step != 5 || model.Epoch != 2 || model.Next != 2 || model.Data.SizeA != 3 || model.Data.Manifest == "" || model.Program != app.Version {
		t.Errorf("the checkpoint says %+v", model.Info)
	}
	checkLogs(t, first.stdout, filepath.Join(dir, "checkpoints/one"))
	checkTranslation(t, dir)
	checkEvaluation(t, dir)
	checkONNX(t, dir)

	t.Run("to the last epoch, leaving out what fills no batch", func(t *testing.T) {
		must(t, dir, small("whole", "--batch_size", "2", "--n_epochs", "1", "--n_epochs_decay", "1")...)
		model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/whole"))
		if err != nil {
			t.Fatal(err)
		}
		if model.Step != 2 || model.Epoch != 3 || model.Next != 0 {
			t.Errorf("the checkpoint says %+v", model.Info)
		}
		metrics := read(t, dir, "checkpoints/whole/metrics.jsonl")
		if !strings.Contains(metrics, `"epoch":1,`) || !strings.Contains(metrics, `"lr":0.0002,`) || !strings.Contains(metrics, `"lr":0.0001,`) {
			t.Errorf("metrics.jsonl:\n%s", metrics)
		}
	})
	t.Run("a run folder is not overwritten", func(t *testing.T) {
		wantRefusal(t, runProgram(t, program(t, dir, small("one")...)), []string{"checkpoints/one", file, "--name"})
	})
	t.Run("no such device", func(t *testing.T) {
		wantRefusal(t, runProgram(t, program(t, dir, small("three", "--device", "nonesuch")...)), []string{`"nonesuch"`, "cyclegan devices"})
	})
	t.Run("a file in the place of the run folder", func(t *testing.T) {
		args := small("three", "--checkpoints_dir", "scenes/classes.json")
		wantRefusal(t, runProgram(t, program(t, dir, args...)), []string{"scenes/classes.json/three", "--checkpoints_dir"})
	})
}

// checkLogs looks at everything that a training of 5 steps prints and writes but for the checkpoint.
func checkLogs(t *testing.T, stdout, run string) {
	t.Helper()
	for _, want := range []string{"device memory needed", "resnet_1blocks", "3 of A, 3 of B", "saved checkpoints/one/"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("training does not say %q:\n%s", want, stdout)
		}
	}
	lines := strings.Split(strings.TrimSpace(read(t, run, "loss_log.txt")), "\n")[1:]
	for i, line := range lines {
		if !officialLine.MatchString(line) || !strings.Contains(stdout, line) {
			t.Errorf("line %d of the loss log: %s", i, line)
		}
	}
	records := strings.Split(strings.TrimSpace(read(t, run, "metrics.jsonl")), "\n")
	for i, line := range records {
		var r struct {
			Step, Epoch int
			Losses      map[string]float64
			LR          float64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Step != i+1 || r.Epoch != 1+i/3 || r.LR != 0.0002 || len(r.Losses) != 8 {
			t.Errorf("record %d: %s", i, line)
		}
	}
	if len(lines) != 5 || len(records) != 5 {
		t.Errorf("%d lines and %d records of 5 steps", len(lines), len(records))
	}
	if options := read(t, run, "train_opt.txt"); !strings.Contains(options, "crop_size: 16 ") || !strings.Contains(options, "[default: 256]") {
		t.Errorf("train_opt.txt:\n%s", options)
	}
	for _, name := range []string{"epoch001_step000000.png", "epoch001_step000002.png", "epoch002_step000004.png", "epoch002_step000005.png", "latest.png"} {
		if _, err := data.Decode(filepath.Join(run, "web/images", name), data.RGB, data.Upright); err != nil {
			t.Error(err)
		}
	}
}

// checkTranslation translates pictures of odd sizes, and one that is none, in both directions.
func checkTranslation(t *testing.T, dir string) {
	t.Helper()
	sizes := [][2]int{{1, 1}, {7, 5}, {33, 18}, {16, 16}, {2, 40}}
	for _, s := range sizes {
		picture := data.NewImage(s[0], s[1])
		for i := range picture.Pix {
			picture.Pix[i] = uint8(i * 7)
		}
		if err := savePicture(filepath.Join(dir, "odd", fmt.Sprintf("%dx%d.png", s[0], s[1])), picture); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "odd/broken.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	translations := map[string]string{}
	for _, direction := range []string{"AtoB", "BtoA"} {
		args := []string{"translate", "--model", "checkpoints/one", "--direction", direction, "odd", "--out", direction, "scenes/testA/00000.png"}
		r := must(t, dir, args...)
		if !strings.Contains(r.stdout, "6 pictures translated, 1 left out") || !strings.Contains(r.stderr, "broken.png") {
			t.Errorf("translation says:\n%s%s", r.stdout, r.stderr)
		}
		for _, s := range sizes {
			m, err := data.Decode(filepath.Join(dir, direction, fmt.Sprintf("%dx%d.png", s[0], s[1])), data.RGB, data.Upright)
			if err != nil {
				t.Error(err)
			} else if m.W != s[0] || m.H != s[1] {
				t.Errorf("a picture of %dx%d became %dx%d", s[0], s[1], m.W, m.H)
			}
		}
		translations[direction] = read(t, dir, direction, "00000.png")
	}
	if translations["AtoB"] == translations["BtoA"] {
		t.Error("both directions gave the same picture")
	}
	r := runProgram(t, program(t, dir, "translate", "--model", "checkpoints/one", "--direction", "AtoB", "--out", "none", "odd/broken.png"))
	if r.code != app.ExitBadInput {
		t.Errorf("no picture could be read, and the exit code is %d", r.code)
	}
	r = runProgram(t, program(t, dir, "translate", "--model", "checkpoints/one", "--direction", "sideways", "--out", "none", "odd"))
	wantRefusal(t, r, []string{"sideways", "AtoB"})
	r = runProgram(t, program(t, dir, "translate", "--model", "checkpoints/one", "--direction", "AtoB", "--out", "scenes/classes.json/out", "odd"))
	wantRefusal(t, r, []string{"scenes/classes.json"})
}

func TestInterruptSaves(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals to send")
	}
	dir := scenes(t)
	for _, c := range []struct {
		name   string
		signal os.Signal
	}{{"int", os.Interrupt}, {"term", syscall.SIGTERM}} {
		cmd := program(t, dir, small(c.name)...)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(stdout); lines.Scan() && !strings.HasPrefix(lines.Text(), "(epoch"); {
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait() // the exit code says it
		if code := cmd.ProcessState.ExitCode(); code != app.ExitInterrupted {
			t.Errorf("%v: exit code %d\n%s", c.signal, code, stderr.String())
		}
		model, err := cyclegan.Load(filepath.Join(dir, "checkpoints", c.name))
		if err != nil {
			t.Fatal(err)
		}
		if said := stderr.String(); !strings.Contains(said, "finishing the step") || !strings.Contains(said, cyclegan.FileName(model.Step)) {
			t.Errorf("%v: saved step %d, and says %s", c.signal, model.Step, stderr.String())
		}
		if model.Epoch != 1+model.Step/3 || model.Next != model.Step%3 {
			t.Errorf("%v: step %d is followed by epoch %d, sample %d", c.signal, model.Step, model.Epoch, model.Next)
		}
	}
}

// TestAnimatedPicturesAreToldOf: of a moving picture the first frame is trained on, and training says so.
func TestAnimatedPicturesAreToldOf(t *testing.T) {
	dir := scenes(t)
	moving := read(t, "../../cyclegan/data/testdata/pictures/animated.gif")
	if err := os.WriteFile(filepath.Join(dir, "scenes/trainA/moving.gif"), []byte(moving), 0o644); err != nil {
		t.Fatal(err)
	}
	r := must(t, dir, small("moving", "--max_steps", "1")...)
	if want := `of 1 animated pictures the first frame is used, the first: "scenes/trainA/moving.gif"`; !strings.Contains(r.stderr, want) {
		t.Errorf("training does not say %q: %s", want, r.stderr)
	}
}
