// The step of Config.LowMemory: the same step, by the numbers, in the memory that it promises.

package cyclegan

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// taken is what steps from the initial weights, which they leave as they are, lead to.
type taken struct {
	losses    []Result
	gradients []map[string][]float32 // of the last step, by network
	running   [][]byte               // statistics of each network
	pools     [2][][]float32
}

// take steps with a learning rate of 0 on some batches.
func take(t *testing.T, dev *vk.Device, c Config, batches ...*data.Batch) (s taken) {
	t.Helper()
	tr := startTrainer(t, dev, c, nil)
	defer tr.Close()
	for _, b := range batches {
		r, err := tr.Step(b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if r != nil {
			s.losses = append(s.losses, Result{Step: r.Step, Losses: slices.Clone(r.Losses)})
		}
	}
	rest, err := tr.Drain()
	if err != nil {
		t.Fatal(err)
	}
	s.losses = append(s.losses, rest...)
	for _, ps := range tr.networks() {
		raw, err := ps.read(tr.dev, ps.Grads)
		if err != nil {
			t.Fatal(err)
		}
		s.gradients = append(s.gradients, unpack(ps.List, raw))
		if ps.Running == nil {
			continue
		}
		if raw, err = ps.read(tr.dev, ps.Running); err != nil {
			t.Fatal(err)
		}
		s.running = append(s.running, raw)
	}
	saved, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	s.pools = [2][][]float32{saved.PoolA, saved.PoolB}
	return s
}

// TestLowMemoryStep: losses, pools, running statistics and the discriminators' gradients have the bits of the ordinary step; the
// generators' gradients are sums of the same terms in another order.
func TestLowMemoryStep(t *testing.T) {
	dev := vktest.Device(t)
	modes := recipes()
	for _, c := range halfModes() {
		modes[c.Precision] = c
	}
	for name, c := range modes {
		if c.LowMemory {
			continue
		}
		t.Run(name, func(t *testing.T) {
			batches := []*data.Batch{randomBatch(c, 1), randomBatch(c, 2), randomBatch(c, 3)} // the pools overflow
			want := take(t, dev, c, batches...)
			c.LowMemory = true
			got := take(t, dev, c, batches...)
			for i, r := range want.losses {
				if !slices.Equal(got.losses[i].Losses, r.Losses) {
					t.Errorf("step %d: losses %v, the ordinary step has %v", r.Step, got.losses[i].Losses, r.Losses)
				}
			}
			for i, running := range want.running {
				if !bytes.Equal(got.running[i], running) {
					t.Errorf("other running statistics of network %d", i)
				}
			}
			for i, pool := range want.pools {
				if !slices.EqualFunc(got.pools[i], pool, slices.Equal[[]float32]) {
					t.Errorf("other pictures in pool %d", i)
				}
			}
			const generators = 2
			exact := generators // and all from it on
			if c.Accumulate == 1 && (c.LambdaIdentity == 0 || c.LambdaA == 0 && c.LambdaB == 0) {
				exact = 0 // two terms make one sum
			}
			for i, net := range want.gradients[exact:] {
				for name, v := range net {
					if !slices.Equal(got.gradients[exact+i][name], v) {
						t.Errorf("another gradient of network %d: %s", exact+i, name)
					}
				}
			}
			compareGradients(t, name, got.gradients[:generators], want.gradients[:generators])
		})
	}
}

// TestLowMemoryAgainstPyTorch holds it to the yardstick of the ordinary step.
func TestLowMemoryAgainstPyTorch(t *testing.T) {
	dev := vktest.Device(t)
	for _, name := range []string{"step", "batch_norm"} {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			g.options = []byte(strings.Replace(string(g.options), "{", `{"low_memory": true, `, 1))
			tr := g.start(t, dev, g)
			if !tr.Config.LowMemory {
				t.Fatal("the mode is off")
			}
			g.checkLosses(t, g.run(t, tr, g, func() { g.checkGradients(t, tr); g.checkRunning(t, tr) }))
		})
	}
}

// TestLowMemoryPlan: what the official networks take, as planned, and the work that it costs: the fakes once more.
func TestLowMemoryPlan(t *testing.T) {
	dev := vktest.Device(t)
	plan := func(size int, low bool) (Memory, *Benchmark) {
		c := DefaultConfig()
		c.CropSize, c.LowMemory = size, low
		b, err := NewBenchmark(dev, c)
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.Memory()
		if err != nil {
			t.Fatal(err)
		}
		return m, b
	}
	const mb = 1000 * 1000
	const lasting = 4 * 4 * 28.29 * mb // weights, gradients and two moments of four networks
	for _, c := range []struct {
		size int
		most float64 // bytes
	}{{128, lasting + 60*mb}, {256, 1000 * mb}, {512, 2000 * mb}} { // for cards of 1, 1 and 2 GB
		low, b := plan(c.size, true)
		if float64(low.Device) > c.most || low.Device < lasting {
			t.Errorf("%d px: %.1f MB", c.size, float64(low.Device)/mb)
		}
		t.Logf("%d px: %.1f MB of device memory, %.1f of the host's, %.1f GMAC", c.size, float64(low.Device)/mb, float64(low.Host)/mb, float64(b.StepWork())/2e9)
		if c.size != 256 {
			continue
		}
		ordinary, o := plan(c.size, false)
		t.Logf("%d px, the ordinary step: %.1f MB of device memory, %.1f of the host's, %.1f GMAC", c.size, float64(ordinary.Device)/mb, float64(ordinary.Host)/mb, float64(o.StepWork())/2e9)
		if extra := b.StepWork() - o.StepWork(); extra != 2*o.ForwardWork() {
			t.Errorf("%d operations more than the ordinary step, want two passes of a generator, %d", extra, 2*o.ForwardWork())
		}
		// The ordinary step has the activations of four passes, this one those of one and what it works on.
		if a, b := ordinary.Device-lasting, low.Device-lasting; 3*b > a {
			t.Errorf("%d bytes beside the networks, the ordinary step has %d", b, a)
		}
	}
}

// TestOfficialStepOnASmallCard takes steps of the official networks at 256 px in less than a gibibyte: a minute or two on a CPU.
func TestOfficialStepOnASmallCard(t *testing.T) {
	if !long() {
		t.Skip("set CYCLEVK_LONG for a step at 256 px")
	}
	t.Setenv("CYCLEVK_MEMORY", "700")
	t.Setenv("CYCLEVK_TIMEOUT", "3h") // of a CPU that others use, too
	c := DefaultConfig()
	c.LowMemory = true
	tr := startTrainer(t, vktest.Device(t), c, nil)
	defer tr.Close()
	if _, err := tr.Step(randomBatch(c, 1), c.LR); err != nil {
		t.Fatal(err)
	}
	results, err := tr.Drain()
	if err != nil || len(results) != 1 {
		t.Fatalf("%v, %v", results, err)
	}
	t.Log(results[0].Losses)
}
