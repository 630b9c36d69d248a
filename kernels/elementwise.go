// Element-wise kernels: sums, copies and fills, where branches of a network or of its gradient meet.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// flatSize is the workgroup size of the kernels that take one lane for each vec4 (shaders/inc/flat.glsl).
const flatSize = 64

// stripSize is how many vec4 a workgroup takes in the kernels that take several for each lane (shaders/inc/strip.glsl).
const stripSize = 64 * 4

// Add writes a + b to sum, which may be either of them.
func Add(p *vk.Program, a, b, sum Tensor) {
	elementwise(p, "add", nil, a, b, sum)
}

// AddTo adds a to sum.
func AddTo(p *vk.Program, a, sum Tensor) {
	elementwise(p, "add_to", nil, a, sum)
}

// Copy copies src to dst, bit for bit.
func Copy(p *vk.Program, src, dst Tensor) {
	if !sameShapes(p, "copy", src, dst) {
		return
	}
	shader, count := "copy", src.vec4s()
	if src.Element != Float32 {
		shader = "copy_half"
	}
	launch(p, vk.Launch{Push: countPush{uint32(count)}, Groups: groups(count, stripSize)}, shader, src.Range, dst.Range)
}

// CopyBytes copies src to dst, which has as many bytes, a multiple of 16.
func CopyBytes(p *vk.Program, src, dst vk.Range) {
	if src.Bytes != dst.Bytes || src.Bytes%16 != 0 {
		p.Fail(fmt.Errorf("copy of %s to %s: want as many bytes, a multiple of 16", src, dst))
		return
	}
	count := src.Bytes / 16
	launch(p, vk.Launch{Push: countPush{uint32(count)}, Groups: groups(count, stripSize)}, "copy", src, dst)
}

type countPush struct{ Count uint32 }

// elementwise launches a kernel that treats every vec4 of tensors of one shape and type alike.
func elementwise(p *vk.Program, shader string, spec []uint32, tensors ...Tensor) {
	if !sameShapes(p, shader, tensors...) {
		return
	}
	count := tensors[0].vec4s()
	args := make([]vk.Range, len(tensors))
	for i, t := range tensors {
		args[i] = t.Range
	}
	launchAs(p, tensors[0].Element, vk.Launch{Spec: spec, Push: countPush{uint32(count)}, Groups: groups(count, stripSize)}, shader, args...)
}

// sameShapes makes the program fail where the tensors of a call differ in shape or in type.
func sameShapes(p *vk.Program, call string, tensors ...Tensor) bool {
	for _, t := range tensors[1:] {
		if !t.SameShape(tensors[0]) {
			p.Fail(fmt.Errorf("%s: %s and %s differ in shape", call, tensors[0], t))
			return false
		}
	}
	return sameElements(p, call, tensors...)
}

// Fill writes value to every float of dst.
func Fill(p *vk.Program, dst vk.Range, value float32) {
	shader, count := "fill", dst.Bytes/16
	if dst.Bytes%16 != 0 {
		shader, count = "fill_floats", dst.Bytes/4
	}
	push := struct {
		Count uint32
		Value float32
	}{uint32(count), value}
	launch(p, vk.Launch{Push: push, Groups: groups(count, stripSize)}, shader, dst)
}
