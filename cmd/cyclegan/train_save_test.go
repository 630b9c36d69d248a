// What a save that fails does to a training.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
)

// TestFailedSave: a warning while an older checkpoint survives, the end where none does or the numbers are spoilt.
func TestFailedSave(t *testing.T) {
	older := filepath.Join(t.TempDir(), cyclegan.FileName(5))
	if err := os.WriteFile(older, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	full := fmt.Errorf("write step 10: %w", syscall.ENOSPC)
	spoilt := fmt.Errorf("step 10: a weight %w", cyclegan.ErrNotFinite)
	for _, c := range []struct {
		name, newest string
		end          cyclegan.Saved
		fatal        bool
		says         []string
	}{
		{"an older one survives", older, cyclegan.Saved{Step: 10, Err: full}, false, []string{"step 10 is not saved", full.Error(), older}},
		{"the older one is gone", older + "x", cyclegan.Saved{Step: 10, Err: full}, true, nil},
		{"there was none", "", cyclegan.Saved{Step: 0, Err: full}, true, nil},
		{"not a number", older, cyclegan.Saved{Step: 10, Err: spoilt}, true, nil},
		{"one that stays", older, cyclegan.Saved{Step: 10, Path: "step 10", Pruned: syscall.EPERM}, false, []string{syscall.EPERM.Error()}},
	} {
		var stderr strings.Builder
		run := &training{stdout: io.Discard, stderr: &stderr, progress: &app.Progress{}}
		run.newest = cyclegan.Saved{Step: 5, Path: c.newest}
		err := run.saved(c.end)
		if c.fatal != (err != nil) || c.fatal && !errors.Is(err, c.end.Err) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, want := range c.says {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%s: does not say %q: %s", c.name, want, stderr.String())
			}
		}
		if wantLines := min(len(c.says), 1); strings.Count(stderr.String(), "\n") != wantLines {
			t.Errorf("%s: says %q", c.name, stderr.String())
		}
		if ok := c.end.Err == nil; ok != (run.newest.Step == 10) {
			t.Errorf("%s: the newest is now step %d", c.name, run.newest.Step)
		}
	}
}

// TestKeptEpochs: the official code's saved epochs, by steps.
func TestKeptEpochs(t *testing.T) {
	run := &training{trainOptions: &trainOptions{config: cyclegan.Config{EpochCount: 1}, saveEpochFreq: 5}, perEpoch: 3}
	for step := range 40 {
		if got, want := run.endsSavedEpoch(step), step == 15 || step == 30; got != want {
			t.Errorf("step %d: %v", step, got)
		}
	}
	run.config.EpochCount = 4 // epoch 5 is the second
	if !run.endsSavedEpoch(6) || run.endsSavedEpoch(15) {
		t.Error("epochs are counted from --epoch_count")
	}
	run.saveEpochFreq = 0
	if run.endsSavedEpoch(6) {
		t.Error("--save_epoch_freq 0 keeps an epoch")
	}
}
