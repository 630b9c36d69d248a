// Runs that are stopped, killed and continued: nothing is lost but the steps since the last checkpoint, and in the end the file
// is that of a run that was left alone.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cyclevk/cyclegan"
)

func TestContinueTrain(t *testing.T) {
	dir := scenes(t)
	must(t, dir, small("whole", "--max_steps", "8", "--n_epochs", "2", "--n_epochs_decay", "2")...)
	must(t, dir, small("parts", "--max_steps", "4", "--n_epochs", "2", "--n_epochs_decay", "2", "--save_latest_freq", "1")...)
	again := func(more ...string) []string {
		return append([]string{"train", "--dataroot", "scenes", "--name", "parts", "--continue_train", "--print_freq", "1"}, more...)
	}
	refuse := func(want []string, args ...string) {
		t.Helper()
		wantRefusal(t, runProgram(t, program(t, dir, args...)), want)
	}
	refuse([]string{"--ngf 8", "started with 4"}, again("--ngf", "8")...)
	refuse([]string{"--lr 0.001", "started with 0.0002"}, again("--lr", "1e-3")...)
	refuse([]string{"--load_size 20", "started with 18"}, again("--load_size", "20")...)
	refuse([]string{"--direction", "BtoA", "started with", "AtoB"}, again("--direction", "BtoA")...)
	refuse([]string{"--seed 4", "started with 3"}, again("--seed", "4")...)
	must(t, dir, "synth", "--out", "others", "--size", "16", "--train", "4", "--test", "1")
	refuse([]string{"--dataroot others", "4 of A", "3 and 3"}, again("--dataroot", "others")...)

	// The newest checkpoint is damaged: back by one, and by name. The data set has moved, options are repeated, and others may change.
	newest := filepath.Join(dir, "checkpoints/parts", cyclegan.FileName(4))
	if err := os.Truncate(newest, 5000); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "scenes"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	r := must(t, dir, again("--dataroot", "moved", "--max_steps", "8", "--ngf", "4", "--lr", "2e-4", "--num_threads", "1", "--save_latest_freq", "3")...)
	if !strings.Contains(r.stderr, cyclegan.FileName(4)) || !strings.Contains(r.stderr, "falling back to") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("the damage is not named: %s", r.stderr)
	}
	file := cyclegan.FileName(8)
	if read(t, dir, "checkpoints/whole", file) != read(t, dir, "checkpoints/parts", file) {
		t.Error("a run of two parts differs from a run of one")
	}
	checkSteps(t, filepath.Join(dir, "checkpoints/parts"), 8)

	r = must(t, dir, again("--dataroot", "moved", "--max_steps", "8")...)
	if !strings.Contains(r.stdout, "already at step 8 of 8") {
		t.Errorf("a run that is done says %s", r.stdout)
	}
	// More epochs than the run was started with.
	must(t, dir, again("--dataroot", "moved", "--n_epochs", "3")...)
	model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/parts"))
	if err != nil || model.Step != 15 || model.Config.Epochs != 3 || model.Config.EpochsDecay != 2 {
		t.Errorf("after one more epoch: %v, %+v", err, model)
	}

	// What is another machine's says so, and goes on.
	model.Device = "another device"
	if err := model.Save(filepath.Join(dir, "checkpoints/parts", cyclegan.FileName(15))); err != nil {
		t.Fatal(err)
	}
	r = must(t, dir, again("--dataroot", "moved", "--n_epochs", "4", "--max_steps", "16")...)
	if !strings.Contains(r.stderr, "another device") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("another device: %s", r.stderr)
	}
}

// checkSteps wants every step once in metrics.jsonl.
func checkSteps(t *testing.T, run string, steps int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(read(t, run, "metrics.jsonl")), "\n")
	for i, line := range lines {
		var r struct{ Step int }
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Step != i+1 {
			t.Fatalf("record %d: %v: %s", i, err, line)
		}
	}
	if len(lines) != steps {
		t.Errorf("%d records of %d steps", len(lines), steps)
	}
}

// TestSecondTrainer: refused while the first one trains, by the folder's name.
func TestSecondTrainer(t *testing.T) {
	dir := scenes(t)
	cmd := program(t, dir, small("one")...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan() && !strings.HasPrefix(lines.Text(), "saved"); {
	}
	go io.Copy(io.Discard, stdout)
	want := []string{"checkpoints/one", "another training"}
	wantRefusal(t, runProgram(t, program(t, dir, small("one")...)), want)
	wantRefusal(t, runProgram(t, program(t, dir, small("one", "--continue_train")...)), want)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	must(t, dir, small("one", "--continue_train", "--max_steps", "1")...)
}

// TestKills kills a training again and again, at any moment: while it starts, reads a checkpoint, trains, saves and prunes. It
// always goes on, never from before a checkpoint that it said was saved.
func TestKills(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals to send")
	}
	kills := 50
	if os.Getenv("CYCLEVK_LONG") != "" {
		kills = 1000
	}
	dir := scenes(t)
	run := filepath.Join(dir, "checkpoints/killed")
	seed := rand.Uint64()
	t.Logf("random seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	options := small("killed", "--save_latest_freq", "1", "--save_epoch_freq", "0", "--display_freq", "1000000", "--n_epochs", "1000000")

	saved, lost, inSave, args := -1, 0, 0, options
	for kill := range kills {
		saved = max(saved, killAfter(t, program(t, dir, args...), random))
		temps, err := filepath.Glob(filepath.Join(run, "*.tmp"))
		if err != nil {
			t.Fatal(err)
		}
		if len(temps) > 0 {
			inSave++
		}
		model, err := cyclegan.Load(run)
		if err != nil && saved < 0 {
			continue // killed before the first checkpoint
		}
		if err != nil {
			t.Fatalf("random seed %d, kill %d: %v", seed, kill, err)
		}
		if len(model.Damaged) > 0 || model.Step < saved {
			lost++
			t.Errorf("random seed %d, kill %d: step %d was saved, and %d is the newest (%v)", seed, kill, saved, model.Step, model.Damaged)
		}
		saved, args = model.Step, append(slices.Clone(options), "--continue_train")
	}
	if saved < 0 {
		t.Fatal("always killed before the first checkpoint")
	}
	last := fmt.Sprint(saved + 3)
	must(t, dir, append(options, "--continue_train", "--max_steps", last)...)
	must(t, dir, small("alone", "--max_steps", last, "--n_epochs", "1000000")...)
	file := cyclegan.FileName(saved + 3)
	if read(t, run, file) != read(t, dir, "checkpoints/alone", file) {
		t.Errorf("random seed %d: the killed run differs from one that was left alone", seed)
	}
	checkSteps(t, run, saved+3)
	if temps, _ := filepath.Glob(filepath.Join(run, "*.tmp")); len(temps) > 0 {
		t.Errorf("left behind: %v", temps)
	}
	t.Logf("%d kills, %d of them within a save; %d checkpoints lost; step %d reached", kills, inSave, lost, saved)
}

var savedLine = regexp.MustCompile(`^saved .*step-(\d{9})\Q` + cyclegan.Extension + `\E$`)

// killAfter runs a training, kills it at a random moment, and returns the last step that it said was saved; -1 for none.
func killAfter(t *testing.T, cmd *exec.Cmd, random *rand.Rand) (saved int) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, wait := 7+random.IntN(30), time.Duration(random.IntN(20))*time.Millisecond // within the steps
	if random.IntN(4) == 0 {
		lines, wait = 0, time.Duration(random.IntN(400))*time.Millisecond // within the start
	}
	saved = -1
	output := bufio.NewScanner(stdout)
	for n := 0; ; n++ {
		if n == lines {
			time.Sleep(wait)
			_ = cmd.Process.Kill() // or it has ended, which shows in what follows
		}
		if !output.Scan() {
			break
		}
		if m := savedLine.FindStringSubmatch(output.Text()); m != nil {
			saved, _ = strconv.Atoi(m[1])
		}
	}
	_ = cmd.Wait() // killed
	return saved
}
