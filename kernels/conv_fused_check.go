// Proof of norms beside convolutions: what is normed as it is loaded gives the bits of a norm and a convolution that follow one another, and
// the statistics that a convolution takes keep the bounds of all others.

package kernels

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"cyclevk/vk"
)

func init() {
	var matrix, tiled []Case
	for _, k := range []fusedCase{
		{layerCase{Conv{16, 16, 3, 1, 1, true}, 2, 4, 8, 16, 16, true, ReLU, false}, 0.5, 1, true}, // blocks of different images in a tile
		{layerCase{Conv{24, 40, 3, 1, 1, true}, 2, 8, 16, 24, 40, false, ReLU, false}, 0.5, 1, true},
		{layerCase{Conv{16, 16, 3, 1, 1, true}, 1, 8, 12, 16, 16, true, None, true}, 100, 1e-4, true},      // a tile and a half
		{layerCase{Conv{32, 16, 3, 1, 1, false}, 3, 8, 8, 32, 16, true, LeakyReLU, true}, 100, 1e-2, true}, // edges differ from the rest
		{layerCase{Conv{16, 24, 1, 1, 0, true}, 2, 64, 32, 16, 24, true, ReLU, true}, 100, 1e-4, true},     // several splits
		{layerCase{Conv{16, 16, 1, 1, 0, true}, 2, 16, 8, 16, 16, true, ReLU, false}, 100, 0, true},
		{layerCase{Conv{40, 72, 3, 2, 1, false}, 2, 16, 16, 40, 72, true, ReLU, false}, 0.5, 1, true},
		{layerCase{Conv{16, 24, 4, 2, 1, false}, 1, 16, 24, 16, 24, false, LeakyReLU, false}, 0.5, 1, true},
		{layerCase{Conv{48, 32, 4, 1, 1, false}, 1, 5, 6, 48, 32, true, LeakyReLU, false}, 0.5, 1, false},
		{layerCase{ConvTranspose{32, 16, 3, 2, 1, 1}, 2, 8, 8, 32, 16, true, ReLU, false}, 0.5, 1, true},
		{layerCase{ConvTranspose{16, 40, 3, 2, 1, 1}, 1, 16, 8, 16, 40, true, ReLU, true}, 100, 1e-4, true},
		{layerCase{ConvTranspose{24, 16, 4, 2, 1, 0}, 1, 4, 5, 24, 16, false, ReLU, false}, 0.5, 1, false},
	} {
		name := fmt.Sprintf("%T %s mean %g sigma %g", k.layer, k.name(k.details()), k.mean, k.sigma)[len("kernels."):]
		tiled = append(tiled, Case{name, func(t *Trial) error { return t.as(vk.DiscreteGPU, NoMatrices, k.run) }})
		matrix = append(matrix, matrixCase(name, k.run, Float16, Unproven{}))
	}
	rest := []string{"norm_combine_blocks", "conv_sum_add"}
	register(Check{
		Name: "conv_fused_matrix",
		Shaders: append([]string{
			"conv_forward_matrix_half", "conv_data_grad_matrix_half", "conv_weight_grad_matrix_half", "conv_weight_grad_matrix_add_half",
			"norm_stats_half", "norm_stats_partial_half", "norm_combine_half", "norm_forward_half",
		}, rest...),
		Cases: matrix,
	})
	register(Check{
		Name: "conv_fused_tiled",
		Shaders: append(halves("conv_forward_tiled", "conv_data_grad_tiled", "conv_weight_grad_tiled", "conv_weight_grad_tiled_add",
			"norm_stats", "norm_stats_partial", "norm_combine", "norm_forward"), rest...),
		Cases: append(tiled, in16(tiled)...),
	})
}

// fusedCase is a layer behind a norm, with an activation, and before one: it makes numbers of a mean and a sigma.
type fusedCase struct {
	layerCase
	mean, sigma float64
	stats       bool // it can take statistics of what it stores
}

func (k fusedCase) run(t *Trial) error {
	if have := t.dev.Info.Limits.MaxStorageBuffers; have < gemmBuffers {
		return fmt.Errorf("norms in convolutions take %d storage buffers, more than the device allows: %d: %w", gemmBuffers, have, vk.ErrUnsupported)
	}
	defer Fuse(FuseAll)()
	oh, ow := k.OutSize(k.h), k.OutSize(k.w)
	outputs, taps := k.n*oh*ow*k.out, float64(k.weights()/k.out)
	xs, dys, ws := t.Random(k.n*k.h*k.w*k.in, 0.5, 1), t.Random(outputs, 0, 1), t.Random(k.weights(), 0, k.sigma/math.Sqrt(taps))
	biases := t.Random(k.out, k.mean, k.mean/10)
	var old []float32
	if k.accumulate {
		old = t.Random(k.WeightLen(), 0, 1)
	}
	before, after := Norm{ImagesPerGroup: 1, Eps: 1e-5, Act: k.act}, Norm{ImagesPerGroup: 1, Eps: 1e-5}

	x, dy := t.In("x", k.n, k.h, k.w, k.in, xs), t.In("dy", k.n, oh, ow, k.out, dys)
	w, bias := t.Reals("w", k.Pack(ws), false), t.Floats("bias", Stride(k.out), pad(biases, k.out), false)
	y, stats := t.Out("y", k.n, k.h, k.w, k.in), t.Floats("stats of x", before.StatsLen(x), nil, false)
	z, fused := t.Out("z", k.n, oh, ow, k.out), t.Out("z fused", k.n, oh, ow, k.out)
	zStats := t.Floats("stats of z", after.StatsLen(z), nil, true)
	dw, dwFused := t.Floats("dw", k.WeightLen(), old, true), t.Floats("dw fused", k.WeightLen(), old, true)
	err := t.Run(func(p *vk.Program) {
		if !k.Fuses(p, x, z) {
			p.Fail(errors.New("does not fuse"))
		}
		before.Stats(p, x, stats)
		before.Forward(p, x, stats, vk.Range{}, Tensor{}, y)
		k.Forward(p, y, w, bias, z, None)
		k.WeightGrad(p, y, dy, dw, k.accumulate)
		pending := Normed{x, stats, k.act}
		k.ForwardStats(p, pending, w, bias, fused, after, zStats)
		k.WeightGrad(p, pending, dy, dwFused, k.accumulate)
	})
	if err != nil {
		return err
	}
	if restriction == NoMatrices && slices.Contains(t.shaders, "norm_combine_blocks") != k.stats {
		return fmt.Errorf("takes statistics: %v, want %v", !k.stats, k.stats)
	}
	if err := equalWords(t, fused.Range, t.Got(z.Range)); err != nil {
		return err
	}
	if err := equalWords(t, dwFused, t.Got(dw)); err != nil {
		return err
	}

	sums, ys := newSums(outputs, biases), t.plain(y)
	k.terms(k.n, k.h, k.w, func(m product) { sums.add(m.y, ys[m.x], ws[m.w]) })
	if err := t.Compare(fused, sums.value, sums.bound(convBound)); err != nil {
		return err
	}
	stored := widen(t.plain(fused))
	want := after.reference(k.n, oh*ow, k.out, stored, ones(k.out), make([]float64, k.out)).stats()
	return t.CompareFloats(zStats, want.want, want.bound)
}

// plain are the values of an output after Run, [N,H,W,C] without padding.
func (t *Trial) plain(x Tensor) (values []float32) {
	for i, w := range t.elements(x) {
		if i%Stride(x.C) < x.C {
			values = append(values, math.Float32frombits(w))
		}
	}
	return values
}
