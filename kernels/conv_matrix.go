// Convolutions of fp16 tensors by cooperative matrices (conv_forward_matrix_half.comp, conv_weight_grad_matrix_half.comp): when, and in which tiles.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// matrixEngine is how a device multiplies matrices of fp16.
type matrixEngine struct {
	vk.Matrix
	gemm
}

// matrixTile is a workgroup's rows and columns, half of each to a subgroup.
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
	e := &matrixEngine{m, gemm{
		forward:  [2]string{"conv_forward_matrix_half", "conv_forward_matrix_add_half"},
		adjoint:  [2]string{"conv_data_grad_matrix_half", "conv_data_grad_matrix_add_half"},
		weights:  [2]string{"conv_weight_grad_matrix_half", "conv_weight_grad_matrix_add_half"},
		points:   [2]string{"winograd_products_matrix_half", "winograd_products_matrix_adjoint_half"},
		slice:    matrixSlice,
		parallel: 128, weightGroups: 256, step: 256, edge: 4, product: 1.0 / 16, unit: 3,
	}}
	lanes := matrixSubgroups * info.Limits.SubgroupSize
	if lanes > info.Limits.MaxInvocations || lanes > info.Limits.MaxGroupSize[0] || m.M%8+m.N%8+m.K%8+matrixSlice%m.K > 0 {
		return nil
	}
	for _, t := range matrixTiles {
		loads := min(t.rows, t.cols) * matrixSlice / 8 // vectors of the smaller tile in shared memory
		divides := t.rows%(2*m.M)+t.cols%(2*m.N)+loads%lanes == 0
		if divides && 16*t.vectors(m) <= info.Limits.MaxSharedMemory && t.rows*t.cols <= matrixSums(info)*lanes {
			e.tiles = append(e.tiles, gemmTile{t.rows, t.cols, []uint32{
				uint32(lanes), uint32(m.M), uint32(m.N), uint32(m.K), uint32(t.rows), uint32(t.cols), uint32(t.vectors(m)),
			}})
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
	return e != nil && restriction == Unrestricted && x.Element == Float16 && from%8 == 0 && to%8 == 0 && min(from, to) >= 16
}
