// Proof of normalisation's reference: its gradients against central differences of its forward pass, all in float64. Refusals.
// And how fast the kernels are that move memory (BenchmarkNorm, BenchmarkElementwise).

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func TestNormReferenceGradients(t *testing.T) {
	const groups, pixels, c = 2, 7, 3
	random := rand.New(rand.NewPCG(*seed, 0))
	draw := func(n int, mean float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = mean + random.NormFloat64()
		}
		return v
	}
	for act := None; act <= Tanh; act++ {
		n := Norm{Eps: 1e-5, Act: act}
		x, gamma, beta, dy := draw(groups*pixels*c, 0.5), draw(c, 1), draw(c, 0), draw(groups*pixels*c, 0)
		loss := func() (sum float64) {
			for i, y := range n.reference(groups, pixels, c, x, gamma, beta).forward().want {
				sum += dy[i] * y
			}
			return sum
		}
		ref := n.reference(groups, pixels, c, x, gamma, beta)
		for i := range x {
			if v, _ := ref.scaled(i); math.Abs(v) < 1e-4 && act != None && act != Tanh {
				t.Fatalf("%s: element %d is %g before the activation, too near the kink: use another seed", act, i, v)
			}
		}
		dx, gx, g := ref.backward(dy)
		affine := ref.affineGradient(gx, g, nil)
		for _, v := range []struct {
			name     string
			at, grad []float64
		}{{"x", x, dx.want}, {"gamma", gamma, affine.want[:c]}, {"beta", beta, affine.want[Stride(c):]}} {
			for i := range v.at {
				if err := differs(&v.at[i], v.grad[i], loss); err != nil {
					t.Errorf("%s: %s[%d]: %v (seed %d)", act, v.name, i, err, *seed)
				}
			}
		}
	}
}

func TestActivationReferenceSlopes(t *testing.T) {
	for act := None; act <= Tanh; act++ {
		for _, x := range []float64{-3, -0.5, -1e-3, 1e-3, 0.5, 3} {
			if err := differs(&x, act.slope(act.value(x)), func() float64 { return act.value(x) }); err != nil {
				t.Errorf("%s at %g: %v", act, x, err)
			}
		}
	}
	if got := []float64{ReLU.slope(0), LeakyReLU.slope(0)}; got[0] != 0 || got[1] != LeakySlope {
		t.Errorf("slopes at the kink: %g, want 0 and %g, as PyTorch has them", got, LeakySlope)
	}
}

// differs holds the derivative of f with respect to *x against its central difference.
func differs(x *float64, derivative float64, f func() float64) error {
	at, h := *x, 1e-6*max(1, math.Abs(*x))
	*x = at + h
	up := f()
	*x = at - h
	down := f()
	*x = at
	if want := (up - down) / (2 * h); math.Abs(derivative-want) > 1e-9+1e-6*math.Abs(want) {
		return fmt.Errorf("derivative %.12g, central difference %.12g", derivative, want)
	}
	return nil
}

func TestWrongArgumentsOfNormsAreRefused(t *testing.T) {
	dev := vktest.Device(t)
	arena := dev.NewArena("arguments")
	small, large := Reserve(arena, "small", 2, 3, 5, 3), Reserve(arena, "large", 2, 5, 5, 3)
	pixel := Reserve(arena, "pixel", 1, 1, 1, 3)
	stats, channels, short := arena.Reserve("stats", 64).All(), arena.Reserve("channels", 32).All(), arena.Reserve("short", 16).All()
	n := Norm{ImagesPerGroup: 1, Eps: 1e-5}
	none := vk.Range{}
	for name, c := range map[string]struct {
		call func(p *vk.Program)
		want string
	}{
		"groups":   {func(p *vk.Program) { Norm{ImagesPerGroup: 3, Eps: 1e-5}.Stats(p, small, stats) }, "groups of 3 images: use a number that divides 2"},
		"no group": {func(p *vk.Program) { Norm{Eps: 1e-5}.Stats(p, small, stats) }, "groups of 0 images"},
		"eps":      {func(p *vk.Program) { Norm{ImagesPerGroup: 1}.Stats(p, small, stats) }, "eps 0"},
		"stats":    {func(p *vk.Program) { n.Stats(p, small, short) }, "16 bytes, want 64"},
		"affine":   {func(p *vk.Program) { n.Forward(p, small, stats, short, Tensor{}, small) }, "short has 16 bytes"},
		"y":        {func(p *vk.Program) { n.Forward(p, small, stats, none, Tensor{}, large) }, "large"},
		"residual": {func(p *vk.Program) { n.Forward(p, small, stats, none, large, small) }, "large"},
		"activation": {func(p *vk.Program) {
			Norm{ImagesPerGroup: 1, Eps: 1e-5, Act: ReLU}.Forward(p, small, stats, none, small, small)
		}, "relu and a residual"},
		"dx":          {func(p *vk.Program) { n.Backward(p, small, stats, none, small, large, none, false) }, "large"},
		"daffine":     {func(p *vk.Program) { n.Backward(p, small, stats, none, small, small, short, true) }, "short has 16 bytes"},
		"one value":   {func(p *vk.Program) { n.Running(p, pixel, channels, 0, channels, short, 0.1) }, "one value a channel"},
		"group":       {func(p *vk.Program) { n.Running(p, small, stats, 2, channels, short, 0.1) }, "group 2 of 2"},
		"running":     {func(p *vk.Program) { n.EvalStats(p, small, short, stats) }, "short has 16 bytes"},
		"concat":      {func(p *vk.Program) { Concat(p, None, small, small, small) }, "6 channels"},
		"part":        {func(p *vk.Program) { ConcatGrad(p, None, small, small, 1, small, false) }, "channels that are there"},
		"concat dy":   {func(p *vk.Program) { ConcatGrad(p, None, small, large, 0, small, false) }, "differ in shape"},
		"upsample":    {func(p *vk.Program) { Upsample(p, small, large) }, "sides of 5x3 and twice that"},
		"sum":         {func(p *vk.Program) { Add(p, small, small, large) }, "differ in shape"},
		"gradient":    {func(p *vk.Program) { ActGrad(p, ReLU, small, small, large) }, "differ in shape"},
		"rate":        {func(p *vk.Program) { Dropout(p, small, small, 1, short, 0, 0) }, "rate 1: use a rate from 0"},
		"rate NaN":    {func(p *vk.Program) { Dropout(p, small, small, float32(math.NaN()), short, 0, 0) }, "rate NaN"},
		"seed":        {func(p *vk.Program) { Dropout(p, small, small, 0.5, stats, 0, 0) }, "a seed of 64 bytes"},
		"dropped out": {func(p *vk.Program) { Dropout(p, small, large, 0.5, short, 0, 0) }, "differ in shape"},
	} {
		p := dev.NewProgram("refused")
		c.call(p)
		if p.Err() == nil || !strings.Contains(p.Err().Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, p.Err(), c.want)
		}
	}
}

// benchShapes are what the networks normalise: [H,W,C] of the generator at 256 pixels and 64 channels, at 64 and 32, at 32 and 16,
// and of the discriminator.
var benchShapes = [][3]int{
	{256, 256, 64}, {128, 128, 128}, {64, 64, 256}, {64, 64, 32}, {32, 32, 64}, {16, 16, 128}, {32, 32, 16}, {8, 8, 64}, {31, 31, 512},
}

// BenchmarkNorm times each pass alone on the device, after its check; throughput counts each tensor that the pass needs once.
func BenchmarkNorm(b *testing.B) {
	dev := vktest.Device(b)
	n := Norm{ImagesPerGroup: 1, Eps: 1e-5, Act: ReLU}
	for _, s := range benchShapes {
		verify := normCase{n: 1, h: s[0], w: s[1], c: s[2], per: 1, mean: 0.5, sigma: 1, act: n.Act}
		if _, err := RunCase(dev, Case{"", verify.run}, *seed); err != nil {
			b.Fatalf("%s: %v", verify, err)
		}
		arena := dev.NewArena("benchmark")
		x, y := Reserve(arena, "x", 1, s[0], s[1], s[2]), Reserve(arena, "y", 1, s[0], s[1], s[2])
		dy, dx := Reserve(arena, "dy", 1, s[0], s[1], s[2]), Reserve(arena, "dx", 1, s[0], s[1], s[2])
		stats := arena.Reserve("stats", 4*n.StatsLen(x)).All()
		benchPasses(b, dev, arena, fmt.Sprint(s), x.Bytes, []pass{
			{"stats", 1, func(p *vk.Program) { n.Stats(p, x, stats) }},
			{"forward", 2, func(p *vk.Program) { n.Forward(p, x, stats, vk.Range{}, Tensor{}, y) }},
			{"backward", 3, func(p *vk.Program) { n.Backward(p, x, stats, vk.Range{}, dy, dx, vk.Range{}, false) }},
		})
		arena.Free()
	}
}

// BenchmarkElementwise times the kernels that take a lane for each vec4.
func BenchmarkElementwise(b *testing.B) {
	dev := vktest.Device(b)
	for _, s := range benchShapes[:6] {
		arena := dev.NewArena("benchmark")
		x, y, z := Reserve(arena, "x", 1, s[0], s[1], s[2]), Reserve(arena, "y", 1, s[0], s[1], s[2]), Reserve(arena, "z", 1, s[0], s[1], s[2])
		random := arena.Reserve("seed", 4*SeedWords).All()
		benchPasses(b, dev, arena, fmt.Sprint(s), x.Bytes, []pass{
			{"add", 3, func(p *vk.Program) { Add(p, x, y, z) }},
			{"add to", 3, func(p *vk.Program) { AddTo(p, x, z) }},
			{"copy", 2, func(p *vk.Program) { Copy(p, x, z) }},
			{"fill", 1, func(p *vk.Program) { Fill(p, z.Range, 1) }},
			{"leaky relu gradient", 3, func(p *vk.Program) { ActGrad(p, LeakyReLU, x, y, z) }},
			{"dropout", 2, func(p *vk.Program) { Dropout(p, x, z, 0.5, random, 1, 0) }},
		})
		arena.Free()
	}
}

// pass is something to time, and how many tensors it has to read and write.
type pass struct {
	name    string
	tensors int
	append  func(p *vk.Program)
}

func benchPasses(b *testing.B, dev *vk.Device, arena *vk.Arena, name string, tensorBytes int, passes []pass) {
	if err := arena.Allocate(); err != nil {
		b.Fatal(err)
	}
	if err := arena.Fill(math.Float32bits(0.5)); err != nil {
		b.Fatal(err)
	}
	for _, k := range passes {
		b.Run(name+"/"+k.name, func(b *testing.B) {
			const repeat = 16 // so that submitting does not count
			p := dev.NewProgram("benchmark")
			for range repeat {
				k.append(p)
				p.Phase()
			}
			if err := p.Build(); err != nil {
				b.Fatal(err)
			}
			defer p.Free()
			if err := p.Run(); err != nil { // compiles
				b.Fatal(err)
			}
			for b.Loop() {
				if err := p.Run(); err != nil {
					b.Fatal(err)
				}
			}
			perPass := b.Elapsed().Seconds() / float64(b.N*repeat)
			b.ReportMetric(float64(k.tensors*tensorBytes)/perPass/1e9, "GB/s")
			b.ReportMetric(perPass*1e6, "µs/pass")
			b.ReportMetric(0, "ns/op")
		})
	}
}
