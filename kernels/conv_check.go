// Proof of the convolution kernels: float64 references that enumerate the terms of the definition, one by one.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

// convBound is the C of the bound C u sum|terms| for every convolution kernel.
const convBound = 16

func init() {
	register(Check{
		Name:    "conv",
		Shaders: halves("conv_forward", "conv_data_grad", "conv_data_grad_add", "conv_weight_grad", "conv_weight_grad_add", "conv_sum", "conv_sum_add", "conv_forward_shuffle", "conv_data_grad_shuffle", "conv_data_grad_shuffle_add", "conv_weight_grad_shuffle", "conv_weight_grad_shuffle_add"),
		Cases:   convCases(),
	})
	register(Check{
		Name:    "convtranspose",
		Shaders: halves("conv_data_grad", "conv_forward", "conv_forward_add", "conv_weight_grad", "conv_weight_grad_add", "conv_sum", "conv_data_grad_shuffle", "conv_forward_shuffle", "conv_forward_shuffle_add", "conv_weight_grad_shuffle", "conv_weight_grad_shuffle_add"),
		Cases:   convTransposeCases(),
	})
	register(Check{Name: "biasgrad", Shaders: halves("conv_sum", "conv_sum_add"), Cases: biasCases()})
}

// product is one multiplication of a convolution: y[y] += x[x] w[w], by index into [N,H,W,C] and PyTorch's weights.
type product struct{ x, w, y int }

// terms enumerates a convolution of an image batch [n,h,w,In], straight from torch.nn.Conv2d's definition.
func (c Conv) terms(n, h, w int, visit func(product)) {
	oh, ow := c.OutSize(h), c.OutSize(w)
	source := func(i, size int) int { // of a padded position; -1 where a zero was padded
		if i >= 0 && i < size {
			return i
		}
		if !c.Reflect {
			return -1
		}
		if i < 0 {
			return -i
		}
		return 2*(size-1) - i
	}
	for b := range n {
		for oy := range oh {
			for ox := range ow {
				for ky := range c.Kernel {
					for kx := range c.Kernel {
						iy, ix := source(oy*c.Stride+ky-c.Pad, h), source(ox*c.Stride+kx-c.Pad, w)
						if iy < 0 || ix < 0 {
							continue
						}
						for o := range c.Out {
							for i := range c.In {
								visit(product{
									((b*h+iy)*w+ix)*c.In + i,
									((o*c.In+i)*c.Kernel+ky)*c.Kernel + kx,
									((b*oh+oy)*ow+ox)*c.Out + o,
								})
							}
						}
					}
				}
			}
		}
	}
}

// terms enumerates a transposed convolution of [n,h,w,In], straight from torch.nn.ConvTranspose2d's definition: every input
// pixel spreads a window over the output.
func (c ConvTranspose) terms(n, h, w int, visit func(product)) {
	oh, ow := c.OutSize(h), c.OutSize(w)
	for b := range n {
		for iy := range h {
			for ix := range w {
				for ky := range c.Kernel {
					for kx := range c.Kernel {
						oy, ox := iy*c.Stride+ky-c.Pad, ix*c.Stride+kx-c.Pad
						if oy < 0 || oy >= oh || ox < 0 || ox >= ow {
							continue
						}
						for o := range c.Out {
							for i := range c.In {
								visit(product{
									((b*h+iy)*w+ix)*c.In + i,
									((i*c.Out+o)*c.Kernel+ky)*c.Kernel + kx,
									((b*oh+oy)*ow+ox)*c.Out + o,
								})
							}
						}
					}
				}
			}
		}
	}
}

// sums holds the elements of a sum and, for the bound, the sums of their terms' magnitudes.
type sums struct{ value, magnitude []float64 }

// newSums starts n sums, element i with start[i % len(start)], which may be none.
func newSums(n int, start []float32) sums {
	s := sums{make([]float64, n), make([]float64, n)}
	for i := range n {
		if len(start) > 0 {
			s.value[i] = float64(start[i%len(start)])
			s.magnitude[i] = math.Abs(s.value[i])
		}
	}
	return s
}

// newMagnitudes is s with magnitudes that start anew.
func newMagnitudes(s sums, start []float32) sums {
	return sums{s.value, newSums(len(s.value), start).magnitude}
}

func (s sums) add(i int, a, b float32) {
	t := float64(a) * float64(b)
	s.value[i] += t
	s.magnitude[i] += math.Abs(t)
}

// bound is C u sum|terms|.
func (s sums) bound(c float64) []float64 {
	b := make([]float64, len(s.magnitude))
	for i, m := range s.magnitude {
		b[i] = c * U * m
	}
	return b
}

// activated passes the sums through an activation. No activation is steeper than 1, so the bound of its argument holds, to
// which tanh adds its own 8 ulp.
func (s sums) activated(act Activation, c float64) (want, bound []float64) {
	want, bound = make([]float64, len(s.value)), s.bound(c)
	for i, v := range s.value {
		switch act {
		case ReLU:
			v = max(v, 0)
		case LeakyReLU:
			v = max(v, LeakySlope*v)
		case Tanh:
			v = math.Tanh(v)
			bound[i] += 8 * 2 * U * math.Abs(v)
		}
		want[i] = v
	}
	return want, bound
}

// layer is a convolution or a transposed one, as its check sees it.
type layer interface {
	fmt.Stringer
	OutSize(n int) int
	WeightLen() int
	MACs(y Tensor) int64
	Pack(plain []float32) []float32
	Forward(p *vk.Program, x Source, w, bias vk.Range, y Tensor, act Activation)
	ForwardStats(p *vk.Program, x Source, w, bias vk.Range, z Tensor, n Norm, stats vk.Range)
	Fuses(p *vk.Program, x, y Tensor) bool
	DataGrad(p *vk.Program, dy Tensor, w vk.Range, dx Tensor, accumulate bool)
	WeightGrad(p *vk.Program, x Source, dy Tensor, dw vk.Range, accumulate bool)
	weights() int // without padding
	details() string
	terms(n, h, w int, visit func(product))
}

func (c Conv) weights() int          { return c.In * c.Out * c.Kernel * c.Kernel }
func (c ConvTranspose) weights() int { return c.In * c.Out * c.Kernel * c.Kernel }

// layerCase runs a layer's three kernels on x [n,h,w,in].
type layerCase struct {
	layer
	n, h, w, in, out int
	bias             bool
	act              Activation
	accumulate       bool
}

func (k layerCase) run(t *Trial) error {
	oh, ow := k.OutSize(k.h), k.OutSize(k.w)
	inputs, outputs := k.n*k.h*k.w*k.in, k.n*oh*ow*k.out
	xs, dys, ws := t.Random(inputs, 0, 1), t.Random(outputs, 0, 1), t.Random(k.weights(), 0, 1)

	x, dy := t.In("x", k.n, k.h, k.w, k.in, xs), t.In("dy", k.n, oh, ow, k.out, dys)
	w := t.Reals("w", k.Pack(ws), false)
	y := t.Out("y", k.n, oh, ow, k.out)
	var bias vk.Range
	var biases, dxs, dws []float32
	if k.bias {
		biases = t.Random(k.out, 0, 1)
		bias = t.Floats("bias", Stride(k.out), pad(biases, k.out), false)
	}
	var dx Tensor
	var dw vk.Range
	if k.accumulate {
		dxs, dws = t.Random(inputs, 0, 1), t.Random(k.weights(), 0, 1)
		dx = t.InOut("dx", k.n, k.h, k.w, k.in, dxs)
		dw = t.Floats("dw", k.WeightLen(), k.Pack(dws), true)
	} else {
		dx = t.Out("dx", k.n, k.h, k.w, k.in)
		dw = t.Floats("dw", k.WeightLen(), nil, true)
	}
	err := t.Run(func(p *vk.Program) {
		k.Forward(p, x, w, bias, y, k.act)
		k.DataGrad(p, dy, w, dx, k.accumulate)
		k.WeightGrad(p, x, dy, dw, k.accumulate)
	})
	if err != nil {
		return err
	}

	ySums, dxSums, dwSums := newSums(outputs, biases), newSums(inputs, dxs), newSums(k.weights(), dws)
	k.terms(k.n, k.h, k.w, func(m product) {
		ySums.add(m.y, xs[m.x], ws[m.w])
		dxSums.add(m.x, dys[m.y], ws[m.w])
		dwSums.add(m.w, xs[m.x], dys[m.y])
	})
	constant := float64(convBound)
	if c, ok := k.layer.(Winograd); ok {
		points := pointEngineOf(t.dev.Info, x, y).Element
		constant = winogradBound(points)
		ySums, dxSums, dwSums = newMagnitudes(ySums, biases), newMagnitudes(dxSums, dxs), newMagnitudes(dwSums, dws)
		c.amplify(k, points, xs, ws, dys, &ySums, &dxSums, &dwSums)
	}
	want, bound := ySums.activated(k.act, constant)
	if err := t.Compare(y, want, bound); err != nil {
		return err
	}
	if err := t.Compare(dx, dxSums.value, dxSums.bound(constant)); err != nil {
		return err
	}
	return t.CompareFloats(dw, k.packed(dwSums.value), k.packed(dwSums.bound(constant)))
}

// packed brings values in PyTorch's order of weights into the device's. Padding entries are zero, with a bound of zero.
func (k layerCase) packed(plain []float64) []float64 {
	index := make([]float32, k.weights()) // exact below 2^24
	for i := range index {
		index[i] = float32(i + 1)
	}
	out := make([]float64, k.WeightLen())
	for at, i := range k.Pack(index) {
		if i > 0 {
			out[at] = plain[int(i)-1]
		}
	}
	return out
}

// name is the case's.
func (k layerCase) name(details string) string {
	name := fmt.Sprintf("%v %s on %dx%dx%d", k.layer, details, k.n, k.h, k.w)
	if k.bias {
		name += " bias"
	}
	if k.act != None {
		name += " " + k.act.String()
	}
	if k.accumulate {
		name += " accumulate"
	}
	return name
}

func (c Conv) details() string {
	return fmt.Sprintf("stride %d pad %d%s", c.Stride, c.Pad, map[bool]string{true: " reflect"}[c.Reflect])
}

func (c ConvTranspose) details() string {
	return fmt.Sprintf("stride %d pad %d outpad %d", c.Stride, c.Pad, c.OutPad)
}

// as runs a case as a device of another type would, on a choice of kernels.
func (t *Trial) as(kind vk.DeviceType, choice Restriction, run func(*Trial) error) error {
	return t.asWith(kind, choice, Unproven{}, run)
}

// asWith allows the choice kernels that are unproven, too.
func (t *Trial) asWith(kind vk.DeviceType, choice Restriction, too Unproven, run func(*Trial) error) error {
	defer Restrict(choice)()
	defer Allow(too)()
	defer func(old vk.DeviceType) { t.dev.Info.Type = old }(t.dev.Info.Type)
	t.dev.Info.Type = kind
	return run(t)
}

// cases are the layer as the device at hand runs it without tiles, and as a GPU would, in other variants.
func (k layerCase) cases(details string) []Case {
	return []Case{
		{k.name(details), func(t *Trial) error { return t.as(t.dev.Info.Type, NoTiles, k.run) }},
		{k.name(details) + " as on a GPU", func(t *Trial) error { return t.as(vk.DiscreteGPU, NoTiles, k.run) }},
	}
}

// convCases cover sizes, channels, kernels, strides and paddings pairwise: every network layer's kind, one pixel up to two
// tiles, and images as small as the padding allows.
func convCases() (cases []Case) {
	const zero, reflect = false, true
	for _, k := range []struct {
		c          Conv
		n, h, w    int
		bias       bool
		act        Activation
		accumulate bool
	}{
		{Conv{1, 1, 1, 1, 0, zero}, 1, 1, 1, false, None, false},
		{Conv{3, 5, 1, 1, 0, zero}, 3, 2, 129, true, Tanh, true},
		{Conv{64, 31, 1, 2, 0, zero}, 2, 7, 3, true, ReLU, true},
		{Conv{5, 3, 2, 1, 0, zero}, 2, 3, 33, true, LeakyReLU, false},
		{Conv{31, 64, 3, 1, 1, zero}, 1, 7, 17, true, None, true},
		{Conv{65, 5, 3, 1, 1, reflect}, 1, 17, 2, false, ReLU, false},
		{Conv{5, 65, 3, 1, 1, reflect}, 2, 2, 31, true, None, true},
		{Conv{64, 64, 3, 1, 1, reflect}, 1, 7, 8, true, None, false},
		{Conv{3, 31, 3, 2, 1, zero}, 3, 33, 7, true, None, false},
		{Conv{31, 1, 3, 2, 1, zero}, 1, 2, 65, false, Tanh, true},
		{Conv{1, 65, 3, 2, 1, zero}, 2, 1, 63, true, None, false},
		{Conv{1, 3, 3, 2, 1, reflect}, 2, 17, 31, true, None, true},
		{Conv{65, 64, 3, 2, 1, zero}, 1, 3, 7, false, None, false},
		{Conv{5, 31, 4, 2, 1, zero}, 1, 31, 17, true, LeakyReLU, true},
		{Conv{3, 64, 4, 2, 1, zero}, 1, 17, 33, true, LeakyReLU, false},
		{Conv{64, 1, 4, 1, 1, zero}, 2, 7, 7, true, None, true},
		{Conv{31, 5, 4, 1, 1, zero}, 3, 3, 4, true, None, false},
		{Conv{1, 64, 4, 1, 3, zero}, 1, 1, 17, false, None, true},
		{Conv{3, 5, 7, 1, 3, reflect}, 1, 7, 33, true, Tanh, false},
		{Conv{5, 3, 7, 1, 3, reflect}, 2, 31, 7, true, Tanh, true},
		{Conv{31, 3, 7, 1, 3, reflect}, 1, 4, 5, true, Tanh, false},
		{Conv{3, 1, 7, 1, 3, zero}, 1, 2, 3, true, None, true},
		{Conv{1, 5, 7, 1, 3, zero}, 2, 63, 3, false, ReLU, false},
		{Conv{5, 1, 5, 2, 3, reflect}, 1, 17, 4, true, None, true},
		{Conv{1, 1, 3, 1, 1, zero}, 1, 129, 65, true, None, false},
		{Conv{1, 1, 3, 1, 1, reflect}, 2, 65, 129, true, None, false},
		{Conv{1, 64, 1, 1, 0, zero}, 1, 129, 130, true, None, true}, // enough for a GPU's largest tiles
		{Conv{64, 1, 2, 2, 1, zero}, 1, 129, 130, false, None, true},
	} {
		l := layerCase{k.c, k.n, k.h, k.w, k.c.In, k.c.Out, k.bias, k.act, k.accumulate}
		cases = append(cases, l.cases(k.c.details())...)
	}
	return append(cases, in16(every(7, cases))...)
}

// convTransposeCases do the same for transposed convolutions.
func convTransposeCases() (cases []Case) {
	for _, k := range []struct {
		c          ConvTranspose
		n, h, w    int
		bias       bool
		act        Activation
		accumulate bool
	}{
		{ConvTranspose{1, 1, 1, 1, 0, 0}, 1, 1, 1, false, None, false},
		{ConvTranspose{3, 5, 3, 2, 1, 1}, 1, 17, 33, true, ReLU, false},
		{ConvTranspose{64, 31, 3, 2, 1, 1}, 1, 7, 3, true, None, true},
		{ConvTranspose{31, 65, 3, 2, 1, 0}, 2, 3, 2, true, LeakyReLU, true},
		{ConvTranspose{5, 1, 3, 2, 1, 1}, 3, 1, 63, false, Tanh, false},
		{ConvTranspose{65, 3, 4, 2, 1, 0}, 1, 2, 17, true, None, false},
		{ConvTranspose{1, 64, 4, 2, 1, 1}, 2, 31, 1, true, None, true},
		{ConvTranspose{5, 31, 4, 1, 0, 0}, 1, 3, 7, true, None, true},
		{ConvTranspose{3, 1, 3, 1, 1, 0}, 2, 65, 31, false, None, false},
		{ConvTranspose{31, 5, 7, 2, 3, 1}, 1, 7, 3, true, None, true},
	} {
		l := layerCase{k.c, k.n, k.h, k.w, k.c.In, k.c.Out, k.bias, k.act, k.accumulate}
		cases = append(cases, l.cases(k.c.details())...)
	}
	return append(cases, in16(every(3, cases))...)
}

func biasCases() (cases []Case) {
	for _, k := range []struct {
		n, h, w, c int
		accumulate bool
	}{
		{1, 1, 1, 1, false}, {3, 7, 2, 5, true}, {2, 17, 31, 65, false}, {1, 33, 63, 3, true}, {1, 129, 65, 31, false}, {2, 3, 129, 64, true},
	} {
		cases = append(cases, Case{fmt.Sprintf("%dx%dx%dx%d accumulate %v", k.n, k.h, k.w, k.c, k.accumulate), func(t *Trial) error {
			dys := t.Random(k.n*k.h*k.w*k.c, 0.1, 1)
			dy := t.In("dy", k.n, k.h, k.w, k.c, dys)
			var dbs []float32
			if k.accumulate {
				dbs = t.Random(k.c, 0, 1)
			}
			db := Tensor{t.Floats("db", Stride(k.c), pad(dbs, k.c), true), 1, 1, 1, k.c, Float32}
			if err := t.Run(func(p *vk.Program) { BiasGrad(p, dy, db.Range, k.accumulate) }); err != nil {
				return err
			}
			s := newSums(k.c, dbs)
			for i, v := range dys {
				s.add(i%k.c, v, 1)
			}
			return t.Compare(db, s.value, s.bound(convBound))
		}})
	}
	return append(cases, in16(cases)...)
}
