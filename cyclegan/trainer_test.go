// Promises of training: the same bits, no allocation inside a step, memory known before, checkpoints that give back everything.

package cyclegan

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// tiny is a configuration whose step takes milliseconds, with a pool that overflows.
func tiny() Config {
	c := DefaultConfig()
	c.NetG, c.NetD, c.NGF, c.NDF, c.LayersD, c.CropSize, c.PoolSize, c.Seed = "resnet_1blocks", "n_layers", 4, 4, 1, 16, 2, 7
	return c
}

func randomBatch(c Config, seed uint64) *data.Batch {
	r := rand.New(rand.NewPCG(seed, 1))
	b := &data.Batch{N: c.StepSize(), CA: c.InputNC, CB: c.OutputNC, Bits: c.Bits}
	b.H, b.W = c.Size()
	for range c.StepSize() * b.H * b.W * c.Bits / 8 * max(c.InputNC, c.OutputNC) {
		b.A, b.B = append(b.A, uint8(r.Uint32())), append(b.B, uint8(r.Uint32()>>1))
	}
	b.A, b.B = b.A[:len(b.A)/max(c.InputNC, c.OutputNC)*c.InputNC], b.B[:len(b.B)/max(c.InputNC, c.OutputNC)*c.OutputNC]
	return b
}

func startTrainer(t *testing.T, dev *vk.Device, c Config, from *Checkpoint) *Trainer {
	t.Helper()
	tr, err := NewTrainer(dev, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Start(from); err != nil {
		t.Fatal(err)
	}
	return tr
}

// train runs steps from the trainer's position on and returns the checkpoint's bytes.
func train(t *testing.T, tr *Trainer, steps int) []byte {
	t.Helper()
	for range steps {
		if _, err := tr.Step(randomBatch(tr.Config, uint64(tr.Steps())), tr.Config.LR); err != nil {
			t.Fatal(err)
		}
	}
	c, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), FileName(c.Step))
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSameSeedSameBits(t *testing.T) {
	dev := vktest.Device(t)
	run := func(seed uint64) []byte {
		c := tiny()
		c.Seed = seed
		tr := startTrainer(t, dev, c, nil)
		defer tr.Close()
		return train(t, tr, 8)
	}
	a, b, other := run(7), run(7), run(8)
	if !bytes.Equal(a, b) {
		t.Error("the same seed gave different checkpoints")
	}
	if bytes.Equal(a, other) {
		t.Error("another seed gave the same checkpoint")
	}
}

// TestCutDispatchesSameBits: a step whose dispatches are cut leads to the checkpoint of one whose are not, in each precision.
func TestCutDispatchesSameBits(t *testing.T) {
	dev := vktest.Device(t)
	for _, c := range append(halfModes(), tiny()) {
		run := func(submission float64) (raw []byte, parts int) {
			dev.Submission = submission
			tr := startTrainer(t, dev, c, nil)
			defer tr.Close()
			for _, s := range tr.step.Submissions() {
				parts += s.Dispatches
			}
			return train(t, tr, 3), parts - tr.step.Dispatches()
		}
		want, uncut := run(0)
		got, cuts := run(3e5)
		if !bytes.Equal(got, want) || uncut != 0 || cuts < 10 {
			t.Errorf("%s: %d cuts, and %d by default; same bits: %v", c.Precision, cuts, uncut, bytes.Equal(got, want))
		}
	}
}

// TestRestore: 5 steps, saved, loaded into a new trainer, and 3 more are the bits of 8 steps, whatever the pictures are.
func TestRestore(t *testing.T) {
	dev := vktest.Device(t)
	other := tiny()
	other.InputNC, other.OutputNC, other.LambdaIdentity = 1, 4, 0
	other.Height, other.Width, other.Bits = 24, 16, 16
	for _, config := range []Config{tiny(), other} {
		whole := startTrainer(t, dev, config, nil)
		want := train(t, whole, 8)
		whole.Close()

		first := startTrainer(t, dev, config, nil)
		path := filepath.Join(t.TempDir(), FileName(5))
		if err := os.WriteFile(path, train(t, first, 5), 0o600); err != nil {
			t.Fatal(err)
		}
		first.Close()
		c, err := Load(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		second := startTrainer(t, dev, c.Config, c)
		if got := train(t, second, 3); !bytes.Equal(got, want) {
			t.Errorf("%+v: a run that was saved and restored differs from one that was not", config)
		}
		second.Close()
	}
}

// TestPreviewShows: the real pictures come back as they were handed in, the others in their domain's channels.
func TestPreviewShows(t *testing.T) {
	c := tiny()
	c.InputNC, c.OutputNC, c.LambdaIdentity = 1, 4, 0
	c.Height, c.Width, c.Bits = 24, 16, 16
	tr := startTrainer(t, vktest.Device(t), c, nil)
	defer tr.Close()
	b := randomBatch(c, 1)
	p, err := tr.Preview(b.A, b.B)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.RealA.Pix, b.A) || !bytes.Equal(p.RealB.Pix, b.B) {
		t.Error("the real pictures changed")
	}
	for _, m := range p.Pictures() {
		if m.W != 16 || m.H != 24 || m.Bits != 16 {
			t.Errorf("a picture of %dx%d of %d bits", m.W, m.H, m.Bits)
		}
	}
	if p.FakeB.C != 4 || p.RecA.C != 1 || p.FakeA.C != 1 || p.RecB.C != 4 {
		t.Errorf("channels %d, %d, %d, %d", p.FakeB.C, p.RecA.C, p.FakeA.C, p.RecB.C)
	}
}

func TestMemoryIsPredicted(t *testing.T) {
	dev := vktest.Device(t)
	tr, err := NewTrainer(dev, tiny())
	if err != nil {
		t.Fatal(err)
	}
	predicted, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	before, _ := dev.Allocated()
	if err := tr.Start(nil); err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	after, allocations := dev.Allocated()
	if after-before != predicted.Sum() {
		t.Errorf("%d bytes predicted, %d allocated", predicted.Sum(), after-before)
	}

	// Inside a step: no allocation on the device, none on the host.
	b := randomBatch(tr.Config, 1)
	step := func() {
		if _, err := tr.Step(b, 2e-4); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v host allocations a step", n)
	}
	if _, n := dev.Allocated(); n != allocations {
		t.Errorf("%d device allocations in steps", n-allocations)
	}
}

// TestLearns: on one pair of pictures the cycle and identity losses fall.
func TestLearns(t *testing.T) {
	c := tiny()
	c.PoolSize = 0
	tr := startTrainer(t, vktest.Device(t), c, nil)
	defer tr.Close()
	b := randomBatch(c, 3)
	var first, last float64
	for range 60 {
		r, err := tr.Step(b, 2e-3)
		if err != nil {
			t.Fatal(err)
		}
		if r != nil {
			last = 0
			for _, l := range r.Losses {
				if strings.HasPrefix(l.Name, "cycle") || strings.HasPrefix(l.Name, "idt") {
					last += float64(l.Value)
				}
			}
			if r.Step == 1 {
				first = last
			}
		}
	}
	if !(last < 0.8*first) {
		t.Errorf("cycle and identity losses: %.3f at first, %.3f after 60 steps", first, last)
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	dev := vktest.Device(t)
	tr := startTrainer(t, dev, tiny(), nil)
	defer tr.Close()
	raw := train(t, tr, 1)
	dir := t.TempDir()
	path := filepath.Join(dir, FileName(2))
	for _, at := range []int{0, 9, 300, len(raw) / 2, len(raw) - 1} {
		bad := bytes.Clone(raw)
		bad[at] ^= 0x10
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("byte %d flipped: %v, want an error that names the file", at, err)
		}
	}
	// The newest valid one of a folder wins.
	if err := os.WriteFile(filepath.Join(dir, FileName(1)), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(dir)
	if err != nil || c.Step != 1 {
		t.Errorf("folder with a damaged newest checkpoint: %v", err)
	}
}

// TestTranslateSizes: any size comes back in its own size, and padding does not change what needs none.
func TestTranslateSizes(t *testing.T) {
	dev := vktest.Device(t)
	trainer := startTrainer(t, dev, tiny(), nil)
	c, err := trainer.Checkpoint()
	trainer.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, direction := range []string{"AtoB", "BtoA"} {
		tr, err := NewTranslator(dev, c, direction)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range [][2]int{{1, 1}, {2, 40}, {7, 5}, {8, 8}, {13, 16}, {33, 18}} {
			x := &data.Image{W: size[0], H: size[1], Format: data.RGB}
			for i := range 3 * size[0] * size[1] {
				x.Pix = append(x.Pix, uint8(37*i))
			}
			y, err := tr.Translate(x)
			if err != nil {
				t.Errorf("%s %v: %v", direction, size, err)
			} else if y.W != x.W || y.H != x.H || len(y.Pix) != len(x.Pix) {
				t.Errorf("%s %v: came back as %dx%d", direction, size, y.W, y.H)
			}
		}
		tr.Close()
	}
	if _, err := NewTranslator(dev, c, "sideways"); err == nil {
		t.Error("direction sideways was taken")
	}
}

// TestTranslateEval: batch norm by running statistics is something else than by each picture's own; instance norm is not.
// And a U-Net gets the multiples that it needs.
func TestTranslateEval(t *testing.T) {
	dev := vktest.Device(t)
	for norm, differs := range map[string]bool{NormBatch: true, NormInstance: false} {
		c := tiny()
		c.NetG, c.NGF, c.CropSize, c.Norm = "unet_32", 2, 32, norm
		trainer := startTrainer(t, dev, c, nil)
		train(t, trainer, 2)
		model, err := trainer.Checkpoint()
		trainer.Close()
		if err != nil {
			t.Fatal(err)
		}
		x := &data.Image{W: 40, H: 5, Format: data.RGB}
		for i := range 3 * x.W * x.H {
			x.Pix = append(x.Pix, uint8(37*i))
		}
		var results [2]*data.Image
		for i := range results {
			tr, err := NewTranslator(dev, model, "AtoB")
			if err != nil {
				t.Fatal(err)
			}
			tr.Eval = i == 1
			if results[i], err = tr.Translate(x); err != nil {
				t.Fatal(err)
			}
			tr.Close()
		}
		if results[0].W != x.W || results[0].H != x.H || bytes.Equal(results[0].Pix, results[1].Pix) == differs {
			t.Errorf("norm %s: %dx%d, with and without running statistics the same: %v", norm, results[0].W, results[0].H, !differs)
		}
	}
}

func TestMirror(t *testing.T) {
	for _, c := range []struct {
		size int
		want []int
	}{
		{9, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5}},
		{9, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2}}, // to and fro
		{7, []int{0, 1, 2, 3, 4, 5, 6, 6}},                                  // too short: the edge repeats
		{1, []int{0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		for i, want := range c.want {
			if got := mirror(i, c.size); got != want {
				t.Errorf("mirror(%d, %d) = %d, want %d", i, c.size, got, want)
			}
		}
	}
}
