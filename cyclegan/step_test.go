// The whole training step against PyTorch: golden files by tools/golden/step.py, held by the yardstick that they carry.
//
// Rounding moves a step's losses and gradients by more than a bound on single kernels says. So the measure is PyTorch itself:
// the distances from float64 of 16 of its fp32 runs, with and without mkldnn, on one and two threads, inputs moved by an ulp.

package cyclegan

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"cyclevk/cyclegan/safetensors"
	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// golden is one file of tools/golden/step.py.
type golden struct {
	tensors map[string]safetensors.Tensor
	options []byte // a Config that leaves out what has the official default, and more
	config  struct {
		Blocks    int      `json:"n_blocks"`
		Height    int      `json:"height"`
		Width     int      `json:"width"`
		BatchSize int      `json:"batch_size"`
		Steps     int      `json:"steps"`
		PoolSize  int      `json:"pool_size"`
		Losses    []string `json:"losses"`
	}
}

func readGolden(t *testing.T, name string) *golden {
	t.Helper()
	list, meta, err := safetensors.Read("testdata/" + name + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{tensors: map[string]safetensors.Tensor{}}
	for _, x := range list {
		g.tensors[x.Name] = x
	}
	g.options = []byte(meta["config"])
	if err := json.Unmarshal(g.options, &g.config); err != nil {
		t.Fatal(err)
	}
	return g
}

// values are a tensor of any float type as float64.
func (g *golden) values(t *testing.T, name string) []float64 {
	t.Helper()
	x, ok := g.tensors[name]
	if !ok {
		t.Fatalf("the golden file has no tensor %s", name)
	}
	v, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (g *golden) state(t *testing.T, ps *Params, prefix string) State {
	s := State{}
	for _, p := range ps.Tracked {
		s[p.Name] = make([]float32, p.Len())
		p.draw(s[p.Name], nil, "", 0) // the file leaves out running statistics, which start at 0 and 1
	}
	for _, p := range ps.List {
		v := make([]float32, p.Len())
		for i, x := range g.values(t, prefix+"."+ps.Net+"."+p.Name) {
			v[i] = float32(x)
		}
		s[p.Name] = v
	}
	return s
}

// start makes a trainer with the initial weights of weights, for the pictures of g.
func (g *golden) start(t *testing.T, dev *vk.Device, weights *golden) *Trainer {
	t.Helper()
	c := DefaultConfig()
	if err := json.Unmarshal(g.options, &c); err != nil {
		t.Fatal(err)
	}
	c.NetG = fmt.Sprintf("resnet_%dblocks", g.config.Blocks)
	m, err := newModel(dev, c, g.config.Height, g.config.Width)
	if err != nil {
		t.Fatal(err)
	}
	tr := &Trainer{Model: m}
	tr.step = m.newStep(g.config.Height, g.config.Width)
	for _, a := range m.arenas() {
		t.Cleanup(a.Free)
		if err := a.Allocate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.step.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.step.Free)
	if err := m.initialise(); err != nil {
		t.Fatal(err)
	}
	for _, ps := range m.networks() {
		if err := ps.uploadWeights(dev, weights.state(t, ps, "init")); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// run trains on the golden pictures and returns the losses of each step; after the first step it calls check.
func (g *golden) run(t *testing.T, tr *Trainer, pictures *golden, check func()) []Losses {
	t.Helper()
	c := g.config
	a, b := pictures.tensors["pictures.A"].Data, pictures.tensors["pictures.B"].Data
	sizeA, sizeB := len(a)/c.Steps, len(b)/c.Steps
	var decisions []uint32
	if c.PoolSize > 0 {
		decisions = g.decisions()
	}
	var all []Losses
	for i := range c.Steps {
		slot, err := tr.step.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		tr.step.fill(slot, a[i*sizeA:][:sizeA], b[i*sizeB:][:sizeB])
		for j, x := range kernels.AdamHyper(tr.Config.LR, tr.Config.Beta1, beta2, i+1) {
			binary.LittleEndian.PutUint32(slot.Bytes(tr.step.hyper)[4*j:], math.Float32bits(x))
		}
		for n := range c.BatchSize {
			for side, m := range []*vk.Mem{tr.step.poolB, tr.step.poolA} { // the file's order: fake_B, fake_A
				if decisions != nil {
					at := 4*(i*c.BatchSize+n) + 2*side
					binary.LittleEndian.PutUint32(slot.Bytes(m)[8*n:], decisions[at])
					binary.LittleEndian.PutUint32(slot.Bytes(m)[8*n+4:], decisions[at+1])
				}
			}
		}
		if err := tr.step.Submit(slot); err != nil {
			t.Fatal(err)
		}
		if err := tr.step.Wait(slot); err != nil {
			t.Fatal(err)
		}
		all = append(all, tr.step.readLosses(slot, nil))
		if i == 0 && check != nil {
			check()
		}
	}
	return all
}

// decisions turns the file's swaps, [steps,N,2] with -1 for none, into the pool's {action, slot}.
func (g *golden) decisions() []uint32 {
	raw := g.tensors["pool"].Data
	var out []uint32
	for i := range len(raw) / 4 {
		swap, image := int32(binary.LittleEndian.Uint32(raw[4*i:])), i/2
		switch {
		case image < g.config.PoolSize:
			out = append(out, uint32(kernels.PoolStore), uint32(image))
		case swap >= 0:
			out = append(out, uint32(kernels.PoolSwap), uint32(swap))
		default:
			out = append(out, uint32(kernels.PoolKeep), 0)
		}
	}
	return out
}

func norm(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return math.Sqrt(s)
}

func TestStepAgainstPyTorch(t *testing.T) {
	dev := vktest.Device(t)
	for _, name := range []string{
		"step", "step_pool", "vanilla", "batch2", "n_layers_1", "n_layers_2", "batch_norm",
		"wgangp", "vanilla_minmax", "cycle_gan", "forward_cycle", "channels",
	} {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			base := g
			if name == "step_pool" {
				base = readGolden(t, "step")
			}
			tr := g.start(t, dev, base)
			check := func() { g.checkGradients(t, tr); g.checkRunning(t, tr) }
			if base != g {
				check = nil
			}
			g.checkLosses(t, g.run(t, tr, base, check))
		})
	}
}

// checkLosses: the first step within 1e-6 max(1,|b|); the root mean square of all later ones within 1.5 times the median of PyTorch's.
func (g *golden) checkLosses(t *testing.T, got []Losses) {
	t.Helper()
	want, n := g.values(t, "losses"), len(g.config.Losses)
	worst, sum := 0.0, 0.0
	for i, l := range got {
		for j, name := range g.config.Losses {
			k := slices.IndexFunc(l, func(x Loss) bool { return x.Name == name })
			if k < 0 || len(l) != n {
				t.Fatalf("losses %v, the golden file has %s", l, g.config.Losses)
			}
			d := math.Abs(float64(l[k].Value) - want[i*n+j])
			if i > 0 {
				sum += d * d
				continue
			}
			rel := d / math.Max(1, math.Abs(want[j]))
			worst = max(worst, rel)
			if !(rel <= 1e-6) {
				t.Errorf("loss %s of step 1: got %.9g, want %.9g", name, l[k].Value, want[j])
			}
		}
	}
	rms := math.Sqrt(sum / float64((len(got)-1)*n))
	runs := g.values(t, "runs.loss_rms")
	slices.Sort(runs)
	median := (runs[7] + runs[8]) / 2
	t.Logf("losses of step 1: largest distance %.2g; later: rms %.3g, PyTorch's fp32 %.3g (median), ratio %.2f", worst, rms, median, rms/median)
	if !(rms <= 1.5*median) {
		t.Errorf("losses of the later steps: rms distance %.3g from float64, PyTorch's fp32 has %.3g", rms, median)
	}
}

// checkGradients: each tensor within twice the largest distance of PyTorch's fp32 runs, each network within 1.5 times their median.
func (g *golden) checkGradients(t *testing.T, tr *Trainer) {
	t.Helper()
	for _, ps := range tr.networks() {
		raw, err := ps.read(tr.dev, ps.Grads)
		if err != nil {
			t.Fatal(err)
		}
		state := unpack(ps.List, raw)
		whole, worst, worstName := 0.0, 0.0, ""
		for _, p := range ps.List {
			key := "grad." + ps.Net + "." + p.Name
			want := g.values(t, key)
			d := make([]float64, len(want))
			for i, x := range state[p.Name] {
				d[i] = float64(x) - want[i]
			}
			if p.Inert {
				if norm(d) != 0 {
					t.Errorf("%s: a bias before an instance norm has gradient 0, got %g", key, norm(d))
				}
				continue
			}
			whole += norm(d) * norm(d)
			limit := 2 * slices.Max(g.values(t, "distance."+key))
			if _, ok := g.tensors["terms."+key]; ok {
				// One number, the last bias: 16 runs that happen to agree are no measure, but the bound on a sum of terms is.
				limit = max(limit, 16*kernels.U*g.values(t, "terms."+key)[0])
			}
			if r := norm(d) / limit; r > worst {
				worst, worstName = r, p.Name
			}
			if !(norm(d) <= limit) {
				t.Errorf("%s: distance %.3g from float64 (its norm is %.3g), PyTorch's fp32 allows %.3g", key, norm(d), norm(want), limit)
			}
		}
		runs := g.values(t, "distance.grad."+ps.Net)
		slices.Sort(runs)
		median := (runs[7] + runs[8]) / 2
		t.Logf("%s gradients: distance %.3g of PyTorch fp32's median; worst tensor %s at %.2f of its limit", ps.Net, math.Sqrt(whole)/median, worstName, worst)
		if !(math.Sqrt(whole) <= 1.5*median) {
			t.Errorf("%s: gradients are %.3g from float64, PyTorch's fp32 %.3g", ps.Net, math.Sqrt(whole), median)
		}
	}
}

// checkRunning: batch norm's running statistics after the first step, each tensor as a gradient.
func (g *golden) checkRunning(t *testing.T, tr *Trainer) {
	t.Helper()
	for _, ps := range tr.networks() {
		if ps.Running == nil {
			continue
		}
		raw, err := ps.read(tr.dev, ps.Running)
		if err != nil {
			t.Fatal(err)
		}
		state, worst := unpack(ps.Tracked, raw), 0.0
		for _, p := range ps.Tracked {
			key := "stat." + ps.Net + "." + p.Name
			want := g.values(t, key)
			for i, x := range state[p.Name] {
				want[i] -= float64(x)
			}
			limit := max(2*slices.Max(g.values(t, "distance."+key)), 16*kernels.U*g.values(t, "terms."+key)[0])
			worst = max(worst, norm(want)/limit)
			if !(norm(want) <= limit) {
				t.Errorf("%s: distance %.3g from float64, PyTorch's fp32 allows %.3g", key, norm(want), limit)
			}
		}
		t.Logf("%s running statistics: worst tensor at %.2f of its limit", ps.Net, worst)
	}
}
