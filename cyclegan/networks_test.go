// Every network and network option against PyTorch: golden files by tools/golden/networks.py, which hold what comes out; weights
// and pictures are drawn here as there, from an integer hash.

package cyclegan

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan/safetensors"
	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// networkCase is one case of tools/golden/networks.py.
type networkCase struct {
	Name      string `json:"name"`
	Net       string `json:"net"`
	Norm      string `json:"norm"`
	Width     int    `json:"width"`
	LayersD   int    `json:"n_layers_D"`
	InputNC   int    `json:"input_nc"`
	OutputNC  int    `json:"output_nc"`
	Dropout   bool   `json:"dropout"`
	Upsample  string `json:"upsample"`
	Height    int    `json:"height"`
	WidthPx   int    `json:"width_px"`
	BatchSize int    `json:"batch_size"`
	Seed      uint32 `json:"seed"`
}

// mix32 is the finaliser of MurmurHash3.
func mix32(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x85EBCA6B
	x ^= x >> 13
	x *= 0xC2B2AE35
	return x ^ x>>16
}

// uniform is networks.py's function of that name: n numbers of [-1,1).
func uniform(seed uint32, name string, n int) []float64 {
	h := uint32(0x811C9DC5)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 0x01000193
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(mix32(mix32(uint32(i)+seed*0x9E3779B9)^h)>>8)/(1<<23) - 1
	}
	return v
}

// hashedState is networks.py's weights.
func hashedState(ps *Params, seed uint32) State {
	s := State{}
	for _, p := range slices.Concat(ps.List, ps.Tracked) {
		v := make([]float32, p.Len())
		for i, u := range uniform(seed, p.Name, len(v)) {
			switch {
			case len(p.Shape) == 4:
				v[i] = float32(u * math.Sqrt(3*float64(p.Shape[0])/float64(len(v))))
			case strings.HasSuffix(p.Name, ".weight"), strings.HasSuffix(p.Name, ".running_var"):
				v[i] = float32(1 + 0.5*u)
			default:
				v[i] = float32(0.1 * u)
			}
		}
		s[p.Name] = v
	}
	return s
}

// network lays the case's out.
func (c networkCase) network(t *testing.T) *Network {
	t.Helper()
	config := DefaultConfig()
	config.NetG, config.NGF, config.NDF, config.LayersD = c.Net, c.Width, c.Width, c.LayersD
	config.InputNC, config.OutputNC, config.Norm, config.NoDropout, config.Upsample = c.InputNC, c.OutputNC, c.Norm, !c.Dropout, c.Upsample
	if !strings.Contains(c.Net, "net_") {
		config.NetD = c.Net
		return NewDiscriminator("D_B", config.DiscriminatorSpec("D_B")) // D_B judges pictures of A, of InputNC channels
	}
	spec, err := config.GeneratorSpec("G_A")
	if err != nil {
		t.Fatal(err)
	}
	return NewGenerator("G_A", spec)
}

// toNHWC brings [N,C,H,W] values into a tensor's memory layout, and fromNHWC back.
func toNHWC(x kernels.Tensor, v []float64) []float32 {
	out, stride := make([]float32, x.N*x.H*x.W*kernels.Stride(x.C)), kernels.Stride(x.C)
	for i, u := range v {
		pixel, c, n := i%(x.H*x.W), i/(x.H*x.W)%x.C, i/(x.H*x.W*x.C)
		out[(n*x.H*x.W+pixel)*stride+c] = float32(u)
	}
	return out
}

func fromNHWC(x kernels.Tensor, v []float32) []float64 {
	out, stride := make([]float64, x.N*x.C*x.H*x.W), kernels.Stride(x.C)
	for i := range out {
		pixel, c, n := i%(x.H*x.W), i/(x.H*x.W)%x.C, i/(x.H*x.W*x.C)
		out[i] = float64(v[(n*x.H*x.W+pixel)*stride+c])
	}
	return out
}

// Of networks.py: how outputs are sampled and gradients folded, and what dropout's masks are drawn from.
const (
	goldenSamples = 256
	goldenFolds   = 256
	goldenCall    = 5
)

var goldenSeed = []uint32{0x01234567, 0x89ABCDEF, 3, 0}

func sampled(v []float64) (out []float64) {
	for i := 0; i < len(v); i += (len(v) + goldenSamples - 1) / goldenSamples {
		out = append(out, v[i])
	}
	return out
}

func folded(v []float64) []float64 {
	if len(v) <= 2*goldenFolds {
		return v
	}
	out := make([]float64, goldenFolds)
	for i, sign := range uniform(0, "fold", len(v)) {
		if sign >= 0 {
			out[i%goldenFolds] += v[i]
		} else {
			out[i%goldenFolds] -= v[i]
		}
	}
	return out
}

// networkPass is what a network made of a case on the device, [N,C,H,W].
type networkPass struct {
	y, eval, dx []float64
	grads       State
	running     State
}

// run takes the case through the device.
func (c networkCase) run(t *testing.T, dev *vk.Device) (*Network, networkPass) {
	t.Helper()
	n := c.network(t)
	arena, p := dev.NewArena("network"), dev.NewProgram("network")
	n.Params.reserve(arena, true)
	x := kernels.Reserve(arena, "x", c.BatchSize, c.Height, c.WidthPx, n.In)
	seed, guard := arena.Reserve("seed", 4*kernels.SeedWords), arena.Reserve("guard", vk.Alignment)
	pass := Pass{Call: goldenCall}
	if c.Dropout {
		pass.Seed = seed.All()
	}
	tape := n.Forward(p, x, pass)
	dy, dx := kernels.Reserve(arena, "dy", tape.Y.N, tape.Y.H, tape.Y.W, tape.Y.C), kernels.Reserve(arena, "dx", x.N, x.H, x.W, x.C)
	y, eval := kernels.Reserve(arena, "y", dy.N, dy.H, dy.W, dy.C), kernels.Reserve(arena, "y of eval", dy.N, dy.H, dy.W, dy.C)
	kernels.Copy(p, tape.Y, y)
	kernels.Copy(p, n.Forward(p, x, Pass{Eval: true}).Y, eval)
	p.Phase()
	n.Backward(p, tape, dy, dx, false, overwrite)
	n.Track(p, tape, 0, guard.All())
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(arena.Allocate())
	t.Cleanup(arena.Free)
	check(p.Build())
	t.Cleanup(p.Free)
	check(n.Params.uploadWeights(dev, hashedState(n.Params, c.Seed)))
	check(dev.Zero(n.Params.Grads.All()))
	check(dev.Zero(guard.All()))
	check(dev.Write(x.Range, floatBytes(toNHWC(x, uniform(c.Seed, "x", x.N*x.C*x.H*x.W)))))
	check(dev.Write(dy.Range, floatBytes(toNHWC(dy, uniform(c.Seed, "dy", dy.N*dy.C*dy.H*dy.W)))))
	var words []byte
	for _, w := range goldenSeed {
		words = binary.LittleEndian.AppendUint32(words, w)
	}
	check(dev.Write(seed.All(), words))
	check(p.Run())
	read := func(x kernels.Tensor) []float64 {
		raw := make([]byte, x.Bytes)
		check(dev.Read(x.Range, raw))
		return fromNHWC(x, bytesFloats(raw))
	}
	result := networkPass{y: read(y), eval: read(eval), dx: read(dx)}
	raw, err := n.Params.read(dev, n.Params.Grads)
	check(err)
	result.grads = unpack(n.Params.List, raw)
	if n.Params.Running != nil {
		raw, err = n.Params.read(dev, n.Params.Running)
		check(err)
		result.running = unpack(n.Params.Tracked, raw)
	}
	return n, result
}

// TestNetworksAgainstPyTorch: outputs within 1e-5 of float64, gradients by the yardstick of step_test.go.
func TestNetworksAgainstPyTorch(t *testing.T) {
	dev := vktest.Device(t)
	g, list := &golden{tensors: map[string]safetensors.Tensor{}}, []networkCase(nil)
	tensors, meta, err := safetensors.Read("testdata/networks.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tensors {
		g.tensors[x.Name] = x
	}
	if err := json.Unmarshal([]byte(meta["cases"]), &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Run(c.Name, func(t *testing.T) { c.compare(t, dev, g) })
	}
}

func (c networkCase) compare(t *testing.T, dev *vk.Device, g *golden) {
	n, got := c.run(t, dev)
	worst := 0.0
	for name, y := range map[string][]float64{"out": got.y, "out.eval": got.eval} {
		if _, ok := g.tensors[c.Name+"/"+name]; !ok {
			continue
		}
		want := g.values(t, c.Name+"/"+name)
		for i, v := range sampled(y) {
			if d := math.Abs(v - want[i]); !(d <= 1e-5) {
				t.Errorf("%s, sample %d: %.9g, want %.9g", name, i, v, want[i])
			} else {
				worst = max(worst, d)
			}
		}
	}
	whole, worstName, worstRatio := 0.0, "", 0.0
	compare := func(name string, v []float64) (distance float64) {
		want := g.values(t, c.Name+"/"+name)
		d := make([]float64, len(want))
		for i := range d {
			d[i] = v[i] - want[i]
		}
		limit := 2 * slices.Max(g.values(t, c.Name+"/distance."+name))
		if key := c.Name + "/terms." + name; g.tensors[key].Data != nil {
			// One value a channel, of which there are few: 16 runs that happen to agree are no measure, but the bound on a sum is.
			limit = max(limit, 16*kernels.U*g.values(t, key)[0])
		}
		if norm(d)/limit > worstRatio {
			worstName, worstRatio = name, norm(d)/limit
		}
		if !(norm(d) <= limit) {
			t.Errorf("%s: distance %.3g from float64 (its norm is %.3g, %d values), PyTorch's fp32 allows %.3g", name, norm(d), norm(want), len(want), limit)
		}
		return norm(d)
	}
	add := func(name string, v []float64) { whole += math.Pow(compare(name, folded(v)), 2) }
	add("grad.x", got.dx)
	for _, p := range n.Params.List {
		v := float64s(got.grads[p.Name])
		if p.Inert {
			if norm(v) != 0 {
				t.Errorf("%s: a bias before an instance norm has gradient 0, got %g", p.Name, norm(v))
			}
			continue
		}
		add("grad."+p.Name, v)
	}
	for _, p := range n.Params.Tracked {
		compare("stat."+p.Name, float64s(got.running[p.Name]))
	}
	runs := g.values(t, c.Name+"/distance")
	slices.Sort(runs)
	median := (runs[7] + runs[8]) / 2
	t.Logf("outputs within %.2g; gradients: %.2f of PyTorch fp32's median; worst tensor %s at %.2f of its limit",
		worst, math.Sqrt(whole)/median, worstName, worstRatio)
	if !(math.Sqrt(whole) <= 1.5*median) {
		t.Errorf("gradients are %.3g from float64, PyTorch's fp32 %.3g", math.Sqrt(whole), median)
	}
}
