// Nearest-neighbour enlargement, the first half of a resize convolution.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// Upsample writes y, [N,2H,2W,C], in which each pixel of x, [N,H,W,C], stands four times (torch.nn.Upsample's default mode).
func Upsample(p *vk.Program, x, y Tensor) {
	upsample(p, "upsample", x, y, x, y)
}

// UpsampleGrad writes dx, the gradient of Upsample's x, from dy; it is added to dx where accumulate is set.
func UpsampleGrad(p *vk.Program, dy, dx Tensor, accumulate bool) {
	upsample(p, added("upsample_grad", accumulate), dx, dy, dy, dx)
}

func upsample(p *vk.Program, shader string, small, large, from, to Tensor) {
	if large.N != small.N || large.H != 2*small.H || large.W != 2*small.W || large.C != small.C {
		p.Fail(fmt.Errorf("%s from %s to %s: want sides of %dx%d and twice that", shader, from, to, small.W, small.H))
		return
	}
	if !sameElements(p, shader, from, to) {
		return
	}
	push := struct{ Rows, Width, Quads uint32 }{uint32(small.N * small.H), uint32(small.W), uint32(Stride(small.C) / 4)}
	launchAs(p, to.Element, vk.Launch{Push: push, Groups: groups(to.vec4s(), flatSize)}, shader, from.Range, to.Range)
}
