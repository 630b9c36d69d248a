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
// (torch.nn.ReflectionPad2d: the edge is not repeated). Stride is 1 or 2; Pad is less than the image's sides where Reflect is
// set, and at most Kernel - 2.
type Conv struct {
	In, Out, Kernel, Stride, Pad int
	Reflect                      bool
}

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

// each visits every weight with its index in PyTorch's order and in the device's. Neighbours there, the outputs, come one after the other.
func (c Conv) each(visit func(plain, packed int)) {
	taps := c.Kernel * c.Kernel
	for i := range c.In {
		for tap := range taps {
			plain, packed := i*taps+tap, (tap*Stride(c.In)+i)*Stride(c.Out)
			for range c.Out {
				visit(plain, packed)
				plain += c.In * taps
				packed++
			}
		}
	}
}

// MACs is the number of multiplications that make y, those with padding pixels included.
func (c Conv) MACs(y Tensor) int64 {
	return int64(y.N*y.H*y.W) * int64(c.Kernel*c.Kernel*c.In*c.Out)
}

// Forward appends y = act(conv(x, w) + bias). w are of the tensors' type. bias holds Stride(Out) floats, the padding zero; a bias without Mem is none.
func (c Conv) Forward(p *vk.Program, x Source, w, bias vk.Range, y Tensor, act Activation) {
	c.forward(p, convPass{label: "conv forward " + c.String(), from: x.normed(), w: w, bias: bias, to: y, act: act})
}

// DataGrad appends dx = the gradient of the loss with respect to x, from dy, that with respect to y; it is added to dx where
// accumulate is set.
func (c Conv) DataGrad(p *vk.Program, dy Tensor, w vk.Range, dx Tensor, accumulate bool) {
	c.adjoint(p, convPass{label: "conv data gradient " + c.String(), from: dy.normed(), w: w, to: dx, accumulate: accumulate})
}

// convPass is to (+)= act(convolution of from + bias), the convolution itself or its adjoint.
type convPass struct {
	label      string
	from       Normed
	w, bias    vk.Range
	to         Tensor
	act        Activation
	accumulate bool
	moments    vk.Range // gets statistics of to, by blocks; without Mem for none
}

// forward appends a pass from the convolution's input to its output.
func (c Conv) forward(p *vk.Program, s convPass) {
	p.Fail(c.check(s.from.Tensor, s.w, s.from.Element, s.to))
	c.launch(p, "conv_forward", s, c.shape(s.from.Tensor, s.to), 1)
}

// adjoint appends a pass from the convolution's output to its input. Input pixels of the same phase, their position modulo the
// stride, meet the same taps, and the kernel takes each phase for itself.
func (c Conv) adjoint(p *vk.Program, s convPass) {
	p.Fail(c.check(s.to, s.w, s.from.Element, s.from.Tensor))
	c.launch(p, "conv_data_grad", s, c.shape(s.to, s.from.Tensor), c.Stride)
}

// launch appends a pass over pixels that lie stride apart, for each of the stride^2 phases.
func (c Conv) launch(p *vk.Program, shader string, s convPass, shape convShape, stride int) {
	bias := s.bias
	if bias.Mem == nil {
		bias = s.w // fills the binding; the shader does not touch it
	} else if bias.Bytes < 4*Stride(s.to.C) {
		p.Fail(fmt.Errorf("%s: bias %s has %d bytes, want %d", s.label, bias.Name, bias.Bytes, 4*Stride(s.to.C)))
	}
	p.Fail(s.from.check(s.label))
	if p.Err() != nil {
		return
	}
	l := vk.Launch{
		Push: struct {
			convShape
			HasBias uint32
		}{shape, constant(s.bias.Mem != nil)},
		Work:  2 * int64(shape.Images*shape.OutHeight*shape.OutWidth) * int64(c.Kernel*c.Kernel*c.In*c.Out),
		Label: s.label,
	}
	adjoint := shader == "conv_data_grad"
	if g := c.gemmOf(p.Device().Info, s, adjoint); g != nil {
		g.launch(p, l, g.shader(s, adjoint), c.kinds(s.to, adjoint), c, s, bias)
		return
	}
	if p.Fail(s.from.refused(s.label)); p.Err() != nil {
		return
	}
	e := engineOf(p.Device().Info)
	pixels, phases := s.to.N*divUp(s.to.H, stride)*divUp(s.to.W, stride), stride*stride
	variant := func(t tile) vk.Variant {
		v := vk.Variant{
			Spec:   []uint32{uint32(e.lanes), uint32(t.rows), uint32(t.cols), constant(c.wraps()), uint32(s.act)},
			Groups: groups(pixels, e.lanes*t.rows),
		}
		v.Groups[2] = phases * divUp(Stride(s.to.C)/4, t.cols)
		return v
	}
	v := variant(e.pixelTile(pixels, s.to.C, phases))
	l.Spec, l.Groups = v.Spec, v.Groups
	for _, t := range e.tiles {
		l.Variants = append(l.Variants, variant(t))
	}
	launchAs(p, s.to.Element, l, e.shader(shader, s.accumulate), s.from.Range, s.w, bias, s.to.Range)
}

// convShape is the push constants of the convolution kernels; In and Out are counted in vec4.
type convShape struct {
	Images, Height, Width, OutHeight, OutWidth, In, Out, Kernel, Stride, Pad int32
}

// shape describes the convolution of x to y.
func (c Conv) shape(x, y Tensor) convShape {
	return convShape{
		int32(x.N), int32(x.H), int32(x.W), int32(y.H), int32(y.W), int32(Stride(c.In) / 4), int32(Stride(c.Out) / 4),
		int32(c.Kernel), int32(c.Stride), int32(c.Pad),
	}
}

// wraps reports that every tap of every pixel meets the image, by reflection or because nothing is padded: the kernels then
// need no zeros.
func (c Conv) wraps() bool { return c.Reflect || c.Pad == 0 }

// check holds the arguments against the convolution: x is its input, or the gradient of it, y its output, and w its weights, of a
// type, or the gradient of those.
func (c Conv) check(x Tensor, w vk.Range, weights Element, y Tensor) error {
	switch {
	case c.In < 1 || c.Out < 1 || c.Kernel < 1 || c.Pad < 0 || c.Stride < 1 || c.Stride > 2:
		return fmt.Errorf("conv %v: stride %d, pad %d: want positive sizes and a stride of 1 or 2", c, c.Stride, c.Pad)
	case x.C != c.In || y.C != c.Out || x.N != y.N || c.OutSize(x.H) != y.H || c.OutSize(x.W) != y.W || y.H < 1 || y.W < 1:
		return fmt.Errorf("conv %v: input %v, output %v: want %d channels to %d, and %dx%d pixels out",
			c, x, y, c.In, c.Out, c.OutSize(x.H), c.OutSize(x.W))
	case c.Reflect && (c.Pad >= x.H || c.Pad >= x.W):
		return fmt.Errorf("conv %v: reflection by %d pixels of %v: needs an image with more than %d pixels each way", c, c.Pad, x, c.Pad)
	case c.Reflect && c.Pad > 0 && c.Pad > c.Kernel-2:
		return fmt.Errorf("conv %v: reflection by %d pixels: at most kernel - 2, so that no tap meets two images of a pixel", c, c.Pad)
	case x.Element != y.Element:
		return fmt.Errorf("conv %v: %v is %s and %v is %s: use one type", c, x, x.Element, y, y.Element)
	case w.Bytes < weights.Size()*c.WeightLen():
		return fmt.Errorf("conv %v: weights have %d bytes, want %d", c, w.Bytes, weights.Size()*c.WeightLen())
	}
	return nil
}

// constant is a boolean as shaders take it.
func constant(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
