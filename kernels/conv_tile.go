// Which variant of a convolution kernel runs, and how much of the work each lane gets: the one place where that depends on the
// device and the shape. Results do not depend on it, but for the order in which splits of a weight gradient are added up.

package kernels

import (
	"fmt"
	"math"
	"runtime"
	"slices"

	"cyclevk/vk"
)

// engine is how a kind of device runs these kernels: a model that is good enough to choose tiles by.
//
// A step of the inner loop loads a vec4 for each row of a lane's tile and four for each column, and multiplies each pair.
// The costs on CPUs are nanoseconds of a thread, measured with Mesa 22.3's lavapipe; those on GPUs are ratios, not yet measured.
type engine struct {
	shuffle  bool // run the SHUFFLE variants
	lanes    int  // of a workgroup: a subgroup on CPUs
	parallel int  // workgroups that run at a time

	step, row, col, product float64 // costs of a step, of a row's and a column's loads, of a pair
	transform               float64 // cost of a workgroup's share of one of Winograd's transforms
	launch                  float64 // cost of one more dispatch that waits for another
	unit                    float64 // of these costs, beside those of a gemm
	tiles                   []tile  // to choose from: those that the registers hold

	weightRows   int // of a weight gradient's tile
	weightCols   int
	turns        int // pixels that are added to one of its sums at once, at most
	weightGroups int // workgroups below which a weight gradient is split; the same on every CPU, so that sums are too
}

// tile is what one lane owns: rows (pixels) by cols (vec4 of the channels that are written).
type tile struct{ rows, cols int }

var (
	cpuTiles = []tile{{4, 16}, {8, 8}, {4, 8}, {8, 2}, {8, 1}, {4, 4}, {4, 2}, {4, 1}, {2, 8}, {2, 4}, {2, 2}, {2, 1}, {1, 8}, {1, 4}, {1, 2}, {1, 1}}
	gpuTiles = []tile{{4, 4}, {4, 2}, {4, 1}, {2, 4}, {2, 2}, {2, 1}, {1, 4}, {1, 2}, {1, 1}}
)

// mostSharers is how many lanes shared4 of inc/conv.glsl knows.
const mostSharers = 16

// engineOf tells the kinds of device apart. On CPUs, drivers run a workgroup's lanes as one vector, and shuffles hand values
// round for less than what a load costs.
func engineOf(info vk.DeviceInfo) engine {
	if info.Type == vk.CPU && info.Features.SubgroupShuffle && info.Limits.SubgroupSize <= mostSharers {
		e := engine{
			shuffle: true, lanes: info.Limits.SubgroupSize, parallel: runtime.NumCPU(),
			step: 10, row: 21, col: 11, product: 5.5, transform: 3000, unit: 1, tiles: cpuTiles, weightRows: 8, weightCols: 2, turns: 4, weightGroups: 2,
		}
		if e.lanes > 8 {
			e.weightCols, e.turns = 1, e.lanes // turns are unrolled, since lanes that are shuffled have to be constants
		}
		return e
	}
	return engine{
		lanes: 64, parallel: 512, step: 8, row: 8, col: 8, product: 4, transform: 1800, launch: 500, unit: 16, tiles: gpuTiles,
		weightRows: 4, weightCols: 1, weightGroups: 512,
	}
}

// Convolutions says how a device runs the convolutions, and why so.
func Convolutions(info vk.DeviceInfo) string {
	e := engineOf(info)
	variant, why := "plain variants", "subgroup shuffles pay on CPUs"
	switch {
	case e.shuffle:
		variant, why = "subgroup shuffle variants", "a CPU runs a subgroup as one vector"
	case info.Type == vk.CPU:
		why = "no subgroup shuffle"
	}
	text := fmt.Sprintf("%s, %d lanes a workgroup, tiles of up to %d pixels x %d channels (%s)", variant, e.lanes, e.tiles[0].rows, 4*e.tiles[0].cols, why)
	if g := tiledOf(info); g != nil {
		text += fmt.Sprintf("; from 16 channels on tiles of up to %d x %d in shared memory", g.tiles[0].rows, g.tiles[0].cols)
	}
	return text
}

// shader is the name of a kernel's variant.
func (e engine) shader(name string, accumulate bool) string {
	if e.shuffle {
		name += "_shuffle"
	}
	return added(name, accumulate)
}

// pixelTile chooses the tile that takes least time for the kernels whose lanes are pixels, phases times over. The first of
// equals wins.
func (e engine) pixelTile(pixels, channels, phases int) tile {
	best, _ := e.fastest(pixels, channels, phases)
	return best
}

// fastest is the tile that pixelTile chooses, and what a step of the inner loop costs with it.
func (e engine) fastest(pixels, channels, phases int) (best tile, least float64) {
	least = math.Inf(1)
	for _, t := range e.tiles {
		groups := phases * divUp(pixels, t.rows*e.lanes) * divUp(Stride(channels)/4, t.cols)
		r, c := float64(t.rows), float64(t.cols)
		time := float64(divUp(groups, e.parallel)) * (e.step + e.row*r + e.col*c + e.product*r*c)
		if time < least {
			best, least = t, time
		}
	}
	return best, least
}

// winogradThreads is how many threads winogradPays takes every CPU to have: bits depend on what it says, and must not on the machine.
const winogradThreads = 2

// winogradPays says whether F(4,3) is the faster way of a 3x3 convolution between two tensors, by the kernels that the device takes for
// each: it has a product for each of the 36 points of a tile in place of one for each tap of 16 pixels, and transforms both images and
// the weights.
func winogradPays(info vk.DeviceInfo, c Conv, from, to Tensor, adjoint bool) bool {
	e := engineOf(info)
	if e.shuffle {
		e.parallel = winogradThreads
	}
	tiles, in, out := tilesOf(to), Stride(from.C)/4, Stride(to.C)/4
	kinds := []int{to.N * to.H * to.W}
	g := c.gemmOf(info, convPass{from: from.normed(), to: to}, adjoint)
	if g != nil {
		kinds = c.kinds(to, adjoint)
	}
	direct := e.passTime(g, kinds, c.Kernel*c.Kernel, from, to)
	points := e.passTime(pointEngineOf(info, from, to).gemm, slices.Repeat([]int{tiles}, winogradPoints), 1, from, to)
	transforms := divUp(tiles*in, e.lanes) + divUp(tiles*out, e.lanes) + divUp(4*in*out, e.lanes)
	return points+e.unit*(e.transform*float64(transforms)/float64(e.parallel)+2*e.launch) < direct
}

// passTime is what a convolution costs, by a family of kernels or the plain ones: over numbers of pixels that are treated alike, each of
// which meets so many taps.
func (e engine) passTime(g *gemm, kinds []int, taps int, from, to Tensor) float64 {
	if g != nil {
		_, slice := g.fastest(func(t gemmTile) int { return t.workgroups(kinds, to.C) })
		return g.unit * slice * float64(taps*divUp(Stride(from.C), g.slice))
	}
	_, step := e.fastest(kinds[0], to.C, len(kinds))
	return e.unit * step * float64(taps*Stride(from.C)/4)
}

// weightTile is how a weight gradient is divided: lanes of a workgroup, and how many of them have columns (vec4 of output channels) of
// their own, cols and rows (vec4 of input weights) of a lane, turns (pixels that a lane adds up at once), and splits, partial sums over a
// share of the pixels each.
type weightTile struct{ lanes, columns, cols, rows, turns, splits, share int }

// shareBytes is how much of x and dy a split of a weight gradient reads: it stays in the cache of one CPU core.
const shareBytes = 1 << 20

// splitBytes bounds the partial sums of a weight gradient: what every device binds at once.
const splitBytes = 128 << 20

// minShare is the least number of pixels that are worth a split; a multiple of the lanes.
const minShare = 64

// weightTile divides c's weight gradient over a number of pixels of a type.
func (e engine) weightTile(c Conv, element Element, pixels int) weightTile {
	in, out := c.Kernel*c.Kernel*Stride(c.In)/4, Stride(c.Out)/4
	t := weightTile{columns: 1, cols: 1, rows: min(e.weightRows, in), turns: 1}
	for t.columns < out && t.columns < e.lanes {
		t.columns *= 2
	}
	t.lanes = t.columns
	if e.shuffle {
		t.lanes = e.lanes // a whole subgroup: lanes without a column of their own take other pixels
		t.turns = min(e.turns, t.columns)
		t.cols = min(e.weightCols, divUp(out, t.columns))
	}
	groups := divUp(in, t.rows) * divUp(out, t.columns*t.cols)
	pixelBytes := element.Size() * (Stride(c.In) + Stride(c.Out))
	t.splits = min(max(divUp(e.weightGroups, groups), pixels*pixelBytes/shareBytes), max(1, splitBytes/(4*c.WeightLen())))
	t.share = max(minShare, divUp(divUp(pixels, t.splits), t.lanes)*t.lanes)
	t.splits = divUp(pixels, t.share)
	return t
}

func divUp(n, d int) int { return (n + d - 1) / d }
