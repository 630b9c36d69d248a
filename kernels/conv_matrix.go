// Convolutions of tensors of 16 bits by cooperative matrices (conv_forward_matrix_half.comp, conv_weight_grad_matrix_half.comp): when, and in which tiles.

package kernels

import (
	"fmt"
	"slices"
	"strings"

	"cyclevk/vk"
)

// matrixEngine is how a device convolves tensors of a type by matrices.
type matrixEngine struct {
	vk.Matrix // a subgroup's, or what those of a workgroup are multiples of
	gemm
}

// matrixTile is a workgroup's rows and columns, which its matrices share out.
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
func matrixEngineOf(info vk.DeviceInfo, e Element) *matrixEngine {
	if e == Float32 || e == BFloat16 && !allowed.BFloat16 {
		return nil
	}
	if allowed.Workgroup {
		if w := workgroupMatrices(info, e); w != nil {
			return w
		}
	}
	return subgroupMatrices(info, e)
}

// subgroupMatrices are tiles of which each of four subgroups owns a quarter.
func subgroupMatrices(info vk.DeviceInfo, e Element) *matrixEngine {
	m, err := MatrixShape(info, e)
	if err != nil || info.Type == vk.CPU || m.Sum != "f32" || m.M%8+m.N%8+m.K%8+matrixSlice%m.K > 0 {
		return nil
	}
	lanes, halves := matrixSubgroups*info.Limits.SubgroupSize, 2
	if allowed.alone {
		lanes, halves = info.Limits.SubgroupSize, 1
	}
	return newMatrixEngine(info, m, "", e, lanes, info.Limits.MaxSharedMemory, func(t matrixTile) []matrixConstants {
		return []matrixConstants{{m.M, m.N, m.K, halves}}
	})
}

// workgroupMatrices are tiles that a workgroup owns as a whole, in matrices of all columns and of as many rows as shared memory holds sums
// of. Of several numbers of lanes, the one next to that of the subgroups' variant.
func workgroupMatrices(info vk.DeviceInfo, e Element) (best *matrixEngine) {
	if info.Type == vk.CPU || !info.Features.WorkgroupMatrix || !multiplies(info, e) {
		return nil
	}
	l := info.Limits
	usual := matrixSubgroups * l.SubgroupSize
	for _, m := range info.Flexible {
		usable := !m.Subgroup && m.Lanes > 0 && m.Lanes%l.SubgroupSize == 0 && m.Lanes <= l.MaxMatrixLanes
		if !usable || m.A != componentOf[e] || m.B != m.A || m.C != "f32" || m.Sum != "f32" || min(m.M, m.N, m.K) < 1 || matrixSlice%m.K > 0 {
			continue
		}
		g := newMatrixEngine(info, m, "_workgroup", e, m.Lanes, l.MaxSharedMemory-l.MatrixReserved, func(t matrixTile) (all []matrixConstants) {
			for rows := t.rows; rows%8 == 0; rows /= 2 {
				if rows%m.M+t.cols%m.N == 0 && max(rows, t.cols, matrixSlice) <= l.MaxMatrixSide {
					all = append(all, matrixConstants{rows, t.cols, matrixSlice, 1})
				}
			}
			return all
		})
		if g != nil && (best == nil || distance(m.Lanes, usual) < distance(best.Lanes, usual)) {
			best = g
		}
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }

// matrixConstants are a matrix's shape and the halves of a tile that it is in one of, which shaders/inc/matrix.glsl takes.
type matrixConstants struct{ m, n, k, halves int }

// newMatrixEngine has the tiles that a device has room for, each with the first of its choices that fits shared memory.
func newMatrixEngine(info vk.DeviceInfo, m vk.Matrix, kind string, element Element, lanes, shared int, choices func(matrixTile) []matrixConstants) *matrixEngine {
	if element == BFloat16 {
		kind += "_bf16"
	}
	e := &matrixEngine{m, gemm{
		forward:  matrixShaders("conv_forward_matrix_half", kind),
		adjoint:  matrixShaders("conv_data_grad_matrix_half", kind),
		weights:  matrixShaders("conv_weight_grad_matrix_half", kind),
		points:   [2]string{"winograd_products_matrix_half", "winograd_products_matrix_adjoint_half"}, // of fp16 in a subgroup's matrices alone
		slice:    matrixSlice,
		parallel: 128, weightGroups: 256, step: 256, edge: 4, product: 1.0 / 16, unit: 3, momentRows: 2 * momentBlock,
	}}
	if lanes > info.Limits.MaxInvocations || lanes > info.Limits.MaxGroupSize[0] {
		return nil
	}
	for _, t := range matrixTiles {
		loads := min(t.rows, t.cols) * matrixSlice / 8 // vectors of the smaller tile in shared memory
		if loads%lanes > 0 || t.rows*t.cols > matrixSums(info)*lanes {
			continue
		}
		fits := func(c matrixConstants) bool {
			return t.rows%(c.halves*c.m)+t.cols%(c.halves*c.n) == 0 && 16*t.vectors(c) <= shared
		}
		all := choices(t)
		if i := slices.IndexFunc(all, fits); i >= 0 {
			c := all[i]
			e.tiles = append(e.tiles, gemmTile{t.rows, t.cols, []uint32{
				uint32(lanes), uint32(c.m), uint32(c.n), uint32(c.k), uint32(t.rows), uint32(t.cols), uint32(t.vectors(c)), uint32(c.halves),
			}})
		}
	}
	if e.tiles == nil {
		return nil
	}
	return e
}

// matrixShaders are a shader's variants for a kind of matrices: that writes its result, that adds to it.
func matrixShaders(shader, kind string) [2]string {
	stem := strings.TrimSuffix(shader, "_half") + kind
	return [2]string{stem + "_half", stem + "_add_half"}
}

func (e *matrixEngine) String() string {
	return fmt.Sprintf("%s in tiles of up to %d x %d", e.Matrix, e.tiles[0].rows, e.tiles[0].cols)
}

// Matrices says what a device does with its cooperative matrices of fp16, where it has any.
func Matrices(info vk.DeviceInfo) string {
	defer Allow(Unproven{})()
	e := matrixEngineOf(info, Float16)
	switch {
	case e != nil:
		return "used by profile's peak, and with --precision fp16 by convolutions of 16 channels and more: " + e.String()
	case info.Type == vk.CPU:
		return "used by profile's peak alone: a CPU convolves faster without"
	}
	return "used by profile's peak alone: convolutions take fp16 with sums in fp32, and room for tiles of 32 x 32"
}

// vectors is the shared memory that a tile takes, in 16 bytes: for a slice of both factors, or for the sums of M rows of each half.
func (t matrixTile) vectors(c matrixConstants) int {
	const row = matrixSlice/8 + 1
	weights := max(t.cols*row, matrixSlice*(t.cols/8+1))
	return max(t.rows*row+weights, c.halves*c.m*(t.cols/4+1))
}

// serves reports whether matrices serve a convolution between two tensors: 16 bytes are loaded at a time, and there are channels to fill
// them.
func (e *matrixEngine) serves(x, y Tensor) bool {
	from, to := Stride(x.C), Stride(y.C)
	return e != nil && restriction == Unrestricted && from%8 == 0 && to%8 == 0 && min(from, to) >= 16
}
