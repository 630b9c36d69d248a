// Convolutions as matrix products of tiles in shared memory (shaders/inc/unfold.glsl), by cooperative matrices (conv_matrix.go) or without
// (conv_tiled.go): what both have in common.

package kernels

import (
	"math"
	"slices"
	"strings"

	"cyclevk/vk"
)

// gemm is a family of such kernels on a device.
type gemm struct {
	forward, adjoint, weights [2]string  // shaders: that writes its result, that adds to it
	points                    [2]string  // shaders of Winograd's products: forward, adjoint
	slice                     int        // of the contracted channels
	tiles                     []gemmTile // those that the device has room for
	momentRows                int        // tiles of a multiple of these rows take statistics of what they store

	parallel            int     // workgroups that run at a time
	weightGroups        int     // workgroups below which a weight gradient is split
	step, edge, product float64 // costs of a slice, of a row's or column's loads, of a product: ratios, not yet measured on a GPU
	unit                float64 // of these costs, beside those of other families: such that their products take what a card's peaks say
}

// gemmTile is what a workgroup owns: rows (pixels) by cols (channels); and the constants that make it so.
type gemmTile struct {
	rows, cols int
	spec       []uint32
}

// tile chooses as engine.pixelTile does, for so many workgroups of each tile.
func (g *gemm) tile(workgroups func(t gemmTile) int) gemmTile {
	best, _ := g.fastest(workgroups)
	return best
}

// fastest is the tile that tile chooses, and what a slice costs with it.
func (g *gemm) fastest(workgroups func(t gemmTile) int) (best gemmTile, least float64) {
	least = math.Inf(1)
	for _, t := range g.tiles {
		time := float64(divUp(workgroups(t), g.parallel)) * (g.step + g.edge*float64(t.rows+t.cols) + g.product*float64(t.rows*t.cols))
		if time < least {
			best, least = t, time
		}
	}
	return best, least
}

// workgroups is how many a tile takes for numbers of pixels that are treated alike, to a number of channels.
func (t gemmTile) workgroups(kinds []int, channels int) int {
	return t.blocks(kinds) * divUp(Stride(channels), t.cols)
}

// blocks is how many of them are for the same channels.
func (t gemmTile) blocks(kinds []int) (n int) {
	for _, pixels := range kinds {
		n += divUp(pixels, t.rows)
	}
	return n
}

// Restriction says which convolution kernels a device does not choose, whatever it has.
type Restriction int

// The restrictions: each includes the one before.
const (
	Unrestricted Restriction = iota
	NoMatrices               // none by cooperative matrices
	NoTiles                  // none by tiles in shared memory
)

var restriction Restriction

// Restrict makes launches from now on choose among fewer kernels, for those who want to see one that the device would not take, until
// restore is called. It is not for use while another goroutine launches.
func Restrict(r Restriction) (restore func()) {
	old := restriction
	restriction = r
	return func() { restriction = old }
}

// gemmBuffers is how many storage buffers the shaders bind, with norms; four are what every device has.
const gemmBuffers = 6

// gemmOf is the family that convolves between two tensors; nil for none. Fewer than 16 channels leave slices empty.
func gemmOf(info vk.DeviceInfo, x, y Tensor) *gemm {
	if restriction == NoTiles || min(x.C, y.C) < 16 || info.Limits.MaxStorageBuffers < gemmBuffers {
		return nil
	}
	if e := matrixEngineOf(info, x.Element); e.serves(x, y) {
		return &e.gemm
	}
	return tiledOf(info)
}

// gemmOf is the family that runs a pass; nil for none. The adjoint tells mirrored pixels from others only where none is mirrored both ways
// along an axis.
func (c Conv) gemmOf(info vk.DeviceInfo, s convPass, adjoint bool) *gemm {
	if adjoint && c.mirrors() && (c.Stride > 1 || min(s.to.H, s.to.W) < 2*c.Pad+2) {
		return nil
	}
	g := gemmOf(info, s.from.Tensor, s.to)
	if g == nil || !s.from.pending() && s.moments.Mem == nil {
		return g
	}
	if g.tiles = g.fitting(c, s, adjoint); len(g.tiles) == 0 {
		return nil
	}
	return g
}

// mirrors reports that pixels are read as padding, too.
func (c Conv) mirrors() bool { return c.Reflect && c.Pad > 0 }

// kinds are the numbers of pixels that a pass writes, by what the shaders treat alike.
func (c Conv) kinds(to Tensor, adjoint bool) (pixels []int) {
	if !adjoint {
		return []int{to.N * to.H * to.W}
	}
	along := func(size int) [2]int {
		switch {
		case c.mirrors():
			return [2]int{size - 2*c.Pad, 2 * c.Pad}
		case c.Stride == 2:
			return [2]int{divUp(size, 2), size / 2}
		}
		return [2]int{size, 0}
	}
	for _, h := range along(to.H) {
		for _, w := range along(to.W) {
			pixels = append(pixels, to.N*h*w)
		}
	}
	return pixels
}

// shader is the name of the one that runs a pass.
func (g *gemm) shader(s convPass, adjoint bool) string {
	if adjoint {
		return g.adjoint[constant(s.accumulate)]
	}
	return g.forward[constant(s.accumulate)]
}

// launch appends a pass over numbers of pixels that are treated alike: l, which holds what does not depend on the shader, completed.
func (g *gemm) launch(p *vk.Program, l vk.Launch, shader string, kinds []int, c Conv, s convPass, bias vk.Range) {
	variant := func(t gemmTile) vk.Variant {
		spec := append(slices.Clone(t.spec), constant(c.mirrors()), uint32(s.act), s.from.constant(), constant(s.moments.Mem != nil))
		v := vk.Variant{Spec: spec, Groups: groups(t.blocks(kinds), 1)}
		v.Groups[2] = divUp(Stride(s.to.C), t.cols)
		return v
	}
	v := variant(g.tile(func(t gemmTile) int { return t.workgroups(kinds, s.to.C) }))
	l.Spec, l.Groups = v.Spec, v.Groups
	for _, t := range g.tiles {
		l.Variants = append(l.Variants, variant(t))
	}
	args := []vk.Range{s.from.Range, s.w, bias, s.to.Range}
	if !s.accumulate && !slices.Contains(g.points[:], shader) {
		moments := s.moments
		if moments.Mem == nil {
			moments = s.to.Range // fills the binding
		}
		args = append(args, s.from.statsOr(s.w), moments)
	}
	launchAs(p, s.from.Element, l, strings.TrimSuffix(shader, "_half"), args...)
}

// gemmShare is the least number of pixels that are worth a split of a weight gradient, and gemmSlice what splits are multiples of.
const gemmShare, gemmSlice = 256, 32

// weightBlocks are the workgroups of one split of a weight gradient, across and down.
func (t gemmTile) weightBlocks(c Conv) [2]int {
	return [2]int{divUp(Stride(c.Out), t.cols), c.Kernel * c.Kernel * divUp(Stride(c.In), t.rows)}
}

// weightTile chooses a tile for a weight gradient of so many splits.
func (g *gemm) weightTile(c Conv, splits int) gemmTile {
	return g.tile(func(t gemmTile) int {
		b := t.weightBlocks(c)
		return splits * b[0] * b[1]
	})
}

// weightGrad appends the gradient of weights: l, which holds what does not depend on the shader, completed.
func (g *gemm) weightGrad(p *vk.Program, l vk.Launch, c Conv, x, dy Normed, dw vk.Range, accumulate bool) {
	t, pixels, out := g.weightTile(c, 1), dy.N*dy.H*dy.W, dw
	b := t.weightBlocks(c)
	splits := divUp(g.weightGroups, b[0]*b[1])
	share := max(gemmShare, divUp(divUp(pixels, splits), gemmSlice)*gemmSlice)
	if splits = divUp(pixels, share); splits > 1 {
		out = p.Temp("weight gradient splits", 4*splits*c.WeightLen()).All()
	}
	g.weightSplits(p, l, c, x, dy, out, t, share, accumulate && splits == 1)
	if splits > 1 {
		sumRows(p, l.Label, Float32, out, splits, c.WeightLen()/4, dw, 1, accumulate)
	}
}

// weightSplits appends the partial sums of a weight gradient by a tile, each over a share of the pixels.
func (g *gemm) weightSplits(p *vk.Program, l vk.Launch, c Conv, x, dy Normed, out vk.Range, t gemmTile, share int, accumulate bool) {
	b := t.weightBlocks(c)
	normed := x
	if dy.pending() {
		normed = dy
	}
	l.Spec = append(slices.Clone(t.spec), normed.constant(), constant(dy.pending()))
	l.Groups = [3]int{b[0], b[1], divUp(dy.N*dy.H*dy.W, share)}
	l.Push = struct {
		convShape
		Reflect uint32
		Share   int32
	}{c.shape(x.Tensor, dy.Tensor), constant(c.Reflect), int32(share)}
	shader := strings.TrimSuffix(g.weights[constant(accumulate)], "_half")
	launchAs(p, x.Element, l, shader, x.Range, dy.Range, out, normed.statsOr(x.Range))
}
