// The run folder's files, and that nothing but finite numbers is saved.

package cyclegan

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRunFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoints", "a [run]") // a name with a meaning to Glob
	r, err := CreateRun(path)
	if err != nil {
		t.Fatal(err)
	}
	rec := Record{
		Step: 400, Epoch: 178, Iters: 600, LR: 0.0001, PerImage: 311 * time.Millisecond, Waiting: 100 * time.Millisecond,
		Losses: Losses{{"D_A", 0.0641}, {"G_A", 0.2}, {"cycle_A", 3}, {"idt_A", 4}, {"D_B", 5}, {"G_B", 6}, {"cycle_B", 7}, {"idt_B", 8}},
	}
	if err := r.Log(rec); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteOptions([]Option{{"crop_size", "64", "256"}, {"norm", "instance", "instance"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}

	line := "(epoch: 178, iters: 600, time: 0.311, data: 0.100) D_A: 0.064 G_A: 0.200 cycle_A: 3.000 idt_A: 4.000 " +
		"D_B: 5.000 G_B: 6.000 cycle_B: 7.000 idt_B: 8.000\n"
	if log := text("loss_log.txt"); !strings.HasPrefix(log, "================ Training Loss (") || !strings.HasSuffix(log, " ================\n"+line) {
		t.Errorf("loss_log.txt:\n%s", log)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(text("metrics.jsonl")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"step": 400.0, "epoch": 178.0, "lr": 0.0001, "images_per_s": 1 / 0.311, "waiting_for_data": 100.0 / 311,
		"losses": map[string]any{"D_A": 0.0641, "G_A": 0.2, "cycle_A": 3.0, "idt_A": 4.0, "D_B": 5.0, "G_B": 6.0, "cycle_B": 7.0, "idt_B": 8.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics.jsonl (-want +got):\n%s", diff)
	}
	if options := text("train_opt.txt"); !strings.Contains(options, "                crop_size: 64                            \t[default: 256]\n"+
		"                     norm: instance                      \n") {
		t.Errorf("train_opt.txt:\n%s", options)
	}

	if r, err = CreateRun(path); err != nil {
		t.Errorf("a folder without a checkpoint is refused: %v", err)
	}
	r.Close()
	if err := os.WriteFile(filepath.Join(path, FileName(3)), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateRun(path); err == nil || !strings.Contains(err.Error(), FileName(3)) {
		t.Errorf("a folder with a checkpoint: %v", err)
	}
}

func TestFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	healthy := func() *Checkpoint {
		state := func() State { return State{"model.1.weight": {1, 2}, "model.1.bias": {0}} }
		return &Checkpoint{
			Info: Info{Step: 12}, Nets: map[string]NetState{"G_A": {state(), state(), state()}, "D_B": {state(), state(), state()}},
			PoolA: [][]float32{{1}}, PoolB: [][]float32{{1}, {2}},
		}
	}
	if err := healthy().Finite(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*Checkpoint){
		"weight G_A.model.1.weight":         func(c *Checkpoint) { c.Nets["G_A"].Weights["model.1.weight"][1] = nan },
		"first moment of D_B.model.1.bias":  func(c *Checkpoint) { c.Nets["D_B"].M["model.1.bias"][0] = inf },
		"second moment of G_A.model.1.bias": func(c *Checkpoint) { c.Nets["G_A"].V["model.1.bias"][0] = nan },
		"a picture in the image pool":       func(c *Checkpoint) { c.PoolB[1][0] = nan },
	} {
		c := healthy()
		spoil(c)
		err := c.Finite()
		if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "step 12: "+want) {
			t.Errorf("want %q, got %v", want, err)
		}
		dir := t.TempDir()
		if _, saved := (&RunFolder{Path: dir}).Save(c); !errors.Is(saved, ErrNotFinite) {
			t.Errorf("%s: saved with %v", want, saved)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%s: the folder holds %v", want, files)
		}
	}
}
