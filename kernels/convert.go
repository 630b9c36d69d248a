// From one type of elements to another, where networks meet what computes in fp32.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// Convert copies from to to, tensors of one shape of which one is fp32 and the other of 16 bits, to which it is rounded.
func Convert(p *vk.Program, from, to Tensor) {
	if !from.SameShape(to) || (from.Element == Float32) == (to.Element == Float32) {
		p.Fail(fmt.Errorf("conversion of %s, %s, to %s, %s: want one shape, and fp32 on one side", from, from.Element, to, to.Element))
		return
	}
	e, shader, count := to.Element, "narrow", from.vec4s()
	if e == Float32 {
		e, shader = from.Element, "widen"
	}
	launch(p, vk.Launch{Spec: []uint32{uint32(e)}, Push: countPush{uint32(count)}, Groups: groups(count, stripSize)}, shader, from.Range, to.Range)
}
