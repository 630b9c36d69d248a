// Convolutions of fp16 tensors by cooperative matrices (conv_forward_matrix.comp): when they run, and in which tiles.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

// matrixEngine is how a device multiplies matrices of fp16: see engine.
type matrixEngine struct {
	vk.Matrix
	lanes int          // of a workgroup: four subgroups
	tiles []matrixTile // those that the device has room for

	parallel            int     // workgroups that run at a time
	weightGroups        int     // workgroups below which a weight gradient is split
	step, edge, product float64 // costs of a slice, of each row's and column's loads, of each product: ratios, not yet measured on a GPU
}

// matrixTile is what a workgroup owns: rows (pixels) by cols (channels), half of each to a subgroup.
type matrixTile struct{ rows, cols int }

// matrixTiles are ordered by how often a loaded element is used.
var matrixTiles = []matrixTile{{128, 128}, {64, 128}, {128, 64}, {64, 64}, {32, 64}, {64, 32}, {32, 32}}

// matrixSums is how many sums a lane may hold in registers; on Intel's GPUs, whose subgroups of 32 lanes have 32 registers a lane, fewer.
func matrixSums(info vk.DeviceInfo) int {
	const intel = 0x8086
	if info.VendorID == intel {
		return 16
	}
	return 128
}

// matrixShare is the least number of pixels that are worth a split of a weight gradient; a multiple of matrixSlice.
const matrixShare = 256

// What shaders/inc/matrix.glsl is written for.
const (
	matrixSubgroups = 4
	matrixSlice     = 32 // of the contracted dimension
)

// matrixEngineOf is nil where a device has no matrices that the shaders can use, and on CPUs, where they only cost.
func matrixEngineOf(info vk.DeviceInfo) *matrixEngine {
	m, err := MatrixShape(info)
	if err != nil || m.Sum != "f32" || info.Type == vk.CPU {
		return nil
	}
	e := &matrixEngine{Matrix: m, lanes: matrixSubgroups * info.Limits.SubgroupSize, parallel: 128, weightGroups: 256, step: 256, edge: 4, product: 1.0 / 16}
	if e.lanes > info.Limits.MaxInvocations || e.lanes > info.Limits.MaxGroupSize[0] || m.M%8+m.N%8+m.K%8+matrixSlice%m.K > 0 {
		return nil
	}
	for _, t := range matrixTiles {
		loads := min(t.rows, t.cols) * matrixSlice / 8 // vectors of the smaller tile in shared memory
		divides := t.rows%(2*m.M)+t.cols%(2*m.N)+loads%e.lanes == 0
		if divides && 16*t.vectors(m) <= info.Limits.MaxSharedMemory && t.rows*t.cols <= matrixSums(info)*e.lanes {
			e.tiles = append(e.tiles, t)
		}
	}
	if e.tiles == nil {
		return nil
	}
	return e
}

// Matrices says what a device does with its cooperative matrices, where it has any.
func Matrices(info vk.DeviceInfo) string {
	e := matrixEngineOf(info)
	switch {
	case e != nil:
		return fmt.Sprintf("used by profile's peak, and with --precision fp16 by convolutions of 16 channels and more: %s in tiles of up to %d x %d",
			e.Matrix, e.tiles[0].rows, e.tiles[0].cols)
	case info.Type == vk.CPU:
		return "used by profile's peak alone: a CPU convolves faster without"
	}
	return "used by profile's peak alone: convolutions take fp16 with sums in fp32, and room for tiles of 32 x 32"
}

// vectors is the shared memory that a tile takes, in 16 bytes: for a slice of both factors, or for the sums of M rows of each half.
func (t matrixTile) vectors(m vk.Matrix) int {
	const row = matrixSlice/8 + 1
	weights := max(t.cols*row, matrixSlice*(t.cols/8+1))
	return max(t.rows*row+weights, 2*m.M*(t.cols/4+1))
}

// serves reports whether matrices serve a convolution between two tensors: 16 bytes are loaded at a time, and there are channels to fill
// them.
func (e *matrixEngine) serves(x, y Tensor) bool {
	from, to := Stride(x.C), Stride(y.C)
	return e != nil && x.Element == Float16 && from%8 == 0 && to%8 == 0 && min(from, to) >= 16
}

// fits reports whether they serve a pass. The adjoint tells mirrored pixels from others where none is mirrored both ways along an axis.
func (e *matrixEngine) fits(c Conv, s convPass, adjoint bool) bool {
	return e.serves(s.from, s.to) && (!adjoint || !c.mirrors() || c.Stride == 1 && min(s.to.H, s.to.W) > 2*c.Pad+1)
}

// mirrors reports that pixels are read as padding, too.
func (c Conv) mirrors() bool { return c.Reflect && c.Pad > 0 }

// kinds are the numbers of pixels that a pass writes, by what the shader treats alike.
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

// tile chooses as engine.pixelTile does, for so many workgroups of each tile.
func (e *matrixEngine) tile(workgroups func(t matrixTile) int) (best matrixTile) {
	least := math.Inf(1)
	for _, t := range e.tiles {
		time := float64(divUp(workgroups(t), e.parallel)) * (e.step + e.edge*float64(t.rows+t.cols) + e.product*float64(t.rows*t.cols))
		if time < least {
			best, least = t, time
		}
	}
	return best
}

// launch appends a pass: l, which holds what does not depend on the shader, completed.
func (e *matrixEngine) launch(p *vk.Program, l vk.Launch, c Conv, s convPass, bias vk.Range, adjoint bool) {
	shader := "conv_forward_matrix"
	if adjoint {
		shader = "conv_data_grad_matrix"
	}
	if s.accumulate {
		shader += "_add"
	}
	kinds := c.kinds(s.to, adjoint)
	blocks := func(t matrixTile) (n int) {
		for _, pixels := range kinds {
			n += divUp(pixels, t.rows)
		}
		return n
	}
	columns := func(t matrixTile) int { return divUp(Stride(s.to.C), t.cols) }
	variant := func(t matrixTile) vk.Variant {
		v := vk.Variant{Spec: append(e.spec(t), constant(c.mirrors()), uint32(s.act), uint32(s.to.Element)), Groups: groups(blocks(t), 1)}
		v.Groups[2] = columns(t)
		return v
	}
	v := variant(e.tile(func(t matrixTile) int { return blocks(t) * columns(t) }))
	l.Spec, l.Groups = v.Spec, v.Groups
	for _, t := range e.tiles {
		l.Variants = append(l.Variants, variant(t))
	}
	launch(p, l, shader, s.from.Range, s.w, bias, s.to.Range)
}

// weightGrad appends the gradient of weights: l, which holds what does not depend on the shader, completed.
func (e *matrixEngine) weightGrad(p *vk.Program, l vk.Launch, c Conv, x, dy Tensor, dw vk.Range, accumulate bool) {
	rows, columns := Stride(c.In), Stride(c.Out)
	blocks := func(t matrixTile) [2]int {
		return [2]int{divUp(columns, t.cols), c.Kernel * c.Kernel * divUp(rows, t.rows)}
	}
	t := e.tile(func(t matrixTile) int { return blocks(t)[0] * blocks(t)[1] })
	b, pixels := blocks(t), dy.N*dy.H*dy.W
	splits := divUp(e.weightGroups, b[0]*b[1])
	share := max(matrixShare, divUp(divUp(pixels, splits), matrixSlice)*matrixSlice)
	splits = divUp(pixels, share)

	shader, out := "conv_weight_grad_matrix", dw
	switch {
	case splits > 1:
		out = p.Temp("weight gradient splits", 4*splits*c.WeightLen()).All()
	case accumulate:
		shader += "_add"
	}
	l.Spec, l.Groups = e.spec(t), [3]int{b[0], b[1], splits}
	l.Push = struct {
		convShape
		Reflect uint32
		Share   int32
	}{c.shape(x, dy), constant(c.Reflect), int32(share)}
	launch(p, l, shader, x.Range, dy.Range, out)
	if splits > 1 {
		sumRows(p, l.Label, Float32, out, splits, c.WeightLen()/4, dw, 1, accumulate)
	}
}

// spec is the constants of shaders/inc/matrix.glsl.
func (e *matrixEngine) spec(t matrixTile) []uint32 {
	return []uint32{uint32(e.lanes), uint32(e.M), uint32(e.N), uint32(e.K), uint32(t.rows), uint32(t.cols), uint32(t.vectors(e.Matrix))}
}
