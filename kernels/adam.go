// Adam: the optimiser's step over all parameters of a group of networks at once.

package kernels

import (
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
func Adam(p *vk.Program, params, grads, m, v, hyper, guard vk.Range, beta1, beta2, eps float64) {
	for i, r := range []vk.Range{params, grads, m, v} {
		if r.Bytes != params.Bytes || r.Bytes%16 != 0 {
			what := []string{"parameters", "gradients", "m", "v"}[i]
			p.Fail(fmt.Errorf("adam: %d bytes of parameters and %d of %s: want one size, a multiple of 16", params.Bytes, r.Bytes, what))
			return
		}
	}
	size := params.Bytes / 16
	push := adamPush{uint32(size), guardWords(guard), float32(beta1), float32(1 - beta1), float32(beta2), float32(1 - beta2), float32(eps)}
	launch(p, vk.Launch{Push: push, Groups: groups(size, stripSize)}, "adam", params, grads, m, v, hyper, guard)
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
