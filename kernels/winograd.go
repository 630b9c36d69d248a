// Winograd's minimal filtering F(4,3) for 3x3 convolutions of stride 1 (Winograd 1980, "Arithmetic complexity of computations"; Lavin
// and Gray 2016, "Fast algorithms for convolutional neural networks"): 36 products for 16 pixels in place of 144.
//
//	forward           v = B^T x B   u = G w G^T    m = sum over CI of u v     y = A^T m A
//	data gradient    dm = A dy A^T  u = G w G^T   dv = sum over CO of u dm   dx = B dv B^T
//	weight gradient   v = B^T x B  dm = A dy A^T  du = sum over tiles of v dm   dw = G^T du G
//
// element by element over tiles of 4x4 pixels with their 36 points (shaders/inc/winograd.glsl): both gradients are the forward
// pass transposed. Points are temporaries, and made by the pass that uses them. They are fp32 whatever the tensors hold, but where
// cooperative matrices multiply them, as fp16; m, dv and du are fp32 in any case.

package kernels

import (
	"slices"
	"strings"

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
func (c Winograd) Forward(p *vk.Program, x Source, w, bias vk.Range, y Tensor, act Activation) {
	if !c.pays(p, x.normed().Tensor, y, false) {
		c.Conv.Forward(p, x, w, bias, y, act)
		return
	}
	c.forward(p, convPass{label: "winograd forward " + c.String(), from: x.normed(), w: w, bias: bias, to: y, act: act})
}

// ForwardStats is Conv's.
func (c Winograd) ForwardStats(p *vk.Program, x Source, w, bias vk.Range, z Tensor, n Norm, stats vk.Range) {
	if !c.pays(p, x.normed().Tensor, z, false) {
		c.Conv.ForwardStats(p, x, w, bias, z, n, stats)
		return
	}
	c.Forward(p, x, w, bias, z, None)
	n.Stats(p, z, stats)
}

// Fuses is Conv's; F(4,3) norms nothing.
func (c Winograd) Fuses(p *vk.Program, x, y Tensor) bool {
	return !c.pays(p, x, y, false) && c.Conv.Fuses(p, x, y)
}

// DataGrad is Conv's.
func (c Winograd) DataGrad(p *vk.Program, dy Tensor, w vk.Range, dx Tensor, accumulate bool) {
	if !c.pays(p, dy, dx, true) {
		c.Conv.DataGrad(p, dy, w, dx, accumulate)
		return
	}
	c.adjoint(p, convPass{label: "winograd data gradient " + c.String(), from: dy.normed(), w: w, to: dx, accumulate: accumulate})
}

// WeightGrad is Conv's.
func (c Winograd) WeightGrad(p *vk.Program, x Source, dy Tensor, dw vk.Range, accumulate bool) {
	if !c.pays(p, x.normed().Tensor, dy, false) { // it has as many products as the forward pass
		c.Conv.WeightGrad(p, x, dy, dw, accumulate)
		return
	}
	p.Fail(x.normed().refused("winograd weight gradient"))
	c.weightGrad(p, "winograd weight gradient "+c.String(), x.normed().Tensor, dy, dw, accumulate)
}

// pays says whether a pass between two tensors is a convolution that F(4,3) computes, and faster than the device would without.
func (c Winograd) pays(p *vk.Program, from, to Tensor, adjoint bool) bool {
	info := p.Device().Info
	points := winogradPoints * max(tilesOf(to)*Stride(max(from.C, to.C)), Stride(from.C)*Stride(to.C)) // of the pictures, of the weights
	fits := 4*points <= info.Limits.MaxStorageBufferRange
	return c.fits() && fits && (c.Always || winogradPays(info, c.Conv, from, to, adjoint))
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

// UsesWinograd says whether a program has a pass by F(4,3).
func UsesWinograd(p *vk.Program) bool {
	return slices.ContainsFunc(p.List(), func(d vk.Dispatch) bool { return strings.HasPrefix(d.Shader, "winograd_") })
}

// tilesOf is how many tiles cover the images of a tensor.
func tilesOf(t Tensor) int { return t.N * winogradTiles(t.H) * winogradTiles(t.W) }

// pointEngine is how a device multiplies points: by cooperative matrices or by tiles in shared memory, or else by the plain kernel; and
// how it holds them for that.
type pointEngine struct {
	Element
	*gemm // nil for the plain kernel
}

// pointEngineOf is the one for a pass between two tensors.
func pointEngineOf(info vk.DeviceInfo, from, to Tensor) pointEngine {
	if m := subgroupMatrices(info, Float16); from.Element == Float16 && m.serves(from, to) {
		return pointEngine{Float16, &m.gemm}
	}
	from.Element, to.Element = Float32, Float32
	return pointEngine{Float32, gemmOf(info, from, to)}
}

// shader is the name of a transform to points.
func (e pointEngine) shader(name string) string {
	if e.Element != Float32 {
		name += "_matrix"
	}
	return name
}

func (c Winograd) forward(p *vk.Program, s convPass) {
	p.Fail(c.check(s.from.Tensor, s.w, s.from.Element, s.to))
	p.Fail(s.from.refused(s.label))
	if p.Err() != nil {
		return
	}
	e := pointEngineOf(p.Device().Info, s.from.Tensor, s.to)
	v := c.transform(p, e, s.label, "winograd_input", s.from.Tensor)
	m := c.products(p, e, s.label, v, c.points(p, e, s, false), c.Out, false)
	l := c.tiles(s.label, s.to, s.bias.Mem != nil)
	l.Spec = []uint32{uint32(s.act)}
	bias := s.bias
	if bias.Mem == nil {
		bias = m.Range // fills the binding
	}
	launchAs(p, s.to.Element, l, "winograd_output", m.Range, bias, s.to.Range)
}

func (c Winograd) adjoint(p *vk.Program, s convPass) {
	p.Fail(c.check(s.to, s.w, s.from.Element, s.from.Tensor))
	if p.Err() != nil {
		return
	}
	e := pointEngineOf(p.Device().Info, s.from.Tensor, s.to)
	dm := c.transform(p, e, s.label, "winograd_output_grad", s.from.Tensor)
	dv := c.products(p, e, s.label, dm, c.points(p, e, s, true), c.In, true)
	launchAs(p, s.to.Element, c.tiles(s.label, s.to, false), added("winograd_input_grad", s.accumulate), dv.Range, s.to.Range)
}

func (c Winograd) weightGrad(p *vk.Program, label string, x, dy Tensor, dw vk.Range, accumulate bool) {
	p.Fail(c.check(x, dw, Float32, dy))
	if p.Err() != nil {
		return
	}
	e := pointEngineOf(p.Device().Info, x, dy)
	dm := c.transform(p, e, label, "winograd_output_grad", dy)
	asBefore := p.Late() // for all layers at once, pictures that a pass back finds could be there from the start of its phase
	v := c.transform(p, e, label, "winograd_input", x)
	asBefore()
	// A point's products are the weight gradient of a 1x1 convolution whose pixels are the tiles: a split of it.
	one := Conv{In: c.In, Out: c.Out, Kernel: 1, Stride: 1}
	du := p.Temp("winograd weight gradient points", 4*winogradPoints*one.WeightLen()).All()
	if e.gemm != nil {
		e.weightSplits(p, vk.Launch{Work: 2 * one.MACs(dm), Label: label}, one, v.normed(), dm.normed(), du, e.weightTile(one, winogradPoints), v.W, false)
	} else {
		plain := engineOf(p.Device().Info)
		t := plain.weightTile(one, Float32, v.W)
		t.splits, t.share = winogradPoints, v.W
		one.weightSplits(p, label, v, dm, du, t, plain.shader("conv_weight_grad", false))
	}
	count := one.WeightLen() / 4
	l := vk.Launch{Push: struct{ Count int32 }{int32(count)}, Groups: groups(count, flatSize), Label: label}
	launch(p, l, added("winograd_weights_grad", accumulate), du, dw)
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
func (c Winograd) transform(p *vk.Program, e pointEngine, label, shader string, t Tensor) Tensor {
	points := e.NewTensor(p, shader+" points", winogradPoints, 1, tilesOf(t), t.C)
	launchAs(p, t.Element, c.tiles(label, t, false), e.shader(shader), t.Range, points.Range)
	return points
}

// points appends the points of a pass's weights: for the plain kernel in blocks of what it reads next, summed over the inputs or, in the
// adjoint, over the outputs; for the others [36,CI,CO].
func (c Winograd) points(p *vk.Program, e pointEngine, s convPass, adjoint bool) vk.Range {
	in, out := Stride(c.In), Stride(c.Out)
	push := struct{ K, J, StepK, StepJ int32 }{int32(in / 4), int32(out / 4), int32(out), 1}
	if adjoint && e.gemm == nil {
		push.K, push.J, push.StepK, push.StepJ = push.J, push.K, push.StepJ, push.StepK
	}
	u := p.Temp("winograd weights points", e.Size()*winogradPoints*in*out).All()
	defer p.Late()()
	l := vk.Launch{Spec: []uint32{constant(e.gemm == nil)}, Push: push, Groups: groups(in*out/4, flatSize), Label: s.label}
	launchAs(p, s.from.Element, l, e.shader("winograd_weights"), s.w, u)
	return u
}

// products appends the products of the points of tiles with those of weights, to a number of channels.
func (c Winograd) products(p *vk.Program, e pointEngine, label string, v Tensor, u vk.Range, channels int, adjoint bool) Tensor {
	tiles := v.W
	m := Float32.NewTensor(p, "winograd products", v.N, 1, tiles, channels)
	l := vk.Launch{Work: 2 * winogradPoints * int64(tiles) * int64(c.In*c.Out), Label: label}
	if e.gemm != nil {
		one, x, y := Conv{In: c.In, Out: c.Out, Kernel: 1, Stride: 1}, v, m
		if adjoint {
			x, y = m, v
		}
		l.Push = struct {
			convShape
			HasBias uint32
		}{one.shape(x, y), 0}
		e.launch(p, l, e.points[constant(adjoint)], slices.Repeat([]int{tiles}, winogradPoints), one, convPass{from: v.normed(), w: u, to: m}, u)
		return m
	}
	plain := engineOf(p.Device().Info)
	variant := func(t tile) vk.Variant {
		v := vk.Variant{Spec: []uint32{uint32(plain.lanes), uint32(t.rows), uint32(t.cols)}, Groups: groups(tiles, plain.lanes*t.rows)}
		v.Groups[2] = winogradPoints * divUp(Stride(channels)/4, t.cols)
		return v
	}
	chosen := variant(plain.pixelTile(tiles, channels, winogradPoints))
	l.Spec, l.Groups = chosen.Spec, chosen.Groups
	l.Push = struct{ Tiles, K, J int32 }{int32(tiles), int32(Stride(v.C) / 4), int32(Stride(channels) / 4)}
	for _, t := range plain.tiles {
		l.Variants = append(l.Variants, variant(t))
	}
	launch(p, l, plain.shader("winograd_products", false), v.Range, u, m.Range)
	return m
}
