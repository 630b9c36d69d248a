// Convolutions by tiles in shared memory on GPUs (conv_forward_tiled.comp, conv_weight_grad_tiled.comp), where cooperative matrices do not serve.

package kernels

import "cyclevk/vk"

// sharedTile is a workgroup's tile: rows (pixels) by cols (channels), and a lane's part of it: down pixels by across vec4.
type sharedTile struct{ rows, cols, down, across int }

// sharedTiles are ordered by how often a loaded element is used.
var sharedTiles = []sharedTile{{128, 128, 8, 2}, {128, 64, 8, 2}, {64, 64, 8, 2}, {64, 64, 4, 1}, {32, 64, 4, 1}, {32, 32, 4, 1}}

// tiledSlice is the contracted channels that shared memory holds at a time.
const tiledSlice = 16

func (t sharedTile) lanes() int { return t.rows / t.down * t.cols / 4 / t.across }

// vectors is the shared memory that a tile takes, in 16 bytes: for a slice of both factors, or for the sums of a block of pixels.
func (t sharedTile) vectors() int {
	const row = tiledSlice/4 + 1
	return max(t.rows*row+max(t.cols*row, tiledSlice*(t.cols/4+1)), momentBlock*t.cols/4)
}

// tiledOf is nil on CPUs, where shared memory is memory as any other.
func tiledOf(info vk.DeviceInfo) *gemm {
	if info.Type == vk.CPU {
		return nil
	}
	g := &gemm{
		forward:  [2]string{"conv_forward_tiled", "conv_forward_tiled_add"},
		adjoint:  [2]string{"conv_data_grad_tiled", "conv_data_grad_tiled_add"},
		weights:  [2]string{"conv_weight_grad_tiled", "conv_weight_grad_tiled_add"},
		points:   [2]string{"winograd_products_tiled", "winograd_products_tiled_adjoint"},
		slice:    tiledSlice,
		parallel: 256, weightGroups: 512, step: 256, edge: 4, product: 0.5, unit: 1, momentRows: momentBlock,
	}
	for _, t := range sharedTiles {
		if lanes := t.lanes(); lanes <= info.Limits.MaxInvocations && lanes <= info.Limits.MaxGroupSize[0] && 16*t.vectors() <= info.Limits.MaxSharedMemory {
			g.tiles = append(g.tiles, gemmTile{t.rows, t.cols, []uint32{
				uint32(lanes), uint32(t.rows), uint32(t.cols), uint32(t.down), uint32(t.across), uint32(t.vectors()),
			}})
		}
	}
	if g.tiles == nil {
		return nil
	}
	return g
}
