// A run that is stopped and resumed is, bit for bit, the run that was not.

package cyclegan

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestResumeBits stops a run at random steps. At each, the trainer is closed and a new one goes on from the newest checkpoint
// in the folder; the file of every stop, and that of the end, is the one of a run without stops.
func TestResumeBits(t *testing.T) {
	steps, stops := 40, 10
	if long() {
		steps, stops = 500, 200
	}
	dev := vktest.Device(t)
	seed := rand.Uint64()
	t.Logf("random seed %d", seed)
	at := rand.New(rand.NewPCG(seed, 0)).Perm(steps - 1)[:stops]
	for i := range at {
		at[i]++
	}
	at = append(at, steps)
	slices.Sort(at)

	whole := files(t, dev, at, false)
	for i, sum := range files(t, dev, at, true) {
		if sum != whole[i] {
			t.Fatalf("random seed %d: stop %d of %d, at step %d, differs from the run that was never stopped", seed, i+1, stops, at[i])
		}
	}
}

// files trains, saves at some steps, and returns the hashes of the files. With stops, each is loaded into a new trainer.
func files(t *testing.T, dev *vk.Device, at []int, stops bool) (sums [][32]byte) {
	t.Helper()
	r := &RunFolder{Path: t.TempDir(), disk: quick}
	tr := startTrainer(t, dev, tiny(), nil)
	defer func() { tr.Close() }()
	for _, stop := range at {
		for tr.Steps() < stop {
			rate := NewSchedule(tr.Config, nil).Rate(1 + tr.Steps()/3)
			if _, err := tr.Step(randomBatch(tr.Config, uint64(tr.Steps())), rate); err != nil {
				t.Fatal(err)
			}
		}
		c, err := tr.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		path, err := r.Save(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Prune(); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sha256.Sum256(raw))
		if !stops {
			continue
		}
		tr.Close()
		if c, err = Load(r.Path); err != nil {
			t.Fatal(err)
		}
		tr = startTrainer(t, dev, c.Config, c)
	}
	return sums
}

// TestContinueRun: damaged generations are set aside by name, what was half written goes, and the logs end at the checkpoint.
func TestContinueRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a [run]") // a name with a meaning to Glob
	r, err := CreateRun(path)
	if err != nil {
		t.Fatal(err)
	}
	for step := range 9 {
		if err := r.Log(Record{Step: step + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.metrics.append(`{"step":10,"epo`); err != nil { // torn
		t.Fatal(err)
	}
	save(t, r, 3)
	save(t, r, 6)
	newest := save(t, r, 9)
	raw, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(newest, raw[:len(raw)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(path, FileName(12)+".4711.tmp")
	if err := os.WriteFile(left, raw[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	r.Close()

	r, c, err := OpenRun(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if c.Step != 6 || len(c.Damaged) != 1 || !strings.Contains(c.Damaged[0].Error(), newest) {
		t.Fatalf("step %d, passed over %v", c.Step, c.Damaged)
	}
	if err := r.Continue(c); err != nil {
		t.Fatal(err)
	}
	if err := r.Log(Record{Step: 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(newest + damagedMark); err != nil {
		t.Error(err)
	}
	for _, gone := range []string{newest, left} {
		if _, err := os.Stat(gone); err == nil {
			t.Errorf("%s is still there", gone)
		}
	}
	metrics, err := os.ReadFile(filepath.Join(path, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	var steps []byte
	for line := range bytes.Lines(metrics) {
		steps = append(steps, line[len(`{"step":`)])
	}
	if string(steps) != "1234567" {
		t.Errorf("metrics.jsonl holds the steps %s:\n%s", steps, metrics)
	}
	losses, err := os.ReadFile(filepath.Join(path, lossFile))
	if err != nil || bytes.Count(losses, []byte("Training Loss")) != 2 || bytes.Count(losses, []byte("\n")) != 2+9+1 {
		t.Errorf("loss_log.txt (%v):\n%s", err, losses)
	}
}

// TestSaver: one save at a time; the copy is the run of its step, whatever the steps after it do.
func TestSaver(t *testing.T) {
	tr := startTrainer(t, vktest.Device(t), tiny(), nil)
	defer tr.Close()
	r := &RunFolder{Path: t.TempDir(), disk: quick}
	var s Saver
	if _, ended := s.Wait(); ended || s.Busy() {
		t.Error("an idle saver is busy")
	}
	train(t, tr, 3)
	want, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s.Start(r, snapshot)
	if !s.Busy() {
		t.Error("the saver is idle")
	}
	train(t, tr, 3)
	end, ended := s.Wait()
	if !ended || end.Err != nil || end.Pruned != nil || end.Step != 3 || s.Busy() {
		t.Fatalf("the save ended with %+v", end)
	}
	c, err := Load(end.Path)
	if err != nil || !same(c, want) {
		t.Errorf("the file is not the run at step 3 (%v)", err)
	}
}
