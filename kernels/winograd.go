// Winograd's minimal filtering F(4,3) for 3x3 convolutions of stride 1 (Winograd 1980, "Arithmetic complexity of computations"; Lavin
// and Gray 2016, "Fast algorithms for convolutional neural networks"): 36 products for 16 pixels in place of 144.
//
//	forward           v = B^T x B   u = G w G^T    m = sum over CI of u v     y = A^T m A
//	data gradient    dm = A dy A^T  u = G w G^T   dv = sum over CO of u dm   dx = B dv B^T
//	weight gradient   v = B^T x B  dm = A dy A^T  du = sum over tiles of v dm   dw = G^T du G
//
// element by element over tiles of 4x4 pixels with their 36 points (shaders/inc/winograd.glsl): both gradients are the forward
// pass transposed. Points are temporaries, and made by the pass that uses them.

package kernels

import (
	"cyclevk/vk"
)

// Winograd is a convolution that runs by F(4,3) where that is faster: results differ from Conv's in their rounding, and the error
// of an element grows with the numbers of its whole tile, not only with those of its own sum. See docs/kernels-conv.md.
type Winograd struct {
	Conv
	Always bool // even where it is not faster
}

// The tiles, and their points.
const (
	winogradTile   = 4
	winogradPoints = (winogradTile + 2) * (winogradTile + 2)
)

// Forward is Conv's.
func (c Winograd) Forward(p *vk.Program, x Tensor, w, bias vk.Range, y Tensor, act Activation) {
	if !c.pays(p, c.In, c.Out, y) {
		c.Conv.Forward(p, x, w, bias, y, act)
		return
	}
	c.forward(p, convPass{"winograd forward " + c.String(), x, w, bias, y, act, false})
}

// DataGrad is Conv's.
func (c Winograd) DataGrad(p *vk.Program, dy Tensor, w vk.Range, dx Tensor, accumulate bool) {
	if !c.pays(p, c.Out, c.In, dx) {
		c.Conv.DataGrad(p, dy, w, dx, accumulate)
		return
	}
	c.adjoint(p, convPass{"winograd data gradient " + c.String(), dy, w, vk.Range{}, dx, None, accumulate})
}

// WeightGrad is Conv's.
func (c Winograd) WeightGrad(p *vk.Program, x, dy Tensor, dw vk.Range, accumulate bool) {
	if !c.pays(p, c.In, c.Out, dy) {
		c.Conv.WeightGrad(p, x, dy, dw, accumulate)
		return
	}
	c.weightGrad(p, "winograd weight gradient "+c.String(), x, dy, dw, accumulate)
}

// pays says whether a pass from a number of channels to another, with images like y, is a convolution in fp32 that F(4,3) computes, and
// faster than the direct kernel.
func (c Winograd) pays(p *vk.Program, from, to int, y Tensor) bool {
	info := p.Device().Info
	tiles := y.N * winogradTiles(y.H) * winogradTiles(y.W)
	points := winogradPoints * max(tiles*Stride(max(from, to)), Stride(from)*Stride(to)) // of the pictures, of the weights
	fits := 4*points <= info.Limits.MaxStorageBufferRange
	return y.Element == Float32 && c.fits() && fits && (c.Always || engineOf(info).winogradPays(y.N*y.H*y.W, tiles, from, to))
}

// fits says whether F(4,3) computes the convolution: its images keep their size.
func (c Winograd) fits() bool { return c.Kernel == 3 && c.Stride == 1 && c.Pad == 1 }

// winogradTiles is how many tiles cover a side of n pixels: they begin one pixel before it where n mod 4 is 1.
func winogradTiles(n int) int {
	if n%winogradTile == 1 {
		n++
	}
	return divUp(n, winogradTile)
}

func (c Winograd) forward(p *vk.Program, s convPass) {
	p.Fail(c.check(s.from, s.w, Float32, s.to))
	if p.Err() != nil {
		return
	}
	v := c.transform(p, s.label, "winograd_input", s.from)
	m := winogradProducts(p, s.label, v, c.points(p, s.label, s.w, false), c.Out)
	l := c.tiles(s.label, s.to, s.bias.Mem != nil)
	l.Spec = []uint32{uint32(s.act)}
	bias := s.bias
	if bias.Mem == nil {
		bias = m.Range // fills the binding
	}
	launch(p, l, "winograd_output", m.Range, bias, s.to.Range)
}

func (c Winograd) adjoint(p *vk.Program, s convPass) {
	p.Fail(c.check(s.to, s.w, Float32, s.from))
	if p.Err() != nil {
		return
	}
	dm := c.transform(p, s.label, "winograd_output_grad", s.from)
	dv := winogradProducts(p, s.label, dm, c.points(p, s.label, s.w, true), c.In)
	launch(p, c.tiles(s.label, s.to, false), added("winograd_input_grad", s.accumulate), dv.Range, s.to.Range)
}

func (c Winograd) weightGrad(p *vk.Program, label string, x, dy Tensor, dw vk.Range, accumulate bool) {
	p.Fail(c.check(x, dw, Float32, dy))
	if p.Err() != nil {
		return
	}
	dm := c.transform(p, label, "winograd_output_grad", dy)
	asBefore := late(p)
	v := c.transform(p, label, "winograd_input", x)
	asBefore()
	// A point's products are the weight gradient of a 1x1 convolution whose pixels are the tiles: a split of it.
	e, one := engineOf(p.Device().Info), Conv{In: c.In, Out: c.Out, Kernel: 1, Stride: 1}
	t := e.weightTile(one, Float32, v.W)
	t.splits, t.share = winogradPoints, v.W
	du := p.Temp("winograd weight gradient points", 4*winogradPoints*one.WeightLen()).All()
	one.weightSplits(p, label, v, dm, du, t, e.shader("conv_weight_grad", false))
	count := one.WeightLen() / 4
	l := vk.Launch{Push: struct{ Count int32 }{int32(count)}, Groups: groups(count, flatSize), Label: label}
	launch(p, l, added("winograd_weights_grad", accumulate), du, dw)
}

// late holds back what could be there from the start of a phase, for all layers at once: weights, and pictures that a pass back finds.
func late(p *vk.Program) (asBefore func()) {
	before := p.Late
	p.Late = true
	return func() { p.Late = before }
}

// tiles is the launch of a transform between the images t and the points of their tiles.
func (c Winograd) tiles(label string, t Tensor, bias bool) vk.Launch {
	rows, columns, channels := winogradTiles(t.H), winogradTiles(t.W), Stride(t.C)/4
	return vk.Launch{
		Push: struct {
			Images, Height, Width, Rows, Columns, Channels int32
			Reflect, HasBias                               uint32
		}{int32(t.N), int32(t.H), int32(t.W), int32(rows), int32(columns), int32(channels), constant(c.Reflect), constant(bias)},
		Groups: groups(t.N*rows*columns*channels, flatSize),
		Label:  label,
	}
}

// transform appends the points of the tiles of t: an image for each point, whose pixels in a row are the tiles.
func (c Winograd) transform(p *vk.Program, label, shader string, t Tensor) Tensor {
	points := Float32.NewTensor(p, shader+" points", winogradPoints, 1, t.N*winogradTiles(t.H)*winogradTiles(t.W), t.C)
	launch(p, c.tiles(label, t, false), shader, t.Range, points.Range)
	return points
}

// points appends the points of the weights, for products that are summed over the inputs or, transposed, over the outputs.
func (c Winograd) points(p *vk.Program, label string, w vk.Range, transposed bool) vk.Range {
	in, out := Stride(c.In), Stride(c.Out)
	push := struct{ K, J, StepK, StepJ int32 }{int32(in / 4), int32(out / 4), int32(out), 1}
	if transposed {
		push.K, push.J, push.StepK, push.StepJ = push.J, push.K, push.StepJ, push.StepK
	}
	u := p.Temp("winograd weights points", 4*winogradPoints*in*out).All()
	defer late(p)()
	launch(p, vk.Launch{Push: push, Groups: groups(in*out/4, flatSize), Label: label}, "winograd_weights", w, u)
	return u
}

// winogradProducts appends the products of the points of tiles with those of weights to a number of channels.
func winogradProducts(p *vk.Program, label string, v Tensor, u vk.Range, channels int) Tensor {
	e, tiles := engineOf(p.Device().Info), v.W
	m := Float32.NewTensor(p, "winograd products", v.N, 1, tiles, channels)
	variant := func(t tile) vk.Variant {
		v := vk.Variant{Spec: []uint32{uint32(e.lanes), uint32(t.rows), uint32(t.cols)}, Groups: groups(tiles, e.lanes*t.rows)}
		v.Groups[2] = winogradPoints * divUp(Stride(channels)/4, t.cols)
		return v
	}
	chosen := variant(e.pixelTile(tiles, channels, winogradPoints))
	l := vk.Launch{
		Spec:   chosen.Spec,
		Groups: chosen.Groups,
		Push:   struct{ Tiles, K, J int32 }{int32(tiles), int32(Stride(v.C) / 4), int32(Stride(channels) / 4)},
		Work:   2 * winogradPoints * int64(tiles) * int64(v.C*channels),
		Label:  label,
	}
	for _, t := range e.tiles {
		l.Variants = append(l.Variants, variant(t))
	}
	launch(p, l, e.shader("winograd_products", false), v.Range, u, m.Range)
	return m
}
