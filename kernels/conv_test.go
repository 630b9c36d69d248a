// Proves the convolution references on the CPU, and what needs no device; measures the kernels (BenchmarkConv).

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestConvReferenceGradients holds the gradients that the references give against central differences of their forward pass.
func TestConvReferenceGradients(t *testing.T) {
	for _, c := range []struct {
		layer
		n, h, w, in, out int
	}{
		{Conv{2, 3, 3, 1, 1, false}, 2, 3, 4, 2, 3},
		{Conv{3, 2, 3, 2, 1, false}, 1, 5, 4, 3, 2},
		{Conv{2, 1, 5, 1, 2, true}, 1, 3, 4, 2, 1},
		{Conv{1, 2, 3, 2, 2, true}, 2, 3, 5, 1, 2},
		{ConvTranspose{2, 3, 3, 2, 1, 1}, 2, 3, 2, 2, 3},
		{ConvTranspose{3, 1, 4, 1, 1, 0}, 1, 2, 4, 3, 1},
	} {
		t.Run(fmt.Sprintf("%T %v", c.layer, c.layer), func(t *testing.T) {
			random := rand.New(rand.NewPCG(*seed, 0))
			draw := func(n int) []float64 {
				v := make([]float64, n)
				for i := range v {
					v[i] = random.NormFloat64()
				}
				return v
			}
			x, w := draw(c.n*c.h*c.w*c.in), draw(c.weights())
			g := draw(c.n * c.OutSize(c.h) * c.OutSize(c.w) * c.out)
			loss := func() (sum float64) { // of y g; its gradient with respect to y is g
				y := make([]float64, len(g))
				c.terms(c.n, c.h, c.w, func(m product) { y[m.y] += x[m.x] * w[m.w] })
				for i := range y {
					sum += math.Tanh(y[i]) * g[i]
				}
				return sum
			}
			y, dx, dw := make([]float64, len(g)), make([]float64, len(x)), make([]float64, len(w))
			c.terms(c.n, c.h, c.w, func(m product) { y[m.y] += x[m.x] * w[m.w] })
			c.terms(c.n, c.h, c.w, func(m product) {
				dy := g[m.y] * (1 - math.Tanh(y[m.y])*math.Tanh(y[m.y]))
				dx[m.x] += dy * w[m.w]
				dw[m.w] += dy * x[m.x]
			})
			for _, v := range []struct {
				name           string
				at, derivative []float64
			}{{"x", x, dx}, {"w", w, dw}} {
				for i, old := range v.at {
					h := 1e-6 * max(1, math.Abs(old))
					v.at[i] = old + h
					up := loss()
					v.at[i] = old - h
					down := loss()
					v.at[i] = old
					if got := (up - down) / (2 * h); math.Abs(got-v.derivative[i]) > 1e-6*math.Abs(v.derivative[i])+1e-8 {
						t.Fatalf("d/d%s[%d]: differences give %g, the reference %g", v.name, i, got, v.derivative[i])
					}
				}
			}
		})
	}
}

// TestConvPack checks the order of weights at known places, and that Unpack undoes Pack.
func TestConvPack(t *testing.T) {
	c := Conv{In: 3, Out: 5, Kernel: 3, Stride: 1, Pad: 1}
	plain := make([]float32, 3*5*9)
	for i := range plain {
		plain[i] = float32(i + 1)
	}
	dev := c.Pack(plain)
	if len(dev) != 9*4*8 {
		t.Fatalf("%d floats, want 3 x 3 x 4 x 8", len(dev))
	}
	for o := range 5 {
		for i := range 3 {
			for tap := range 9 {
				if got, want := dev[(tap*4+i)*8+o], plain[(o*3+i)*9+tap]; got != want {
					t.Fatalf("tap %d, in %d, out %d: %g, want %g", tap, i, o, got, want)
				}
			}
		}
	}
	if !slices.Equal(c.Unpack(dev), plain) {
		t.Error("Unpack does not undo Pack")
	}
	if padding := len(dev) - len(slices.DeleteFunc(dev, func(v float32) bool { return v == 0 })); padding != 9*4*8-len(plain) {
		t.Errorf("%d padding entries are zero, want %d", padding, 9*4*8-len(plain))
	}
}

func TestConvSizes(t *testing.T) {
	for _, k := range []struct {
		c    interface{ OutSize(int) int }
		n, y int
	}{
		{Conv{Kernel: 7, Stride: 1, Pad: 3}, 256, 256},
		{Conv{Kernel: 3, Stride: 2, Pad: 1}, 256, 128},
		{Conv{Kernel: 3, Stride: 2, Pad: 1}, 7, 4},
		{Conv{Kernel: 4, Stride: 2, Pad: 1}, 7, 3},
		{Conv{Kernel: 4, Stride: 2, Pad: 1}, 1, 0},
		{Conv{Kernel: 4, Stride: 1, Pad: 1}, 32, 31},
		{ConvTranspose{Kernel: 3, Stride: 2, Pad: 1, OutPad: 1}, 64, 128},
		{ConvTranspose{Kernel: 4, Stride: 2, Pad: 1}, 7, 14},
	} {
		if got := k.c.OutSize(k.n); got != k.y {
			t.Errorf("%+v makes %d of %d, want %d", k.c, got, k.n, k.y)
		}
	}
}

// TestConvRefusals checks that wrong arguments make the program fail with a line that says which.
func TestConvRefusals(t *testing.T) {
	dev := vktest.Device(t)
	c := Conv{In: 3, Out: 5, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}
	up := ConvTranspose{In: 3, Out: 5, Kernel: 3, Stride: 2, Pad: 1, OutPad: 1}
	for _, k := range []struct {
		want string
		run  func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range)
	}{
		{"reflection by 3 pixels of x [1,3,9,3]", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c.Forward(p, in(3, 9, 3), floats(c.WeightLen()), vk.Range{}, in(3, 9, 5), None)
		}},
		{"want 3 channels to 5", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c.DataGrad(p, in(9, 9, 5), floats(c.WeightLen()), in(9, 9, 4), false)
		}},
		{"9x9 pixels out", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c.WeightGrad(p, in(9, 9, 3), in(9, 8, 5), floats(c.WeightLen()), true)
		}},
		{"weights have 64 bytes, want 6272", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c.Forward(p, in(9, 9, 3), floats(16), vk.Range{}, in(9, 9, 5), None)
		}},
		{"has 16 bytes, want 32", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c.Forward(p, in(9, 9, 3), floats(c.WeightLen()), floats(4), in(9, 9, 5), None)
		}},
		{"stride of 1 or 2", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c := Conv{In: 3, Out: 5, Kernel: 3, Stride: 3}
			c.Forward(p, in(9, 9, 3), floats(c.WeightLen()), vk.Range{}, in(3, 3, 5), None)
		}},
		{"at most kernel - 2", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			c := Conv{In: 3, Out: 5, Kernel: 3, Stride: 1, Pad: 2, Reflect: true}
			c.Forward(p, in(9, 9, 3), floats(c.WeightLen()), vk.Range{}, in(11, 11, 5), None)
		}},
		{"want 18x18 pixels out", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			up.Forward(p, in(9, 9, 3), floats(up.WeightLen()), vk.Range{}, in(17, 18, 5), None)
		}},
		{"the result has 16 bytes, want 32", func(p *vk.Program, in func(h, w, c int) Tensor, floats func(n int) vk.Range) {
			BiasGrad(p, in(9, 9, 5), floats(4), false)
		}},
	} {
		p := dev.NewProgram("refused")
		k.run(p, func(h, w, c int) Tensor { return NewTensor(p, "x", 1, h, w, c) }, func(n int) vk.Range { return p.Temp("floats", 4*n).All() })
		if err := p.Err(); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("got %v, want %q", err, k.want)
		}
	}
}

// benchLayers are a 256 px network's main layer, and the layers of a small one (32 px, ngf and ndf 16), batch 1.
var benchLayers = []struct {
	layer
	size, in, out int
}{
	{Conv{256, 256, 3, 1, 1, true}, 64, 256, 256},
	{Conv{3, 16, 7, 1, 3, true}, 32, 3, 16},
	{Conv{16, 32, 3, 2, 1, false}, 32, 16, 32},
	{Conv{32, 64, 3, 2, 1, false}, 16, 32, 64},
	{Conv{64, 64, 3, 1, 1, true}, 8, 64, 64},
	{ConvTranspose{64, 32, 3, 2, 1, 1}, 8, 64, 32},
	{ConvTranspose{32, 16, 3, 2, 1, 1}, 16, 32, 16},
	{Conv{16, 3, 7, 1, 3, true}, 32, 16, 3},
	{Conv{3, 16, 4, 2, 1, false}, 32, 3, 16},
	{Conv{16, 32, 4, 2, 1, false}, 16, 16, 32},
	{Conv{32, 64, 4, 2, 1, false}, 8, 32, 64},
	{Conv{64, 128, 4, 1, 1, false}, 4, 64, 128},
	{Conv{128, 1, 4, 1, 1, false}, 3, 128, 1},
}

// BenchmarkConv verifies each layer's kernels by its check (all but the largest, for which the reference is slow) and then
// times them alone on the device, many in a row so that submitting does not count: the best run, by the clock.
func BenchmarkConv(b *testing.B) {
	dev := vktest.Device(b)
	for _, k := range benchLayers {
		if k.size < 64 {
			verify := layerCase{k.layer, 1, k.size, k.size, k.in, k.out, true, None, false}
			if _, err := RunCase(dev, Case{"", verify.run}, *seed); err != nil {
				b.Fatalf("%v: %v", k.layer, err)
			}
		}
		arena, outSize := dev.NewArena("benchmark"), k.OutSize(k.size)
		x, dx := Reserve(arena, "x", 1, k.size, k.size, k.in), Reserve(arena, "dx", 1, k.size, k.size, k.in)
		y, dy := Reserve(arena, "y", 1, outSize, outSize, k.out), Reserve(arena, "dy", 1, outSize, outSize, k.out)
		w, dw := arena.Reserve("w", 4*k.WeightLen()).All(), arena.Reserve("dw", 4*k.WeightLen()).All()
		if err := arena.Allocate(); err != nil {
			b.Fatal(err)
		}
		if err := arena.Fill(math.Float32bits(0.5)); err != nil {
			b.Fatal(err)
		}
		flops := 2 * float64(k.MACs(y))
		for _, pass := range []struct {
			name   string
			append func(p *vk.Program)
		}{
			{"forward", func(p *vk.Program) { k.Forward(p, x, w, vk.Range{}, y, None) }},
			{"data", func(p *vk.Program) { k.DataGrad(p, dy, w, dx, false) }},
			{"weight", func(p *vk.Program) { k.WeightGrad(p, x, dy, dw, false) }},
		} {
			b.Run(fmt.Sprintf("%T %v at %d/%s", k.layer, k.layer, k.size, pass.name), func(b *testing.B) {
				p, repeat := dev.NewProgram("benchmark"), max(1, min(64, int(2e8/flops)))
				for range repeat {
					pass.append(p)
					p.Phase()
				}
				if err := p.Build(); err != nil {
					b.Fatal(err)
				}
				defer p.Free()
				if err := p.Run(); err != nil { // the driver compiles
					b.Fatal(err)
				}
				best := math.Inf(1)
				for b.Loop() {
					start := time.Now()
					if err := p.Run(); err != nil {
						b.Fatal(err)
					}
					best = min(best, time.Since(start).Seconds()/float64(repeat))
				}
				b.ReportMetric(flops/best/1e9, "GFLOP/s")
				b.ReportMetric(best*1e6, "us/pass")
				b.ReportMetric(0, "ns/op")
			})
		}
		arena.Free()
	}
}
