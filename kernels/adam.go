// Adam: the optimiser's step over all parameters of a group of networks at once.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"cyclevk/vk"
)

// Adam takes one step as PyTorch's optimiser does, in one dispatch over all parameters of a group:
//
//	m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g²,   p -= hyper[0] m / (sqrt(v) hyper[1] + eps)
//
// params, grads, m and v are fp32 of one size, a multiple of 16 bytes. hyper is two floats that the host fills for every
// step with [AdamHyper]. A parameter whose gradient and moments are zero keeps its bits, and so does everything where a word of
// the guard is set: see [Finite].
//
// For networks that compute in 16 bits, the gradients are times the loss scale of a state ([LossScale]) that has looked at the same
// guard, and the parameters are written to halves as well, rounded to that type of elements. hyper is then AdamHyperHalfBytes that
// [AdamHyperHalf] fills. In fp32 there is neither state nor halves.
func Adam(p *vk.Program, e Element, params, grads, m, v, hyper, guard, state, halves vk.Range, beta1, beta2, eps float64) {
	for i, r := range []vk.Range{params, grads, m, v} {
		if r.Bytes != params.Bytes || r.Bytes%16 != 0 {
			what := []string{"parameters", "gradients", "m", "v"}[i]
			p.Fail(fmt.Errorf("adam: %d bytes of parameters and %d of %s: want one size, a multiple of 16", params.Bytes, r.Bytes, what))
			return
		}
	}
	args := []vk.Range{params, grads, m, v, hyper, guard}
	if e != Float32 {
		if 2*halves.Bytes != params.Bytes {
			p.Fail(fmt.Errorf("adam: %d bytes of parameters and %d of them in 16 bits: want half as many", params.Bytes, halves.Bytes))
			return
		}
		args = append(args, state, halves)
	}
	size := params.Bytes / 16
	push := adamPush{uint32(size), guardWords(guard), float32(beta1), float32(1 - beta1), float32(beta2), float32(1 - beta2), float32(eps)}
	launchAs(p, e, vk.Launch{Push: push, Groups: groups(size, stripSize)}, "adam", args...)
}

// adamPush has each constant rounded once: 1 - 0.999 taken in fp32 would be off by 1e-5 of itself.
type adamPush struct {
	size, guards               uint32
	beta1, rest1, beta2, rest2 float32
	eps                        float32
}

// AdamHyper is what step t needs, counted from 1: the step size lr / (1 - beta1^t) and 1 / sqrt(1 - beta2^t), both
// computed in float64.
func AdamHyper(lr, beta1, beta2 float64, t int) [2]float32 {
	return [2]float32{
		float32(lr / (1 - math.Pow(beta1, float64(t)))),
		float32(1 / math.Sqrt(1-math.Pow(beta2, float64(t)))),
	}
}

// AdamHyperHalfBytes is the size of what Adam takes for networks of 16 bits.
const AdamHyperHalfBytes = 20

// AdamHyperHalf writes what the t-th step needs, counted from 1, of which `skipped` are known to have been skipped, and perhaps the
// one before this one. The device knows whether it was.
func AdamHyperHalf(into []byte, lr, beta1, beta2 float64, t, skipped int) {
	for i := range 2 {
		for j, x := range AdamHyper(lr, beta1, beta2, max(1, t-skipped-i)) {
			binary.LittleEndian.PutUint32(into[8*i+4*j:], math.Float32bits(x))
		}
	}
	binary.LittleEndian.PutUint32(into[16:], uint32(skipped))
}
