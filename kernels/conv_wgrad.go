// Gradients of a convolution's weights and bias (conv_weight_grad.comp, conv_sum.comp): sums over all pixels, split for
// parallel work and added up in a fixed order, so that the bits do not depend on scheduling.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// WeightGrad appends dw = the gradient of the loss with respect to the weights, in the device's order, from the input x and dy,
// the gradient with respect to y, in fp32; it is added to dw where accumulate is set. Padding entries come out zero.
func (c Conv) WeightGrad(p *vk.Program, x Source, dy Tensor, dw vk.Range, accumulate bool) {
	c.weightGrad(p, "conv weight gradient "+c.String(), x.normed(), dy.normed(), dw, accumulate)
}

// weightGrad appends the gradient of two pictures, of which one may be still to be normed.
func (c Conv) weightGrad(p *vk.Program, label string, of, by Normed, dw vk.Range, accumulate bool) {
	x, dy := of.Tensor, by.Tensor
	p.Fail(c.check(x, dw, Float32, dy))
	p.Fail(of.check(label))
	p.Fail(by.check(label))
	g := gemmOf(p.Device().Info, x, dy)
	if g == nil || x.N > 1 && dy.H*dy.W%momentBlock > 0 {
		p.Fail(of.refused(label))
		p.Fail(by.refused(label))
	}
	if p.Err() != nil {
		return
	}
	if g != nil {
		g.weightGrad(p, vk.Launch{Work: 2 * c.MACs(dy), Label: label}, c, of, by, dw, accumulate)
		return
	}
	e := engineOf(p.Device().Info)
	t := e.weightTile(c, x.Element, dy.N*dy.H*dy.W)
	shader, out := e.shader("conv_weight_grad", accumulate), dw
	if t.splits > 1 {
		shader, out = e.shader("conv_weight_grad", false), p.Temp("weight gradient splits", 4*t.splits*c.WeightLen()).All()
	}
	c.weightSplits(p, label, x, dy, out, t, shader)
	if t.splits > 1 {
		sumRows(p, label, Float32, out, t.splits, c.WeightLen()/4, dw, 1, accumulate)
	}
}

// weightSplits appends the partial sums of a weight gradient, one for each split.
func (c Conv) weightSplits(p *vk.Program, label string, x, dy Tensor, out vk.Range, t weightTile, shader string) {
	in, columns := c.Kernel*c.Kernel*Stride(c.In)/4, Stride(c.Out)/4 // of the weights, in vec4
	l := vk.Launch{
		Spec: []uint32{uint32(t.lanes), uint32(t.rows), uint32(t.turns), uint32(t.columns), uint32(t.cols)},
		Push: struct {
			convShape
			Reflect uint32
			Share   int32
		}{c.shape(x, dy), constant(c.Reflect), int32(t.share)},
		Groups: [3]int{divUp(columns, t.columns*t.cols), divUp(in, t.rows), t.splits},
		Work:   2 * c.MACs(dy),
		Label:  label,
	}
	launchAs(p, x.Element, l, shader, x.Range, dy.Range, out)
}

// BiasGrad appends db = the sum of dy over its pixels, Stride(C) floats with zero padding; it is added to db where accumulate
// is set.
func BiasGrad(p *vk.Program, dy Tensor, db vk.Range, accumulate bool) {
	if db.Bytes < 4*Stride(dy.C) {
		p.Fail(fmt.Errorf("bias gradient of %v: the result has %d bytes, want %d", dy, db.Bytes, 4*Stride(dy.C)))
		return
	}
	const label = "bias gradient"
	pixels, columns, from, element := dy.N*dy.H*dy.W, Stride(dy.C)/4, dy.Range, dy.Element
	if parts := biasParts(pixels); parts > 1 {
		from = p.Temp("bias gradient parts", 16*parts*columns).All()
		sumRows(p, label, element, dy.Range, pixels, columns, from, parts, false)
		pixels, element = parts, Float32
	}
	sumRows(p, label, element, from, pixels, columns, db, 1, accumulate)
}

// biasParts is the number of partial sums of a bias gradient: about the square root of the number of pixels, where two stages
// pay.
func biasParts(pixels int) int {
	if pixels < 256 {
		return 1
	}
	parts := 16
	for parts*parts < pixels {
		parts *= 2
	}
	return parts
}

// sumRows appends to[part, columns] (+)= the sums of the rows of from[rows, columns], of a type, that are part modulo
// parts; columns in vec4.
func sumRows(p *vk.Program, label string, element Element, from vk.Range, rows, columns int, to vk.Range, parts int, accumulate bool) {
	l := vk.Launch{
		Push:   struct{ Rows, Columns, Parts int32 }{int32(rows), int32(columns), int32(parts)},
		Groups: groups(parts*columns, 64),
		Label:  label + ", sum",
	}
	launchAs(p, element, l, added("conv_sum", accumulate), from, to)
}
