// Which passes fuse, and what it takes where there is a GPU to measure it.

package kernels

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestFuses asks for what passes do as on a GPU.
func TestFuses(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Type = vk.DiscreteGPU
	defer Restrict(NoMatrices)()
	main := Conv{256, 256, 3, 1, 1, true}
	for _, k := range []struct {
		layer
		element          Element
		n, h, w          int
		all, paid, store bool // norms what it loads wherever it can, by default; takes statistics
	}{
		{main, Float32, 2, 64, 64, true, true, true},
		{main, Float16, 2, 64, 64, true, false, true},
		{Conv{512, 512, 4, 1, 1, false}, Float32, 1, 32, 32, true, false, false}, // each element in 16 taps and 8 tiles; 31x31
		{Conv{256, 512, 4, 1, 1, false}, Float32, 2, 32, 32, false, false, false},
		{Conv{64, 64, 3, 1, 1, true}, Float32, 1, 9, 5, true, true, false},
		{Conv{64, 64, 3, 1, 1, true}, Float32, 2, 9, 5, false, false, false}, // a tile of two images
		{Conv{64, 3, 7, 1, 3, true}, Float32, 1, 64, 64, false, false, false},
		{Conv{64, 64, 3, 2, 1, true}, Float32, 1, 32, 32, true, true, true},
		{ConvTranspose{64, 32, 3, 2, 1, 1}, Float32, 2, 16, 16, true, true, true},
		{ConvTranspose{64, 32, 3, 2, 1, 0}, Float32, 1, 16, 16, true, true, false}, // phases of different sizes
		{Winograd{main, true}, Float32, 1, 64, 64, false, false, false},
	} {
		p := dev.NewProgram("fuses")
		in, out := main.In, main.Out
		switch c := k.layer.(type) {
		case Conv:
			in, out = c.In, c.Out
		case ConvTranspose:
			in, out = c.In, c.Out
		}
		x := k.element.NewTensor(p, "x", k.n, k.h, k.w, in)
		z := k.element.NewTensor(p, "z", k.n, k.OutSize(k.h), k.OutSize(k.w), out)
		byDefault := k.Fuses(p, x, z)
		restore := Fuse(FuseAll)
		all := k.Fuses(p, x, z)
		restore()
		w, stats := p.Temp("w", k.element.Size()*k.WeightLen()).All(), p.Temp("stats", 8*x.N*Stride(x.C)).All()
		k.ForwardStats(p, x, w, vk.Range{}, z, Norm{ImagesPerGroup: 1, Eps: 1e-5}, p.Temp("stats of z", 8*z.N*Stride(z.C)).All())
		store := false
		for _, d := range p.List() {
			store = store || d.Shader == "norm_combine_blocks"
		}
		if all != k.all || byDefault != k.paid || store != k.store || p.Err() != nil {
			t.Errorf("%v on %d %dx%d %s: norms what it loads %v, by default %v, takes statistics %v, %v; want %v, %v, %v",
				k.layer, k.n, k.h, k.w, k.element, all, byDefault, store, p.Err(), k.all, k.paid, k.store)
		}
		if k.WeightGrad(p, Normed{x, stats, ReLU}, z, p.Temp("dw", 4*k.WeightLen()).All(), false); !all && !strings.Contains(fmt.Sprint(p.Err()), "do not norm") {
			t.Errorf("%v on %d %dx%d: a tensor still to be normed: %v", k.layer, k.n, k.h, k.w, p.Err())
		}
	}
}

// BenchmarkFused times the official generator's layers at 256 px behind a norm, forward with statistics and weight gradient: with norms in
// kernels of their own, and fused. It takes a GPU.
func BenchmarkFused(b *testing.B) {
	dev := vktest.Device(b)
	if dev.Info.Type == vk.CPU {
		b.Skip("a CPU fuses nothing")
	}
	for _, k := range []struct {
		layer
		size, in, out int
	}{
		{Conv{64, 128, 3, 2, 1, false}, 256, 64, 128},
		{Conv{128, 256, 3, 2, 1, false}, 128, 128, 256},
		{Conv{256, 256, 3, 1, 1, true}, 64, 256, 256},
		{ConvTranspose{256, 128, 3, 2, 1, 1}, 64, 256, 128},
		{ConvTranspose{128, 64, 3, 2, 1, 1}, 128, 128, 64},
	} {
		for _, e := range []Element{Float32, Float16} {
			for f, name := range map[Fusion]string{FuseNone: "apart", FuseAll: "fused"} {
				b.Run(fmt.Sprintf("%v at %d %s/%s", k.layer, k.size, e, name), func(b *testing.B) {
					defer Fuse(f)()
					p, n := dev.NewProgram("benchmark"), Norm{ImagesPerGroup: 1, Eps: 1e-5, Act: ReLU}
					x, z := e.NewTensor(p, "x", 1, k.size, k.size, k.in), e.NewTensor(p, "z", 1, k.OutSize(k.size), k.OutSize(k.size), k.out)
					w, dw := p.Temp("w", e.Size()*k.WeightLen()).All(), p.Temp("dw", 4*k.WeightLen()).All()
					stats, next := p.Temp("stats", 4*n.StatsLen(x)).All(), p.Temp("next stats", 4*n.StatsLen(z)).All()
					for _, r := range []vk.Range{x.Range, w, stats, z.Range} {
						Fill(p, r, 0.5)
					}
					p.Phase()
					const repeat = 32
					for range repeat {
						for _, pass := range []func(Source){
							func(x Source) { k.ForwardStats(p, x, w, vk.Range{}, z, n, next) },
							func(x Source) { k.WeightGrad(p, x, z, dw, false) },
						} {
							if from := (Normed{x, stats, ReLU}); k.Fuses(p, x, z) {
								pass(from)
							} else {
								y := x.Like(p, "y")
								n.Forward(p, x, stats, vk.Range{}, Tensor{}, y)
								pass(y)
							}
							p.Phase()
						}
					}
					if err := p.Build(); err != nil {
						b.Fatal(err)
					}
					defer p.Free()
					best := math.Inf(1)
					for b.Loop() {
						start := time.Now()
						if err := p.Run(); err != nil {
							b.Fatal(err)
						}
						best = min(best, time.Since(start).Seconds()/repeat)
					}
					b.ReportMetric(best*1e6, "us/layer")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
