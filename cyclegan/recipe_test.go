// Every recipe of losses, channels and batches keeps the promises of training; and what the recipes are among themselves.

package cyclegan

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// recipes are tiny ones, by what is special.
func recipes() map[string]Config {
	with := func(change func(*Config)) Config {
		c := tiny()
		change(&c)
		return c
	}
	return map[string]Config{
		"default":        tiny(),
		"vanilla_minmax": with(func(c *Config) { c.GANMode = "vanilla_minmax" }),
		"wgangp":         with(func(c *Config) { c.GANMode = "wgangp" }),
		"cycle gan":      with(func(c *Config) { c.CycleLoss = "gan" }),
		"forward cycle":  with(func(c *Config) { c.LambdaB = 0 }),
		"no cycle":       with(func(c *Config) { c.LambdaA, c.LambdaB = 0, 0 }),
		"1 to 3":         with(func(c *Config) { c.InputNC, c.LambdaIdentity = 1, 0 }),
		"batch 2":        with(func(c *Config) { c.BatchSize = 2 }),
		"accumulate 3":   with(func(c *Config) { c.Accumulate = 3 }),
		"batch norm":     with(func(c *Config) { c.Norm, c.BatchSize = NormBatch, 2 }),
		"no norm": with(func(c *Config) {
			c.Norm, c.NetD, c.Upsample, c.InitType = NormNone, netPixel, UpsampleResize, InitXavier
		}),
		"low memory": with(func(c *Config) {
			c.LowMemory, c.NoDropout, c.Norm, c.BatchSize, c.Accumulate = true, false, NormBatch, 2, 2
		}),
		"dropout": with(func(c *Config) { c.NoDropout, c.Accumulate = false, 2 }),
		"unet": with(func(c *Config) {
			c.NetG, c.NGF, c.CropSize, c.Norm, c.NoDropout, c.CycleLoss, c.InitType = "unet_64", 1, 64, NormBatch, false, "gan", InitOrthogonal
		}),
		"all at once": with(func(c *Config) {
			c.GANMode, c.CycleLoss, c.LambdaA, c.LambdaIdentity, c.InputNC, c.OutputNC = "vanilla", "gan", 0, 0, 4, 1
			c.BatchSize, c.Accumulate, c.PoolSize = 2, 2, 5
		}),
	}
}

// TestRecipes: the memory is the predicted one, a step allocates nothing, and a run that was saved and restored goes on to the bit.
func TestRecipes(t *testing.T) {
	dev := vktest.Device(t)
	for name, c := range recipes() {
		t.Run(name, func(t *testing.T) {
			tr, err := NewTrainer(dev, c)
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
			if after, _ := dev.Allocated(); after-before != predicted.Sum() {
				t.Errorf("%d bytes predicted, %d allocated", predicted.Sum(), after-before)
			}
			for _, ps := range tr.networks() {
				calls := 0
				for _, s := range tr.step.seen {
					if s.net.Params == ps {
						calls++
					}
				}
				if want := (&Checkpoint{Info: Info{Config: c, Step: 1}}).BatchesTracked(ps.Net); calls != want {
					t.Errorf("a step calls %s %d times, not %d", ps.Net, calls, want)
				}
			}
			path := filepath.Join(t.TempDir(), FileName(3))
			if err := os.WriteFile(path, train(t, tr, 3), 0o600); err != nil {
				t.Fatal(err)
			}
			want := train(t, tr, 2)
			if payload, err := c.CheckpointBytes(); err != nil || len(want) < payload || len(want) > payload+50000 { // a header
				t.Errorf("a checkpoint of %d bytes with full pools, %d predicted (%v)", len(want), payload, err)
			}
			b := randomBatch(c, 1)
			_, allocations := dev.Allocated()
			if n := testing.AllocsPerRun(5, func() {
				if _, err := tr.Step(b, c.LR); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v host allocations a step", n)
			}
			if _, n := dev.Allocated(); n != allocations {
				t.Errorf("%d device allocations in steps", n-allocations)
			}
			tr.Close()

			from, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if from.Config != c {
				t.Errorf("the checkpoint says %+v", from.Config)
			}
			again := startTrainer(t, dev, c, from)
			defer again.Close()
			if got := train(t, again, 2); !bytes.Equal(got, want) {
				t.Error("a run that was saved and restored differs from one that was not")
			}
			if _, err := again.Preview(b.A, b.B); err != nil {
				t.Error(err)
			}
		})
	}
}

// gradients are those of a step from the initial weights, by network and name, and its losses.
func gradients(t *testing.T, dev *vk.Device, c Config, batches ...*data.Batch) (nets []map[string][]float32, losses Losses) {
	t.Helper()
	tr := startTrainer(t, dev, c, nil)
	defer tr.Close()
	for _, b := range batches {
		if _, err := tr.Step(b, 0); err != nil { // the weights stay
			t.Fatal(err)
		}
	}
	results, err := tr.Drain()
	if err != nil {
		t.Fatal(err)
	}
	for _, ps := range tr.networks() {
		raw, err := ps.read(dev, ps.Grads)
		if err != nil {
			t.Fatal(err)
		}
		nets = append(nets, unpack(ps.List, raw))
	}
	return nets, results[len(results)-1].Losses
}

// part is n pictures of each domain, from the first on.
func part(b *data.Batch, first, n int) *data.Batch {
	a, c := len(b.A)/b.N, len(b.B)/b.N
	p := *b
	p.N, p.A, p.B = n, b.A[first*a:][:n*a], b.B[first*c:][:n*c]
	return &p
}

// TestBatchIsTheMean: with instance norm, the gradient of a batch of 2 is the mean of the two gradients.
func TestBatchIsTheMean(t *testing.T) {
	dev := vktest.Device(t)
	for _, mode := range []string{"lsgan", "wgangp"} {
		c := tiny()
		c.GANMode, c.PoolSize = mode, 0
		single := c
		c.BatchSize = 2
		pair := randomBatch(c, 5)
		want, lossesA := gradients(t, dev, single, part(pair, 0, 1))
		second, lossesB := gradients(t, dev, single, part(pair, 1, 1))
		for i, net := range want {
			for name, v := range net {
				for j := range v {
					v[j] = (v[j] + second[i][name][j]) / 2
				}
			}
		}
		got, losses := gradients(t, dev, c, pair)
		compareGradients(t, mode, got, want)
		for i, l := range losses {
			if mean := (lossesA[i].Value + lossesB[i].Value) / 2; math.Abs(float64(l.Value-mean)) > 1e-6*max(1, math.Abs(float64(mean))) {
				t.Errorf("%s: loss %s of the batch is %v, the mean of its pictures' %v", mode, l.Name, l.Value, mean)
			}
		}
	}
}

// TestAccumulation: micro-batches give the gradients, the losses and the pools of a batch of all their pictures, in the memory of one.
func TestAccumulation(t *testing.T) {
	dev := vktest.Device(t)
	recipe := func(batch, accumulate int) Config {
		c := tiny()
		c.BatchSize, c.Accumulate, c.CycleLoss, c.PoolSize = batch, accumulate, "gan", 3
		return c
	}
	whole := recipe(4, 1)
	steps := []*data.Batch{randomBatch(whole, 1), randomBatch(whole, 2), randomBatch(whole, 3)} // in the first, the pools overflow
	want, wantLosses := gradients(t, dev, whole, steps...)
	for _, c := range []Config{recipe(2, 2), recipe(1, 4)} {
		got, losses := gradients(t, dev, c, steps...)
		compareGradients(t, "accumulated", got, want)
		for i, l := range losses {
			if w := wantLosses[i]; l.Name != w.Name || math.Abs(float64(l.Value-w.Value)) > 1e-6*max(1, math.Abs(float64(w.Value))) {
				t.Errorf("%d micro-batches: loss %v, of one batch %v", c.Accumulate, l, w)
			}
		}
	}

	memory := func(c Config) int {
		tr, err := NewTrainer(dev, c)
		if err != nil {
			t.Fatal(err)
		}
		n, err := tr.Memory()
		if err != nil {
			t.Fatal(err)
		}
		return n.Sum()
	}
	one, four, eight := memory(recipe(1, 1)), memory(recipe(1, 4)), memory(recipe(1, 8))
	const pixels, losses, slots = 16 * 16, 10, 2
	extra := 2*pixels*4*4 + slots*(2*pixels*3+losses*vk.Alignment) // the fakes of a micro-batch, and what the host hands in and takes
	t.Logf("device memory: %d bytes, 4 micro-batches %d, 8 %d, a batch of 4 %d", one, four, eight, memory(whole))
	if four > one+4*extra || eight > one+8*extra {
		t.Errorf("micro-batches take more memory than their fakes, %d bytes for each", extra)
	}
}

// compareGradients wants each tensor near: summed in another order, of the same terms.
func compareGradients(t *testing.T, what string, got, want []map[string][]float32) {
	t.Helper()
	worst := 0.0
	for i, net := range want {
		scale := 0.0 // a network's largest tensor
		for _, v := range net {
			scale = max(scale, norm(float64s(v)))
		}
		for name, v := range net {
			d := float64s(got[i][name])
			for j := range d {
				d[j] -= float64(v[j])
			}
			if r := norm(d) / scale; r > worst {
				worst = r
			}
		}
		if scale == 0 {
			t.Errorf("%s: network %d has no gradient", what, i)
		}
	}
	t.Logf("%s: gradients differ by at most %.2g of their network's", what, worst)
	if !(worst <= 2e-6) {
		t.Errorf("%s: gradients differ by %.2g", what, worst)
	}
}

func float64s(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// TestCyclesOff: a direction whose weight is 0 is neither computed nor felt.
func TestCyclesOff(t *testing.T) {
	dev := vktest.Device(t)
	work := map[[2]float64]int64{}
	for _, lambda := range [][2]float64{{0, 0}, {10, 0}, {0, 10}, {10, 10}} {
		c := tiny()
		c.LambdaA, c.LambdaB, c.LambdaIdentity = lambda[0], lambda[1], 0
		m, err := newModel(dev, c, c.CropSize, c.CropSize)
		if err != nil {
			t.Fatal(err)
		}
		work[lambda] = m.newStep(c.CropSize, c.CropSize).Work()

		_, losses := gradients(t, dev, c, randomBatch(c, 1))
		for i, name := range []string{"cycle_A", "cycle_B"} {
			at := slices.IndexFunc(losses, func(l Loss) bool { return l.Name == name })
			if on := losses[at].Value > 0; on != (lambda[i] > 0) {
				t.Errorf("λ %v: %v", lambda, losses[at])
			}
		}
	}
	none, forward, backward, both := work[[2]float64{0, 0}], work[[2]float64{10, 0}], work[[2]float64{0, 10}], work[[2]float64{10, 10}]
	t.Logf("operations of a step: no cycle %d, one %d, both %d", none, forward, both)
	if forward != backward || forward <= none || both-forward != forward-none {
		t.Errorf("operations of a step: none %d, forward %d, backward %d, both %d", none, forward, backward, both)
	}
}

// TestBatchOfOtherChannels is refused before it reaches the device.
func TestBatchOfOtherChannels(t *testing.T) {
	tr := startTrainer(t, vktest.Device(t), tiny(), nil)
	defer tr.Close()
	b := randomBatch(tr.Config, 1)
	b.A = b.A[:len(b.A)/3]
	if _, err := tr.Step(b, 0); err == nil || tr.Steps() != 0 {
		t.Errorf("grey pictures for a generator of colours: %v, %d steps", err, tr.Steps())
	}
}
