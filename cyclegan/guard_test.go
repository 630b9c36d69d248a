// The guard: every tensor and every loss is looked at and named, and a step with a broken number leaves no trace.

package cyclegan

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestGuardNamesEverything breaks the first and the last value of each gradient, and each loss of each micro-batch, in turn.
func TestGuardNamesEverything(t *testing.T) {
	dev := vktest.Device(t)
	c := tiny()
	c.CycleLoss, c.Accumulate, c.Norm = "gan", 2, NormBatch // with all networks and tensors there can be
	m, err := newModel(dev, c, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	losses := m.arena.Reserve("losses", 2*len(m.losses)*vk.Alignment)
	p := dev.NewProgram("inspection")
	words := p.Host("guard", m.guard.Size)
	m.inspect(p, losses)
	kernels.Copy(p, wordsOf(m.guard), wordsOf(words))
	if err := errors.Join(m.arena.Allocate(), p.Build()); err != nil {
		t.Fatal(err)
	}
	defer m.arena.Free()
	defer p.Free()
	healthy := func() {
		if err := errors.Join(m.initialise(), dev.Zero(losses.All())); err != nil {
			t.Fatal(err)
		}
	}
	verdict := func() error {
		slot, err := p.Acquire()
		if err := errors.Join(err, p.Submit(slot), p.Wait(slot)); err != nil {
			t.Fatal(err)
		}
		return m.verdict(slot.Bytes(words), 812)
	}
	healthy()
	if err := verdict(); err != nil {
		t.Errorf("zeros: %v", err)
	}
	broken := func(value float32, what string, r vk.Range) {
		t.Helper()
		healthy()
		if err := dev.Write(r, floatBytes([]float32{value})); err != nil {
			t.Fatal(err)
		}
		err := verdict()
		want := "step 812: " + what + " is not finite: lower --lr, or look for broken pictures"
		if !errors.Is(err, ErrNotFinite) || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for i, name := range slices.Concat(m.losses, m.losses) {
		broken(inf, "loss "+name, losses.Slice(i*vk.Alignment, 4))
	}
	for _, ps := range m.networks() {
		for _, p := range ps.List {
			what := fmt.Sprintf("gradient of %s.%s", ps.Net, p.Name)
			broken(nan, what, ps.Grads.Slice(p.offset, 4))
			broken(1e19, what, ps.Grads.Slice(p.offset+4*p.floats-4, 4)) // its square is infinite
		}
	}
}

// TestBrokenStepIsNotTaken makes the gradients of a step overflow. It and those submitted after it leave every bit of
// weights, moments, running statistics and pools as it was.
func TestBrokenStepIsNotTaken(t *testing.T) {
	dev := vktest.Device(t)
	for i, from := range []string{"Step", "Drain", "Checkpoint"} { // where the broken step is met
		t.Run(from, func(t *testing.T) {
			c := tiny()
			c.Norm, c.NoDropout, c.Accumulate = NormBatch, false, 1+i
			tr := startTrainer(t, dev, c, nil)
			defer tr.Close()
			train(t, tr, 5) // the pools, of 2, are full
			state, err := tr.Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			last := tr.DA.Params.List[len(tr.DA.Params.List)-2]
			weights := state.Nets["D_A"].Weights
			weights[last.Name] = make([]float32, last.Len())
			for i := range weights[last.Name] {
				weights[last.Name][i] = 1e18
			}
			if err := tr.DA.Params.upload(dev, tr.DA.Params.Weights, weights); err != nil {
				t.Fatal(err)
			}
			want := train(t, tr, 0)

			step := func(seed uint64) error {
				_, err := tr.Step(randomBatch(tr.Config, seed), tr.Config.LR)
				return err
			}
			if err := errors.Join(step(20), step(21)); err != nil { // 6 and 7: nobody knows yet
				t.Fatal(err)
			}
			switch from {
			case "Step":
				err = step(22)
			case "Drain":
				_, err = tr.Drain()
			case "Checkpoint":
				_, err = tr.Checkpoint()
				if err != nil {
					t.Fatal(err)
				}
				err = step(22)
			}
			if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "step 6: ") {
				t.Fatalf("%s: %v", from, err)
			}
			if again := step(23); !errors.Is(again, ErrNotFinite) || again.Error() != err.Error() {
				t.Errorf("the next step: %v", again)
			}
			if tr.Steps() != 5 || !bytes.Equal(train(t, tr, 0), want) {
				t.Errorf("after %d steps, the state is not that before the broken one", tr.Steps())
			}
		})
	}
}

// TestConstantPictures: a variance of 0 everywhere leaves every gradient finite.
func TestConstantPictures(t *testing.T) {
	dev := vktest.Device(t)
	for _, grey := range [][2]uint8{{0, 255}, {128, 128}, {0, 0}} {
		tr := startTrainer(t, dev, tiny(), nil)
		n := 3 * tr.Config.CropSize * tr.Config.CropSize
		b := &data.Batch{N: 1, H: tr.Config.CropSize, W: tr.Config.CropSize, CA: 3, CB: 3, Bits: 8, A: bytes.Repeat(grey[:1], n), B: bytes.Repeat(grey[1:], n)}
		for range 6 {
			if _, err := tr.Step(b, tr.Config.LR); err != nil {
				t.Fatalf("pictures of %d and %d: %v", grey[0], grey[1], err)
			}
		}
		c, err := tr.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&RunFolder{Path: t.TempDir()}).Save(c)
		if results, drained := tr.Drain(); err != nil || drained != nil || len(results) != 2 {
			t.Errorf("pictures of %d and %d: %d last results, %v, %v", grey[0], grey[1], len(results), drained, err)
		}
		tr.Close()
	}
}

// TestOverflowingLearningRate: weights that the first step makes enormous break the second, and the first can be saved.
func TestOverflowingLearningRate(t *testing.T) {
	tr := startTrainer(t, vktest.Device(t), tiny(), nil)
	defer tr.Close()
	var err error
	for i := uint64(0); i < 10 && err == nil; i++ {
		_, err = tr.Step(randomBatch(tr.Config, i), 1e30)
	}
	if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "step 2: ") {
		t.Errorf("a learning rate of 1e30: %v", err)
	}
	c, err := tr.Checkpoint()
	if err != nil || c.Step != 1 {
		t.Fatalf("%+v, %v", c.Info, err)
	}
	if _, err := (&RunFolder{Path: t.TempDir()}).Save(c); err != nil {
		t.Error(err)
	}
}
