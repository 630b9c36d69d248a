// Convolution: forward and data gradient (conv_forward.comp, conv_data_grad.comp). conv_wgrad.go holds the gradients of weights
// and bias, convtranspose.go the transposed convolution, which is the adjoint of this one, conv_tile.go the choice of tiles.
//
// With stride s, padding p and a kernel of k x k, PyTorch's cross-correlation (torch.nn.Conv2d):
//
//	y[n,oy,ox,co] = bias[co] + sum over ky, kx, ci of x[n, oy s + ky - p, ox s + kx - p, ci] w[ky,kx,ci,co]

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// Conv is a 2-d convolution with a square kernel, zero padding or, where Reflect is set, padding by reflection
// (torch.nn.ReflectionPad2d: the edge is not repeated). Stride is 1 or 2.
type Conv struct {
	In, Out, Kernel, Stride, Pad int
	Reflect                      bool
}

// padding modes, numbered as in shaders/inc/conv.glsl.
const (
	padNone uint32 = iota
	padZero
	padReflect
)

func (c Conv) String() string {
	return fmt.Sprintf("%dx%d %d->%d", c.Kernel, c.Kernel, c.In, c.Out)
}

// OutSize is the height or width that the convolution makes of n: (n + 2 pad - kernel) / stride + 1.
func (c Conv) OutSize(n int) int {
	if n += 2*c.Pad - c.Kernel; n >= 0 {
		return n/c.Stride + 1
	}
	return 0
}

// WeightLen is the number of floats of the weights on the device: [kernel, kernel, Stride(In), Stride(Out)].
func (c Conv) WeightLen() int { return c.Kernel * c.Kernel * Stride(c.In) * Stride(c.Out) }

// Pack brings weights from PyTorch's order [Out, In, k, k] into the device's, padded by zeros.
func (c Conv) Pack(oihw []float32) []float32 {
	dev := make([]float32, c.WeightLen())
	c.each(func(plain, packed int) { dev[packed] = oihw[plain] })
	return dev
}

// Unpack is Pack's inverse.
func (c Conv) Unpack(dev []float32) []float32 {
	oihw := make([]float32, c.Out*c.In*c.Kernel*c.Kernel)
	c.each(func(plain, packed int) { oihw[plain] = dev[packed] })
	return oihw
}

// each visits every weight with its index in PyTorch's order and in the device's.
func (c Conv) each(visit func(plain, packed int)) {
	taps, plain := c.Kernel*c.Kernel, 0
	for o := range c.Out {
		for i := range c.In {
			for tap := range taps {
				visit(plain, (tap*Stride(c.In)+i)*Stride(c.Out)+o)
				plain++
			}
		}
	}
}

// MACs is the number of multiplications that make y, those with padding pixels included.
func (c Conv) MACs(y Tensor) int64 {
	return int64(y.N*y.H*y.W) * int64(c.Kernel*c.Kernel*c.In*c.Out)
}

// Forward appends y = act(conv(x, w) + bias). bias holds Stride(Out) floats, the padding zero; a bias without Mem is none.
func (c Conv) Forward(p *vk.Program, x Tensor, w, bias vk.Range, y Tensor, act Activation) {
	c.forward(p, "conv forward "+c.String(), x, w, bias, y, act, false)
}

// forward appends y (+)= act(conv(x, w) + bias).
func (c Conv) forward(p *vk.Program, label string, x Tensor, w, bias vk.Range, y Tensor, act Activation, accumulate bool) {
	p.Fail(c.check(x, w, y))
	p.Fail(checkBias(bias, y))
	if p.Err() != nil {
		return
	}
	shader := "conv_forward"
	if accumulate {
		shader = "conv_forward_add"
	}
	t := pixelTile(p.Device(), y.N*y.H*y.W, y.C)
	l := vk.Launch{
		Spec:   t.spec(c, bias, act),
		Push:   convShape{int32(y.N * y.H * y.W), c.extents(x, y)},
		Groups: t.groups(y.N*y.H*y.W, y.C, 1),
		Work:   2 * c.MACs(y),
		Label:  label,
	}
	launch(p, l, shader, x.Range, w, orAny(bias, w), y.Range)
}

// DataGrad appends dx = the gradient of the loss with respect to x, from dy, that with respect to y; it is added to dx where
// accumulate is set.
func (c Conv) DataGrad(p *vk.Program, dy Tensor, w vk.Range, dx Tensor, accumulate bool) {
	c.adjoint(p, "conv data gradient "+c.String(), dy, w, vk.Range{}, dx, None, accumulate)
}

// adjoint appends dx (+)= act(transposed conv(dy, w) + bias).
func (c Conv) adjoint(p *vk.Program, label string, dy Tensor, w, bias vk.Range, dx Tensor, act Activation, accumulate bool) {
	p.Fail(c.check(dx, w, dy))
	p.Fail(checkBias(bias, dx))
	if p.Err() != nil {
		return
	}
	shader := "conv_data_grad"
	if accumulate {
		shader = "conv_data_grad_add"
	}
	phases := c.Stride * c.Stride
	largest := dx.N * ((dx.H + c.Stride - 1) / c.Stride) * ((dx.W + c.Stride - 1) / c.Stride) // pixels of the largest phase
	t := pixelTile(p.Device(), largest*phases, dx.C)
	l := vk.Launch{
		Spec:   t.spec(c, bias, act),
		Push:   convShape{int32(dx.N), c.extents(dx, dy)},
		Groups: t.groups(largest, dx.C, phases),
		Work:   2 * c.MACs(dy),
		Label:  label,
	}
	launch(p, l, shader, dy.Range, w, orAny(bias, w), dx.Range)
}

// convShape is the push constants of conv_forward.comp and conv_data_grad.comp.
type convShape struct {
	Count int32 // pixels of y forward, images backward
	convExtents
}

// convExtents is what the push constants of all convolution kernels share; channels are counted in vec4.
type convExtents struct {
	Height, Width, OutHeight, OutWidth, In, Out, Pad int32
}

func (c Conv) extents(x, y Tensor) convExtents {
	return convExtents{
		int32(x.H), int32(x.W), int32(y.H), int32(y.W), int32(Stride(c.In) / 4), int32(Stride(c.Out) / 4), int32(c.Pad),
	}
}

// padding is the mode that the shaders are specialised for.
func (c Conv) padding() uint32 {
	switch {
	case c.Pad == 0:
		return padNone
	case c.Reflect:
		return padReflect
	}
	return padZero
}

// check holds the arguments against the convolution: x is its input, or the gradient of it, and y its output.
func (c Conv) check(x Tensor, w vk.Range, y Tensor) error {
	switch {
	case c.In < 1 || c.Out < 1 || c.Kernel < 1 || c.Pad < 0 || c.Stride < 1 || c.Stride > 2:
		return fmt.Errorf("conv %v: stride %d, pad %d: want positive sizes and a stride of 1 or 2", c, c.Stride, c.Pad)
	case x.C != c.In || y.C != c.Out || x.N != y.N || c.OutSize(x.H) != y.H || c.OutSize(x.W) != y.W || y.H < 1 || y.W < 1:
		return fmt.Errorf("conv %v: input %v, output %v: want %d channels to %d, and %dx%d pixels out",
			c, x, y, c.In, c.Out, c.OutSize(x.H), c.OutSize(x.W))
	case c.Reflect && (c.Pad >= x.H || c.Pad >= x.W):
		return fmt.Errorf("conv %v: reflection by %d pixels of %v: needs an image with more than %d pixels each way", c, c.Pad, x, c.Pad)
	case w.Bytes < 4*c.WeightLen():
		return fmt.Errorf("conv %v: weights have %d bytes, want %d", c, w.Bytes, 4*c.WeightLen())
	}
	return nil
}

func checkBias(bias vk.Range, y Tensor) error {
	if bias.Mem != nil && bias.Bytes < 4*Stride(y.C) {
		return fmt.Errorf("conv: bias %s has %d bytes, want %d", bias.Name, bias.Bytes, 4*Stride(y.C))
	}
	return nil
}

// orAny is r, or where that is none another buffer, to fill a binding that the shader does not touch.
func orAny(r, other vk.Range) vk.Range {
	if r.Mem == nil {
		return other
	}
	return r
}
