// Proof of Winograd's passes: the references of convolutions, by a bound that follows the numbers through the transforms.
//
// Each sum of the algorithm is one of the same terms with signs, so its rounding errors are at most some u times the sum that has
// every number and every coefficient replaced by its magnitude (Higham 2002, "Accuracy and stability of numerical algorithms",
// section 3.1, for each of the linear maps; Barabasz et al. 2020, "Error analysis and improving the accuracy of Winograd convolution for
// deep neural networks", give norms of the same). So an element of the forward pass has
//
//	|error| <= C u (|A|^T sum over CI of ((|G| |w| |G|^T) . (|B|^T |x| |B|)) |A|)
//
// and the gradients the like, transposed. A term of the sum over channels is rounded about 14 times on its way, 12 of them in the
// transforms, but never all in one direction.
//
// Points of fp16 are rounded once more, by at most h = 2^-11 of themselves: each product of two by 2 h, which comes through the maps in the
// same way, so that C u grows by 2 h at most; h / 4 is what is asked, again since roundings never all go in one direction. Below 2^-14
// fp16 are multiples of 2^-24, and the error is that of 2^-14.

package kernels

import (
	"fmt"
	"math"
	"slices"

	"cyclevk/vk"
)

// winogradBound is C.
func winogradBound(points Element) float64 {
	if points == Float32 {
		return 1
	}
	return 1 + points.unit()/U/4
}

func init() {
	transforms := halves("winograd_input", "winograd_weights", "winograd_output", "winograd_output_grad", "winograd_input_grad", "winograd_input_grad_add")
	onTiles := append(slices.Clone(transforms), "winograd_products_tiled", "winograd_products_tiled_adjoint", "conv_weight_grad_tiled", "winograd_weights_grad",
		"winograd_weights_grad_add")
	onMatrices := []string{
		"winograd_input_matrix_half", "winograd_weights_matrix_half", "winograd_output_grad_matrix_half", "winograd_products_matrix_half",
		"winograd_products_matrix_adjoint_half", "winograd_output_half", "winograd_input_grad_half", "winograd_input_grad_add_half",
		"conv_weight_grad_matrix_half", "winograd_weights_grad", "winograd_weights_grad_add",
	}
	register(Check{
		Name: "winograd",
		Shaders: append(slices.Clone(transforms),
			"winograd_products", "winograd_products_shuffle", "winograd_weights_grad", "winograd_weights_grad_add", "conv_weight_grad", "conv_weight_grad_shuffle"),
		Cases: winogradCases(),
	})
	var matrix, tiled, gate []Case
	for _, k := range []layerCase{
		{Winograd{Conv{16, 16, 3, 1, 1, true}, true}, 1, 4, 5, 16, 16, true, ReLU, false},
		{Winograd{Conv{24, 40, 3, 1, 1, true}, true}, 2, 7, 9, 24, 40, false, None, true},
		{Winograd{Conv{64, 72, 3, 1, 1, false}, true}, 1, 9, 17, 64, 72, true, Tanh, true},
		{Winograd{Conv{48, 16, 3, 1, 1, false}, true}, 3, 22, 27, 48, 16, true, LeakyReLU, false}, // more tiles than a workgroup has rows
	} {
		name := k.name(k.details())
		tiled = append(tiled, Case{name, func(t *Trial) error { return t.as(vk.DiscreteGPU, NoMatrices, k.run) }})
		matrix = append(matrix, matrixCase(name, k.run, Float16, Unproven{}))
	}
	for _, relu := range []bool{false, true} {
		l := layerCase{Winograd{Conv{64, 32, 3, 1, 1, true}, true}, 1, 13, 18, 64, 32, false, None, false}
		name := fmt.Sprintf("%v in fp16 on 13x18%s", l.layer, map[bool]string{true: " after a ReLU"}[relu])
		gate = append(gate, Case{name, func(t *Trial) error {
			defer func(old vk.DeviceType) { t.dev.Info.Type = old }(t.dev.Info.Type)
			t.dev.Info.Type = vk.DiscreteGPU
			return l.gate16(t, relu)
		}})
	}
	register(Check{Name: "winograd_matrix", Shaders: onMatrices, Cases: matrix})
	register(Check{Name: "winograd_tiled", Shaders: onTiles, Cases: append(tiled, in16(every(2, tiled))...)})
	register(Check{
		Name: "winograd_gate",
		Shaders: slices.Concat(onTiles, onMatrices, []string{
			"conv_forward_tiled_half", "conv_data_grad_tiled_half", "conv_weight_grad_tiled_half", "conv_sum",
		}),
		Cases: gate,
	})
}

// gate16 holds the passes in fp16, as a GPU runs them, against the direct kernels in bf16, from the same numbers of fp32: what training is known
// to bear (docs/precision.md). Root mean square errors may not be larger in any of the three; they are where points are fp16, though, than
// those of the direct kernels in fp16. With relu, pictures are what a ReLU leaves.
func (k layerCase) gate16(t *Trial, relu bool) error {
	inputs, outputs := k.n*k.h*k.w*k.in, k.n*k.h*k.w*k.out
	xs, dys, ws := t.Random(inputs, 0, 1), t.Random(outputs, 0, 1), t.Random(k.weights(), 0, 0.02)
	for i, x := range xs {
		if relu {
			xs[i] = max(x, 0)
		}
	}
	y, dx, dw := newSums(outputs, nil), newSums(inputs, nil), newSums(k.weights(), nil)
	k.terms(k.n, k.h, k.w, func(m product) {
		y.add(m.y, xs[m.x], ws[m.w])
		dx.add(m.x, dys[m.y], ws[m.w])
		dw.add(m.w, xs[m.x], dys[m.y])
	})
	run := func(e Element, l layer) (errors func() [3]float64, append func(p *vk.Program)) {
		t.Element = e
		x, g := t.In("x", k.n, k.h, k.w, k.in, slices.Clone(xs)), t.In("dy", k.n, k.h, k.w, k.out, slices.Clone(dys))
		w := t.Reals("w", k.Pack(ws), false)
		to, back, dws := t.Out("y", k.n, k.h, k.w, k.out), t.Out("dx", k.n, k.h, k.w, k.in), t.Floats("dw", k.WeightLen(), nil, true)
		return func() [3]float64 {
				return [3]float64{rms(t.elements(to), y.value), rms(t.elements(back), dx.value), rms(t.Got(dws), k.packed(dw.value))}
			}, func(p *vk.Program) {
				l.Forward(p, x, w, vk.Range{}, to, None)
				l.DataGrad(p, g, w, back, false)
				l.WeightGrad(p, x, g, dws, false)
			}
	}
	fast, appendFast := run(Float16, k.layer)
	known, appendKnown := run(BFloat16, k.layer.(Winograd).Conv)
	err := t.Run(func(p *vk.Program) {
		appendFast(p)
		defer Restrict(NoMatrices)()
		appendKnown(p)
	})
	if err != nil {
		return err
	}
	for i, pass := range []string{"forward", "data gradient", "weight gradient"} {
		ratio := fast()[i] / known()[i]
		if t.Worst = max(t.Worst, ratio); !(ratio <= 1) {
			return fmt.Errorf("%s: errors are %.2f times those of the direct kernels in bf16, at most 1", pass, ratio)
		}
	}
	return nil
}

// rms is the root mean square difference of fp32 from what they should be.
func rms(got []uint32, want []float64) float64 {
	sum := 0.0
	for i, w := range want {
		d := float64(math.Float32frombits(got[i])) - w
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(want)))
}

// gatedWinograd is Winograd under the bound of the direct kernels, 16 u times the sum of an element's own terms: the accuracy gate.
// It is no theorem, since an element's error grows with its whole tile, but holds for numbers that are about as large as their
// neighbours, as features of networks are.
type gatedWinograd struct{ Winograd }

// The magnitudes of the maps, by Cook and Toom's construction through the points.
var winogradA, winogradB, winogradG = func() (a, b, g [][]float64) {
	finite := []float64{0, 0.6875, -0.6875, 1.375, -1.375}
	for i, p := range finite {
		// The numerator of Lagrange's polynomial: the product of (x - q) over the other points.
		numerator, scale := []float64{1}, 1.0
		for j, q := range finite {
			if i == j {
				continue
			}
			numerator = timesRoot(numerator, q)
			scale *= p - q
		}
		a = append(a, []float64{1, math.Abs(p), p * p, math.Abs(p * p * p)})
		b = append(b, magnitudes(append(numerator, 0)))
		g = append(g, magnitudes([]float64{1 / scale, p / scale, p * p / scale}))
	}
	all := []float64{1}
	for _, q := range finite {
		all = timesRoot(all, q)
	}
	return append(a, []float64{0, 0, 0, 1}), append(b, magnitudes(all)), append(g, []float64{0, 0, 1})
}()

// timesRoot multiplies a polynomial, the constant first, by x - root.
func timesRoot(p []float64, root float64) []float64 {
	out := make([]float64, len(p)+1)
	for i, c := range p {
		out[i] -= root * c
		out[i+1] += c
	}
	return out
}

func magnitudes(v []float64) []float64 {
	for i := range v {
		v[i] = math.Abs(v[i])
	}
	return v
}

// sandwich is m s m^T for a square s.
func sandwich(m [][]float64, s func(i, j int) float64) func(i, j int) float64 {
	n, inner := len(m), len(m[0])
	out := make([]float64, n*n)
	for i := range n {
		for k := range inner {
			if m[i][k] == 0 {
				continue
			}
			for l := range inner {
				v := m[i][k] * s(k, l)
				for j := range n {
					out[i*n+j] += v * m[j][l]
				}
			}
		}
	}
	return func(i, j int) float64 { return out[i*n+j] }
}

func transposed(m [][]float64) [][]float64 {
	out := make([][]float64, len(m[0]))
	for i := range out {
		for j := range m {
			out[i] = append(out[i], m[j][i])
		}
	}
	return out
}

// amplify gives the sums of the three passes the magnitudes of this file's bound in place of those of their own terms, to which the
// magnitudes that they begin with (the bias, what is added to) are added.
func (c Winograd) amplify(k layerCase, element Element, xs, ws, dys []float32, y, dx, dw *sums) {
	const patch = winogradTile + 2
	type points [winogradPoints]float64
	least := 0.0 // of what a point is rounded as
	if element == Float16 {
		least = 0x1p-14
	}
	flat := func(f func(i, j int) float64) (p points) {
		for i := range p {
			p[i] = max(least, f(i/patch, i%patch))
		}
		return p
	}
	square := func(p *points) func(i, j int) float64 { return func(i, j int) float64 { return p[i*patch+j] } }
	u := make([]points, c.Out*c.In)
	for i := range u {
		u[i] = flat(sandwich(winogradG, func(ky, kx int) float64 { return math.Abs(float64(ws[9*i+3*ky+kx])) }))
	}
	du := make([]points, len(u))
	// source is the pixel of a padded position, or -1.
	source := func(i, n int) int {
		if c.Reflect {
			if i < 0 {
				i = -i
			}
			if i >= n {
				i = 2*(n-1) - i
			}
		}
		if i < 0 || i >= n {
			return -1
		}
		return i
	}
	for n := range k.n {
		for ty := range winogradTiles(k.h) {
			for tx := range winogradTiles(k.w) {
				top, left := winogradTile*ty, winogradTile*tx
				if k.h%winogradTile == 1 {
					top--
				}
				if k.w%winogradTile == 1 {
					left--
				}
				// at is the index of a pixel's first channel, or -1.
				at := func(y, x, channels int) int {
					if y < 0 || x < 0 || y >= k.h || x >= k.w {
						return -1
					}
					return ((n*k.h+y)*k.w + x) * channels
				}
				inner := func(i, j int) int { return at(source(top-1+i, k.h), source(left-1+j, k.w), c.In) }
				v, dm := make([]points, c.In), make([]points, c.Out)
				for ci := range v {
					v[ci] = flat(sandwich(winogradB, func(i, j int) float64 {
						if p := inner(i, j); p >= 0 {
							return math.Abs(float64(xs[p+ci]))
						}
						return 0
					}))
				}
				for co := range dm {
					dm[co] = flat(sandwich(winogradA, func(i, j int) float64 {
						if p := at(top+i, left+j, c.Out); p >= 0 {
							return math.Abs(float64(dys[p+co]))
						}
						return 0
					}))
				}
				m, dv := make([]points, c.Out), make([]points, c.In)
				for co := range m {
					for ci := range v {
						for p := range winogradPoints {
							m[co][p] += u[co*c.In+ci][p] * v[ci][p]
							dv[ci][p] += u[co*c.In+ci][p] * dm[co][p]
							du[co*c.In+ci][p] += v[ci][p] * dm[co][p]
						}
					}
				}
				for co := range m {
					out := sandwich(transposed(winogradA), square(&m[co]))
					for i := range winogradTile {
						for j := range winogradTile {
							if p := at(top+i, left+j, c.Out); p >= 0 {
								y.magnitude[p+co] += out(i, j)
							}
						}
					}
				}
				for ci := range dv {
					out := sandwich(transposed(winogradB), square(&dv[ci]))
					for i := range patch {
						for j := range patch {
							if p := inner(i, j); p >= 0 {
								dx.magnitude[p+ci] += out(i, j)
							}
						}
					}
				}
			}
		}
	}
	for i := range du {
		out := sandwich(transposed(winogradG), square(&du[i]))
		for tap := range 9 {
			dw.magnitude[9*i+tap] += out(tap/3, tap%3)
		}
	}
}

// winogradCases cover sides of every remainder by the tile's 4, one pixel to several tiles, both paddings, and channels pairwise.
func winogradCases() (cases []Case) {
	const zero, reflect = false, true
	for _, k := range []struct {
		in, out    int
		reflect    bool
		n, h, w    int
		bias       bool
		act        Activation
		accumulate bool
	}{
		{1, 1, zero, 1, 1, 1, false, None, false},
		{3, 5, zero, 3, 2, 13, true, Tanh, true},
		{5, 3, reflect, 2, 2, 3, true, LeakyReLU, false},
		{64, 31, reflect, 1, 7, 8, true, None, true},
		{31, 65, zero, 1, 4, 5, false, ReLU, false},
		{65, 5, reflect, 1, 5, 9, true, None, true},
		{5, 64, reflect, 2, 3, 6, false, Tanh, true},
		{64, 64, reflect, 1, 8, 4, true, None, false},
		{1, 3, reflect, 3, 17, 31, true, None, false},
		{3, 1, zero, 2, 33, 18, false, LeakyReLU, true},
		{1, 1, reflect, 1, 65, 63, true, None, true},
	} {
		l := layerCase{Winograd{Conv{k.in, k.out, 3, 1, 1, k.reflect}, true}, k.n, k.h, k.w, k.in, k.out, k.bias, k.act, k.accumulate}
		name := "zeros"
		if k.reflect {
			name = "reflect"
		}
		cases = append(cases, l.cases(name)...)
	}
	cases = append(cases, in16(every(5, cases))...)
	for _, channels := range []int{16, 64} {
		l := layerCase{gatedWinograd{Winograd{Conv{channels, 32, 3, 1, 1, reflect}, true}}, 1, 12, 17, channels, 32, true, None, false}
		cases = append(cases, Case{fmt.Sprintf("accuracy gate: %v on 12x17", l.layer), l.run})
	}
	return cases
}
