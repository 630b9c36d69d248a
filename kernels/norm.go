// Normalisation of channels: instance norm and batch norm, forward and backward.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// Norm normalises each channel over groups of images: instance norm where a group is one image, batch norm where it is the
// batch. The images of a group follow one another.
//
//	xhat = (x - mean) / sqrt(variance + Eps), y = Act(gamma xhat + beta)
//
// Statistics are [groups][2][Stride(C)] floats: mean and 1 / sqrt(variance + Eps), of the biased variance. gamma and beta are
// [2][Stride(C)] floats, or a Range without Mem for 1 and 0.
type Norm struct {
	ImagesPerGroup int
	Eps            float32 // PyTorch's default is 1e-5
	Act            Activation
}

// StatsLen is the number of floats that the statistics of x take.
func (n Norm) StatsLen(x Tensor) int { return n.groups(x) * 2 * Stride(x.C) }

func (n Norm) groups(x Tensor) int { return x.N / max(1, n.ImagesPerGroup) }

// pixels is how many pixels a group of x has.
func (n Norm) pixels(x Tensor) int { return n.ImagesPerGroup * x.H * x.W }

// Stats writes the statistics of x. They are as exact as two passes over x in fp32 can make them: the variance comes from
// centred values, merged in a fixed order by Chan's formula.
func (n Norm) Stats(p *vk.Program, x Tensor, stats vk.Range) {
	if !n.check(p, "norm statistics", x, vk.Range{}, stats) {
		return
	}
	if g, ok := n.whole(x); ok {
		n.launch(p, x.Element, "norm_stats", None, g, x.Range, stats)
		return
	}
	g := n.cut(x, reducePerLane, normSize)
	partial := p.Temp("norm partial statistics", 4*g.chunks()*n.StatsLen(x)).All()
	n.launch(p, x.Element, "norm_stats_partial", None, g, x.Range, partial)
	n.combine(p, x.Element, "norm_combine", g, x.Range.Sparse(x.Element.Bytes(1, 1, g.groups, x.C)), partial, stats)
}

// Forward writes y = Act(gamma xhat + beta). With a residual (a Tensor whose Mem is not nil), whose Act is None, it adds that.
// y may be x or residual.
func (n Norm) Forward(p *vk.Program, x Tensor, stats, affine vk.Range, residual, y Tensor) {
	if !n.check(p, "norm", x, affine, stats) || !sameShapes(p, "norm", x, y) {
		return
	}
	shader, args := "norm_forward", []vk.Range{x.Range, stats, y.Range}
	if affine.Mem != nil {
		shader, args = shader+"_affine", append(args, affine)
	}
	if residual.Mem != nil {
		if n.Act != None {
			p.Fail(fmt.Errorf("norm of %s: %s and a residual: the residual is added after the norm, so use no activation", x, n.Act))
			return
		}
		if !sameShapes(p, "norm", x, residual) {
			return
		}
		shader, args = shader+"_residual", append(args, residual.Range)
	}
	n.launch(p, x.Element, shader, n.Act, n.cut(x, mapPerLane, normSize), args...)
}

// Backward writes the gradient of x from dy, that of Forward's y, and the x, stats and affine that Forward took:
//
//	g = dy Act'(gamma xhat + beta), dx = gamma / sqrt(variance + Eps) (g - mean(g) - xhat mean(g xhat))
//
// with means over a group. Where the activation's input is 0, ReLU's slope is 0 and LeakyReLU's LeakySlope, as in PyTorch. dx is
// overwritten and may be dy. A residual's gradient is dy itself. daffine gets the gradients of gamma and beta, [2][Stride(C)]:
// the sums of g xhat and of g over all groups, added to what it holds where accumulate is set; a Range without Mem for none.
func (n Norm) Backward(p *vk.Program, x Tensor, stats, affine vk.Range, dy, dx Tensor, daffine vk.Range, accumulate bool) {
	if !n.check(p, "norm backward", x, affine, stats) || !n.check(p, "norm backward", x, daffine, stats) ||
		!sameShapes(p, "norm backward", x, dy, dx) {
		return
	}
	sums := p.Temp("norm sums", 4*n.StatsLen(x)).All()
	suffix, last := "", []vk.Range(nil)
	if affine.Mem != nil {
		suffix, last = "_affine", []vk.Range{affine}
	}
	with := func(args ...vk.Range) []vk.Range { return append(args, last...) }
	if g, ok := n.whole(x); ok {
		n.launch(p, x.Element, "norm_backward_small"+suffix, n.Act, g, with(x.Range, stats, dy.Range, sums, dx.Range)...)
	} else {
		g := n.cut(x, reducePerLane, normSize)
		partial := p.Temp("norm partial sums", 4*g.chunks()*n.StatsLen(x)).All()
		n.launch(p, x.Element, "norm_sums"+suffix, n.Act, g, with(x.Range, stats, dy.Range, partial)...)
		n.combine(p, Float32, "norm_sums_combine", g, partial, sums)
		n.launch(p, x.Element, "norm_backward"+suffix, n.Act, n.cut(x, mapPerLane, normSize), with(x.Range, stats, dy.Range, sums, dx.Range)...)
	}
	if daffine.Mem == nil {
		return
	}
	rows := 2 * Stride(x.C) / 4
	push := struct{ Groups, Rows uint32 }{uint32(n.groups(x)), uint32(rows)}
	launch(p, vk.Launch{Push: push, Groups: groups(rows, normSize)}, added("norm_affine_grad", accumulate), sums, daffine)
}

// Running moves batch norm's running statistics, [2][Stride(C)] floats: mean and unbiased variance, towards those of a group of
// x by its number: running += momentum (group - running). PyTorch's default momentum is 0.1. Where a word of the guard is set they
// keep their bits: see [Finite].
func (n Norm) Running(p *vk.Program, x Tensor, stats vk.Range, group int, running, guard vk.Range, momentum float32) {
	if !n.check(p, "norm running statistics", x, running, stats) {
		return
	}
	if group < 0 || group >= n.groups(x) {
		p.Fail(fmt.Errorf("norm running statistics of %s: group %d of %d", x, group, n.groups(x)))
		return
	}
	if n.pixels(x) < 2 {
		p.Fail(fmt.Errorf("norm running statistics of %s: the variance of one value a channel: use larger images or batches", x))
		return
	}
	quads := Stride(x.C) / 4
	push := struct {
		Group, Quads, Pixels, Guards uint32
		Eps, Momentum                float32
	}{uint32(group), uint32(quads), uint32(n.pixels(x)), guardWords(guard), n.Eps, momentum}
	launch(p, vk.Launch{Push: push, Groups: groups(quads, normSize)}, "norm_running", stats, running, guard)
}

// EvalStats writes the statistics with which batch norm evaluates x: the running ones, for every group.
func (n Norm) EvalStats(p *vk.Program, x Tensor, running, stats vk.Range) {
	if !n.check(p, "norm evaluation statistics", x, running, stats) {
		return
	}
	quads := Stride(x.C) / 4
	push := struct {
		Groups, Quads uint32
		Eps           float32
	}{uint32(n.groups(x)), uint32(quads), n.Eps}
	launch(p, vk.Launch{Push: push, Groups: groups(n.groups(x)*quads, normSize)}, "norm_eval_stats", running, stats)
}

// check makes the program fail where the norm does not fit x, or a buffer does not fit either: stats, and perChannel, [2][Stride(C)],
// where it has a Mem.
func (n Norm) check(p *vk.Program, call string, x Tensor, perChannel, stats vk.Range) bool {
	switch {
	case n.ImagesPerGroup < 1 || x.N%n.ImagesPerGroup != 0:
		p.Fail(fmt.Errorf("%s of %s: groups of %d images: use a number that divides %d", call, x, n.ImagesPerGroup, x.N))
	case !(n.Eps > 0):
		p.Fail(fmt.Errorf("%s of %s: eps %g: use a positive one, such as 1e-5", call, x, n.Eps))
	case stats.Mem == nil || stats.Bytes != 4*n.StatsLen(x):
		p.Fail(fmt.Errorf("%s of %s: statistics of %d bytes, want %d", call, x, stats.Bytes, 4*n.StatsLen(x)))
	case perChannel.Mem != nil && perChannel.Bytes != 8*Stride(x.C):
		p.Fail(fmt.Errorf("%s of %s: %s has %d bytes, want 2 for each channel: %d", call, x, perChannel.Name, perChannel.Bytes, 8*Stride(x.C)))
	default:
		return true
	}
	return false
}

// normSize is the workgroup size of the norm kernels (shaders/inc/norm.glsl).
const normSize = 64

// Pixels of a lane in the kernels that sum over several workgroups, and in those that treat every pixel alike.
const (
	reducePerLane = 64
	mapPerLane    = 16
)

// normGrid is how a norm kernel's workgroups cover a tensor: each takes 1<<shift quads (4 channels each) of chunk pixels of a group.
type normGrid struct {
	groups, pixels, quads, channels int
	shift, chunk                    int
}

// whole is a grid with one chunk a group, for reductions in one dispatch; false where that is too much for a workgroup.
func (n Norm) whole(x Tensor) (normGrid, bool) {
	const most = 64 * normSize // vec4 of a workgroup
	g := n.cut(x, 1, min(8, max(4, most/n.pixels(x))))
	g.chunk = g.pixels
	return g, g.pixels<<g.shift <= most
}

// cut is a grid whose workgroups take perLane pixels a lane. They are as wide as the pixels, up to limit quads, so that each keeps
// to a compact piece of memory.
func (n Norm) cut(x Tensor, perLane, limit int) normGrid {
	g := normGrid{groups: n.groups(x), pixels: n.pixels(x), quads: Stride(x.C) / 4, channels: x.C}
	for shift := 1; 1<<shift <= limit; shift++ {
		if covered := roundUp(g.quads, 1<<shift); 4*(covered-g.quads) <= covered { // at most a quarter of the lanes idle
			g.shift = shift
		}
	}
	g.chunk = perLane * normSize >> g.shift
	return g
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

func (g normGrid) chunks() int { return (g.pixels + g.chunk - 1) / g.chunk }

// launch appends a norm kernel that works on all chunks.
func (n Norm) launch(p *vk.Program, e Element, shader string, act Activation, g normGrid, args ...vk.Range) {
	n.dispatch(p, e, shader, act, g, g.chunks(), args...)
}

// combine appends a norm kernel that merges what launch's chunks left, about 4 in each lane.
func (n Norm) combine(p *vk.Program, e Element, shader string, g normGrid, args ...vk.Range) {
	chunks := g.chunks()
	g.shift = 0
	for 2<<g.shift <= normSize && chunks<<g.shift <= 2*normSize {
		g.shift++
	}
	n.dispatch(p, e, shader, None, g, 1, args...)
}

func (n Norm) dispatch(p *vk.Program, e Element, shader string, act Activation, g normGrid, chunks int, args ...vk.Range) {
	push := struct {
		Pixels, Quads, Chunk, Shift, Channels uint32
		Eps                                   float32
	}{uint32(g.pixels), uint32(g.quads), uint32(g.chunk), uint32(g.shift), uint32(g.channels), n.Eps}
	launchAs(p, e, vk.Launch{
		Spec: []uint32{uint32(act)}, Push: push, Groups: [3]int{chunks, roundUp(g.quads, 1<<g.shift) >> g.shift, g.groups},
	}, shader, args...)
}
