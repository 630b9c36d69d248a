// Norms beside convolutions, on GPUs: a convolution by tiles in shared memory applies the norm of what it loads while it loads it
// (shaders/inc/normed.glsl), and takes the statistics of what it stores while it has it (shaders/inc/block_moments.glsl). So what lies
// between two convolutions is written once, and read by nobody but the second.

package kernels

import (
	"fmt"
	"slices"

	"cyclevk/vk"
)

// Source is what a convolution reads: a [Tensor], or a [Normed] one, where [Conv.Fuses].
type Source interface{ normed() Normed }

// Normed stands for Act((z - mean) / sqrt(variance + eps)), the instance norm of a tensor z and an activation, which whoever loads it
// applies: the bits are those that [Norm.Forward] would have written.
type Normed struct {
	Tensor          // z
	Stats  vk.Range // of z, by [Norm.Stats] image by image; without Mem nothing is to be applied
	Act    Activation
}

func (t Tensor) normed() Normed { return Normed{Tensor: t} }
func (n Normed) normed() Normed { return n }

// pending reports that the norm is still to be applied.
func (n Normed) pending() bool { return n.Stats.Mem != nil }

// constant is what shaders take for the norm: 0 for none, or else 1 and the activation.
func (n Normed) constant() uint32 {
	if n.pending() {
		return 1 + uint32(n.Act)
	}
	return 0
}

// statsOr is the statistics, or what fills their binding where there are none, and is not touched.
func (n Normed) statsOr(filler vk.Range) vk.Range {
	if n.pending() {
		return n.Stats
	}
	return filler
}

// check holds the statistics against the tensor.
func (n Normed) check(call string) error {
	if want := 8 * n.N * Stride(n.C); n.pending() && n.Stats.Bytes != want {
		return fmt.Errorf("%s: statistics of %v have %d bytes, want %d", call, n.Tensor, n.Stats.Bytes, want)
	}
	return nil
}

// refused is the error of those that norm nothing as they load it; nil where there is nothing to norm.
func (n Normed) refused(call string) error {
	if n.pending() {
		return fmt.Errorf("%s: these kernels do not norm %v as they load it: ask Fuses, and use Norm.Forward", call, n.Tensor)
	}
	return nil
}

// momentBlock is how many pixels the statistics of what is stored are taken over at a time: a multiple of a weight gradient's slices, too.
const momentBlock = 32

// Fusion says how far norms and convolutions are fused.
type Fusion int

// The degrees of fusion.
const (
	FuseWherePaid Fusion = iota // what is loaded is normed where that is predicted to be faster
	FuseAll                     // it is normed wherever there are kernels for it
	FuseNone                    // nowhere, nor does a convolution take statistics
)

var fusion Fusion

// Fuse makes launches from now on fuse so far, for those who want to compare, until restore is called. It is not for use while another
// goroutine launches.
func Fuse(f Fusion) (restore func()) {
	old := fusion
	fusion = f
	return func() { fusion = old }
}

// Fuses reports whether both passes of c that read x, forward to y and the gradient of the weights, take it as a [Normed] one on the device
// of a program, and whether that pays.
func (c Conv) Fuses(p *vk.Program, x, y Tensor) bool {
	return c.fuses(p.Device().Info, x, y, false)
}

// Fuses is Conv's.
func (c ConvTranspose) Fuses(p *vk.Program, x, y Tensor) bool {
	return c.conv().fuses(p.Device().Info, x, y, true)
}

// fuses is Fuses for a pass and the weight gradient. There, slices are of pixels of the convolution's output.
func (c Conv) fuses(info vk.DeviceInfo, from, to Tensor, adjoint bool) bool {
	output := to
	if adjoint {
		output = from
	}
	g := c.gemmOf(info, convPass{from: Normed{Tensor: from, Stats: from.Range}, to: to}, adjoint)
	if g == nil || gemmOf(info, from, to) == nil || from.N > 1 && output.H*output.W%momentBlock > 0 {
		return false
	}
	if fusion == FuseWherePaid {
		kinds := c.kinds(to, adjoint)
		t := g.tile(func(t gemmTile) int { return t.workgroups(kinds, to.C) })
		return c.Kernel*c.Kernel*output.H*output.W*divUp(Stride(to.C), t.cols) <= normVisits(from.Element)*from.H*from.W
	}
	return fusion == FuseAll
}

// normVisits is how often an element may be normed, once for each tap and each tile across that load it, before that is predicted to cost more
// than a pass that writes it and a load: about 4 instructions each time, and 20 for 16 bits, which integers round (STORE in
// shaders/inc/real.glsl), where a GPU does about 20 for each byte less, what a dispatch and a barrier cost among them. Not measured yet.
func normVisits(e Element) int {
	cost := 20
	if e == Float32 {
		cost = 4
	}
	return 20 * 2 * e.Size() / cost
}

// ForwardStats appends z = conv(x, w) + bias, and the statistics of z by a norm, as Forward and [Norm.Stats] would.
func (c Conv) ForwardStats(p *vk.Program, x Source, w, bias vk.Range, z Tensor, n Norm, stats vk.Range) {
	c.withStats(p, convPass{label: "conv forward " + c.String(), from: x.normed(), w: w, bias: bias, to: z}, c.forward, false, n, stats)
}

// ForwardStats is Conv's.
func (c ConvTranspose) ForwardStats(p *vk.Program, x Source, w, bias vk.Range, z Tensor, n Norm, stats vk.Range) {
	p.Fail(c.check(x.normed().Tensor, z))
	s := convPass{label: "convT forward " + c.String(), from: x.normed(), w: w, bias: bias, to: z}
	c.conv().withStats(p, s, c.conv().adjoint, true, n, stats)
}

// withStats runs a pass that takes the statistics of what it stores, or else has them taken.
func (c Conv) withStats(p *vk.Program, s convPass, run func(*vk.Program, convPass), adjoint bool, n Norm, stats vk.Range) {
	if !n.check(p, "norm statistics", s.to, vk.Range{}, stats) {
		return
	}
	fused := s
	fused.moments = p.Temp("norm partial statistics", 4*3*Stride(s.to.C)*divUp(s.to.N*s.to.H*s.to.W, momentBlock)).All()
	if fusion == FuseNone || c.gemmOf(p.Device().Info, fused, adjoint) == nil {
		run(p, s)
		n.Stats(p, s.to, stats)
		return
	}
	run(p, fused)
	g := n.cut(s.to, 1, normSize)
	g.chunk = momentBlock
	n.combine(p, Float32, "norm_combine_blocks", g, fused.moments, stats)
}

// fitting are the tiles that can run a pass: where what it loads is still to be normed, no tile has pixels of two images, and where it takes
// statistics of what it stores, no block of pixels does.
func (g *gemm) fitting(c Conv, s convPass, adjoint bool) (tiles []gemmTile) {
	one := s.to
	one.N = 1
	kinds := slices.DeleteFunc(c.kinds(one, adjoint), func(pixels int) bool { return pixels == 0 })
	whole := func(rows int) bool {
		return !slices.ContainsFunc(kinds, func(pixels int) bool { return pixels%rows > 0 })
	}
	even := len(kinds) == 1 || len(kinds) == 4 && slices.Min(kinds) == slices.Max(kinds)
	for _, t := range g.tiles {
		loads := !s.from.pending() || s.to.N == 1 || whole(t.rows)
		stores := s.moments.Mem == nil || even && whole(momentBlock) && t.rows%g.momentRows == 0
		if loads && stores {
			tiles = append(tiles, t)
		}
	}
	return tiles
}
