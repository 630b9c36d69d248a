// The program as its users meet it: every test runs it as a process of its own and looks at exit code, output and files.

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
)

// asProgram makes the test binary be the program.
const asProgram = "CYCLEGAN_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	for _, variable := range []string{app.CacheVariable, app.TuningVariable} {
		if os.Getenv(asProgram) == "" {
			os.Setenv(variable, "off") // tests leave nothing in the user's folders
		}
	}
	if os.Getenv(asProgram) != "" {
		injectFault()
		main()
	}
	os.Exit(m.Run())
}

// program prepares a run of the program in a folder.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), asProgram+"=1")
	return cmd
}

// result is how a run of the program ended.
type result struct {
	code           int
	stdout, stderr string
}

func runProgram(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs the program and wants it to succeed.
func must(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := runProgram(t, program(t, dir, args...))
	if r.code != 0 {
		t.Fatalf("cyclegan %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r
}

const noDriver = "VK_DRIVER_FILES=/nonexistent"

// TestBadInput: exit code 2, and one line that names the thing.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "synth", "--out", "scenes", "--size", "16", "--train", "2", "--test", "1")
	for _, folder := range []string{"empty/trainA", "empty/trainB", "onlyA/trainA", "none"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "empty/trainA/notes.txt", "broken.cyclevk.safetensors"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	train := func(more ...string) []string {
		return append([]string{"train", "--dataroot", "scenes", "--load_size", "16", "--crop_size", "16", "--n_layers_D", "1"}, more...)
	}
	for _, c := range []struct {
		name string
		args []string
		want []string // in the line
	}{
		{"unknown command", []string{"trian"}, []string{`"trian"`, "did you mean train?"}},
		{"option before the command", []string{"--seed", "1", "train"}, []string{"--seed"}},
		{"unknown option", train("--crop_sise", "16"), []string{"--crop_sise", "did you mean --crop_size?"}},
		{"official option of a later version", train("--save_by_iter"), []string{"--save_by_iter"}},
		{"no value", []string{"train", "--dataroot"}, []string{"--dataroot needs a value"}},
		{"not a number", train("--ngf", "many"), []string{"--ngf", `"many"`}},
		{"extra argument", train("pictures"), []string{`"pictures"`}},
		{"a run above the folder of runs", train("--name", "../run"), []string{`--name "../run"`, "--checkpoints_dir"}},
		{"a run anywhere", train("--name", "/run"), []string{`--name "/run"`, "--checkpoints_dir"}},
		{"no dataroot", []string{"train"}, []string{"--dataroot"}},
		{"missing folder", []string{"train", "--dataroot", "nowhere"}, []string{"nowhere/trainA", "does not exist"}},
		{"empty folder", []string{"train", "--dataroot", "empty"}, []string{"empty/trainA", "no pictures"}},
		{"unknown generator", train("--netG", "unet_100"), []string{"--netG", "unet_100", "resnet_9blocks", "unet_256"}},
		{"generator of larger pictures", train("--netG", "unet_32"), []string{"--crop_size 16", "multiple of 32"}},
		{"unknown discriminator", train("--netD", "patch"), []string{"--netD", "patch", "n_layers"}},
		{"basic discriminator of other depth", train("--netD", "basic"), []string{"--netD basic", "--n_layers_D 1"}},
		{"unknown norm", train("--norm", "layer"), []string{"--norm", "layer", "instance"}},
		{"unknown loss", train("--gan_mode", "hinge"), []string{"--gan_mode", "hinge", "lsgan"}},
		{"resize in a U-Net", train("--netG", "unet_32", "--crop_size", "32", "--load_size", "32", "--upsample", "resize"), []string{"--upsample resize", "unet_32"}},
		{"crop over load", train("--crop_size", "20"), []string{"crop_size 20", "load_size 16"}},
		{"crop of no multiple of 4", train("--crop_size", "14"), []string{"--crop_size 14", "multiple of 4"}},
		{"crop too small", train("--crop_size", "8", "--n_layers_D", "3"), []string{"--crop_size 8", "--n_layers_D 3"}},
		{"negative rate", train("--lr", "-1"), []string{"--lr -1"}},
		{"no epoch", train("--epoch_count", "201"), []string{"--epoch_count 201"}},
		{"log every 0 steps", train("--print_freq", "0"), []string{"--print_freq 0"}},
		{"save every 0 steps", train("--save_latest_freq", "0"), []string{"--save_latest_freq 0"}},
		{"save every -1 epochs", train("--save_epoch_freq", "-1"), []string{"--save_epoch_freq -1"}},
		{"continue what never began", train("--continue_train", "--name", "nowhere"), []string{"checkpoints/nowhere", "leave --continue_train out"}},
		{"negative steps", train("--max_steps", "-5"), []string{"--max_steps -5"}},
		{"batch over epoch", train("--batch_size", "3"), []string{"--batch_size 3", "2 pictures"}},
		{"pictures that hold no pairs", train("--dataset_mode", "aligned"), []string{"scenes/train", "does not exist"}},
		{"one domain alone", train("--dataset_mode", "single"), []string{"--dataset_mode \"single\"", "aligned"}},
		{"bits", train("--bits", "12"), []string{"--bits 12", "8 or 16"}},
		{"no model", []string{"translate", "--direction", "AtoB", "--out", "out", "file"}, []string{"--model"}},
		{"missing model", []string{"translate", "--model", "nowhere", "--direction", "AtoB", "--out", "out", "file"}, []string{"nowhere"}},
		{"folder without checkpoint", []string{"translate", "--model", "none", "--direction", "AtoB", "--out", "out", "file"}, []string{"none"}},
		{"broken model", []string{"eval", "--model", "broken.cyclevk.safetensors", "--dataroot", "scenes"}, []string{"broken.cyclevk.safetensors"}},
		{"nothing to translate", []string{"translate", "--model", "none", "--direction", "AtoB", "--out", "out"}, []string{"pictures"}},
		{"no memory", []string{"translate", "--model", "none", "--direction", "AtoB", "--out", "out", "--max_memory", "0", "file"}, []string{"--max_memory 0"}},
		{"quality of no video", []string{"translate", "--model", "none", "--direction", "AtoB", "--out", "out", "--crf", "52", "file"}, []string{"--crf 52"}},
		{"missing picture", []string{"translate", "--model", "none", "--direction", "AtoB", "--out", "out", "nowhere.png"}, []string{"nowhere.png"}},
		{"folder without pictures", []string{"translate", "--model", "none", "--direction", "AtoB", "--out", "out", "none"}, []string{`"none"`, "no pictures"}},
		{"test without pictures", []string{"test", "--name", "run"}, []string{"--dataroot"}},
		{"test of no run", []string{"test", "--dataroot", "scenes"}, []string{"--name"}},
		{"test of a run above the folder of runs", []string{"test", "--dataroot", "scenes", "--name", "../run"}, []string{`--name "../run"`}},
		{"test of a missing run", []string{"test", "--dataroot", "scenes", "--name", "nowhere"}, []string{"checkpoints/nowhere"}},
		{"test in no direction", []string{"test", "--dataroot", "scenes", "--name", "run", "--direction", "sideways"}, []string{"--direction", "sideways", "both"}},
		{"test of half an epoch", []string{"test", "--dataroot", "scenes", "--name", "run", "--epoch", "0.5"}, []string{"--epoch", "0.5", "latest"}},
		{"test of a phase elsewhere", []string{"test", "--dataroot", "scenes", "--name", "run", "--phase", "../test"}, []string{"--phase", "../test"}},
		{"test of -1 pictures", []string{"test", "--dataroot", "scenes", "--name", "run", "--num_test", "-1"}, []string{"--num_test -1"}},
		{"export without a format", []string{"export", "--model", "none", "--out", "out"}, []string{"--format"}},
		{"export in an unknown format", []string{"export", "--model", "none", "--format", "coreml", "--out", "out"}, []string{`--format "coreml"`, "onnx"}},
		{"export of no model", []string{"export", "--model", "none", "--format", "onnx", "--out", "out"}, []string{"none"}},
		{"no output folder", []string{"synth"}, []string{"--out"}},
		{"output in a file", []string{"synth", "--out", "file/scenes"}, []string{"file"}},
		{"output folder in use", []string{"synth", "--out", "onlyA"}, []string{"onlyA", "other content"}},
		{"scenes too small", []string{"synth", "--out", "tiny", "--size", "3"}, []string{"size 3"}},
		{"bench of an unknown generator", []string{"bench", "--netG", "unet_100"}, []string{"--netG", "unet_100"}},
		{"bench of a wrong size", []string{"bench", "--crop-size", "14"}, []string{"--crop_size 14", "multiple of 4"}},
		{"bench of no step", []string{"bench", "--steps", "0"}, []string{"--steps 0"}},
		{"profile of nothing", []string{"profile"}, []string{"train, translate, kernel"}},
		{"profile of an unknown thing", []string{"profile", "trian"}, []string{"trian", "train, translate"}},
		{"unknown mode", []string{"profile", "train", "--mode", "alone"}, []string{`--mode "alone"`, "isolated"}},
		{"no repeats", []string{"profile", "train", "--repeats", "0"}, []string{"--repeats 0"}},
		{"unknown rows", []string{"profile", "train", "--by", "colour"}, []string{`--by "colour"`, "phase"}},
		{"a page of counts", []string{"profile", "train", "--count_only", "--html", "page.html"}, []string{"--html", "--count_only"}},
		{"a run on a GPU that is not there", []string{"profile", "train", "--as", "gpu"}, []string{"--as gpu", "--count_only"}},
		{"a profile as something else", []string{"profile", "train", "--count_only", "--as", "cpu"}, []string{`--as "cpu"`, "gpu"}},
		{"no old profile", []string{"profile", "train", "--compare", "nowhere.json"}, []string{"nowhere.json"}},
		{"old profile that is none", []string{"profile", "train", "--compare", "file"}, []string{"file", "not a profile"}},
		{"profile of two kernels", []string{"profile", "kernel", "add", "copy"}, []string{"name one shader"}},
		{"a watch of no kernel", []string{"profile", "kernel", "--watch"}, []string{"name one shader"}},
		{"a watch of nothing", []string{"profile", "kernel", "adam", "--watch", "--shaders", "nowhere"}, []string{"--shaders nowhere", "adam.comp"}},
		{"a watch of a binary", []string{"profile", "kernel", "adam", "--watch", "--spv", "file"}, []string{"--spv", "without --watch"}},
		{"sources without a watch", []string{"profile", "kernel", "adam", "--shaders", "file"}, []string{"--shaders", "only with --watch"}},
		{"a watch of a step", []string{"profile", "train", "--watch"}, []string{"--watch", "kernel"}},
		{"profile of another's shape", []string{"profile", "kernel", "adam", "--shape", "1,64,64,3"}, []string{`--shape "1,64,64,3"`, "PARAMETERS", "1048576"}},
		{"profile of a shape too large", []string{"profile", "kernel", "add", "--shape", "9999,9999,9999,9999"}, []string{"--shape", "33554432"}},
		{"profile of an unknown kernel", []string{"profile", "kernel", "conv_forwards"}, []string{"conv_forwards", "did you mean conv_forward?"}},
		{"profile of a wrong shape", []string{"profile", "kernel", "conv_forward", "--shape", "1,64,64"}, []string{`--shape "1,64,64"`, "N,H,W"}},
		{"a page of a kernel", []string{"profile", "kernel", "conv_forward", "--html", "page.html"}, []string{"--html"}},
		{"no shader binary", []string{"profile", "kernel", "conv_forward", "--spv", "nowhere.spv"}, []string{"nowhere.spv"}},
		{"a shape of a step", []string{"profile", "train", "--shape", "1,64,64,256,256,3,1"}, []string{"--shape", "kernel"}},
		{"unknown shell", []string{"completion", "tcsh"}, []string{"tcsh", "bash"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, dir, c.args...)
			cmd.Env = append(cmd.Env, noDriver) // what is wrong is found before a device is looked for
			wantRefusal(t, runProgram(t, cmd), c.want)
		})
	}
}

func wantRefusal(t *testing.T, r result, want []string) {
	t.Helper()
	if r.code != app.ExitBadInput {
		t.Errorf("exit code %d, want %d", r.code, app.ExitBadInput)
	}
	if r.stdout != "" {
		t.Errorf("printed %q", r.stdout)
	}
	if !strings.HasPrefix(r.stderr, "cyclegan") || strings.Count(r.stderr, "\n") != 1 || !strings.HasSuffix(r.stderr, "\n") {
		t.Errorf("want one line of error, got %q", r.stderr)
	}
	for _, w := range want {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("the error does not say %q: %s", w, r.stderr)
		}
	}
}

func TestNoDriver(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "synth", "--out", "scenes", "--size", "16", "--train", "2", "--test", "1")
	for _, args := range [][]string{{"devices"}, {"train", "--dataroot", "scenes", "--load_size", "16", "--crop_size", "16", "--n_layers_D", "1"}} {
		cmd := program(t, dir, args...)
		cmd.Env = append(cmd.Env, noDriver, "VK_ICD_FILENAMES=/nonexistent")
		wantRefusal(t, runProgram(t, cmd), []string{"no Vulkan driver found", "install"})
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoints")); err == nil {
		t.Error("a run folder was made although there is no driver")
	}
}

func TestHelp(t *testing.T) {
	dir := t.TempDir()
	for command, want := range map[string]string{
		"train":      "cyclegan train --dataroot",
		"translate":  "cyclegan translate --model",
		"live":       "cyclegan live --model",
		"test":       "cyclegan test --dataroot",
		"export":     "cyclegan export --model",
		"synth":      "cyclegan synth --out",
		"eval":       "cyclegan eval --model",
		"bench":      "cyclegan bench --size",
		"profile":    "cyclegan profile train",
		"selftest":   "cyclegan selftest",
		"devices":    "cyclegan devices",
		"completion": "cyclegan completion",
	} {
		r := must(t, dir, command, "--help")
		if !strings.Contains(r.stdout, "Examples:") || !strings.Contains(r.stdout, want) {
			t.Errorf("%s --help has no example %q:\n%s", command, want, r.stdout)
		}
	}
	if r := must(t, dir, "--version"); r.stdout != "cyclegan version "+app.Version+"\n" {
		t.Errorf("--version printed %q", r.stdout)
	}
}

// TestCompletion: what the scripts ask the program, and that bash accepts its script.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		typed []string
		want  string
	}{
		{[]string{"train", "--crop"}, "--crop_size\n"},
		{[]string{"live", "--virt"}, "--virtual_cam\n"},
		{[]string{"train", "--tun"}, "--tune\n"},
		{[]string{"bench", "--tun"}, "--tune\n"},
		{[]string{"completion"}, "bash\nfish\npowershell\nzsh\n"},
	} {
		if r := must(t, dir, append(c.typed, app.CompletionMark)...); r.stdout != c.want {
			t.Errorf("%q completes to %q, want %q", c.typed, r.stdout, c.want)
		}
	}
	for shell := range completionScripts {
		script := must(t, dir, "completion", shell).stdout
		if !strings.Contains(script, app.CompletionMark) {
			t.Errorf("the script for %s does not ask the program", shell)
		}
		program, err := exec.LookPath(shell)
		if err != nil || shell == "powershell" {
			continue // no such shell here to read it
		}
		check := exec.Command(program, "-n")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, out)
		}
	}
}
