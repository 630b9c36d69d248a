// Concatenation along the channels, and its backward pass.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// Concat writes y = act(cat(a, b)): the channels of a, then those of b. y is [N,H,W,a.C+b.C].
func Concat(p *vk.Program, act Activation, a, b, y Tensor) {
	joined := a
	joined.C += b.C
	if a.N != b.N || a.H != b.H || a.W != b.W || !y.SameShape(joined) {
		p.Fail(fmt.Errorf("concat of %s and %s to %s: want images of one size, and %d channels", a, b, y, joined.C))
		return
	}
	if !sameElements(p, "concat", a, b, y) {
		return
	}
	push := struct{ Pixels, ChannelsA, ChannelsB, StrideA, StrideB, Quads uint32 }{
		uint32(y.N * y.H * y.W), uint32(a.C), uint32(b.C), uint32(Stride(a.C)), uint32(Stride(b.C)), uint32(Stride(y.C) / 4),
	}
	l := vk.Launch{Spec: []uint32{uint32(act)}, Push: push, Groups: groups(y.vec4s(), flatSize)}
	launchAs(p, y.Element, l, "concat", a.Range, b.Range, y.Range)
}

// ConcatGrad writes dx, the gradient of one of Concat's inputs, whose channels begin at first in y, from y and dy, its gradient;
// it is added to dx where accumulate is set.
func ConcatGrad(p *vk.Program, act Activation, y, dy Tensor, first int, dx Tensor, accumulate bool) {
	if !sameShapes(p, "concat gradient", y, dy) {
		return
	}
	if dx.N != y.N || dx.H != y.H || dx.W != y.W || first < 0 || first+dx.C > y.C {
		p.Fail(fmt.Errorf("concat gradient of %s from channel %d of %s: want images of one size, and channels that are there", dx, first, y))
		return
	}
	if !sameElements(p, "concat gradient", y, dx) {
		return
	}
	push := struct{ Pixels, Channels, First, Stride, Quads uint32 }{
		uint32(y.N * y.H * y.W), uint32(dx.C), uint32(first), uint32(Stride(y.C)), uint32(Stride(dx.C) / 4),
	}
	l := vk.Launch{Spec: []uint32{uint32(act)}, Push: push, Groups: groups(dx.vec4s(), flatSize)}
	launchAs(p, y.Element, l, added("concat_grad", accumulate), y.Range, dy.Range, dx.Range)
}
