// The arithmetic peak: a kernel that does nothing useful, as fast as the device can.

package kernels

import "cyclevk/vk"

// Of shaders/peak_fma.comp: fused multiply-adds of a chain in a turn, and chains of a float.
const (
	peakSteps  = 16
	peakChains = 3
)

// The constants of its recurrence: it converges, so that no number of turns overflows.
const peakFactor, peakTerm = 0.75, 0.5

// PeakFMA appends turns of fused multiply-adds on each float of start: x[k] = (k+1) start, for k = 0, 1, 2, becomes 0.75 x[k] + 0.5
// 16 times a turn, and result is the sum of the three. Launch.Work counts two operations for each.
//
// With half set they are of fp16, on devices that have Features.Float16; start and result are fp32 all the same.
func PeakFMA(p *vk.Program, start, result Tensor, turns int, half bool) {
	if !sameShapes(p, "peak", start, result) {
		return
	}
	shader, count := "peak_fma", start.vec4s()
	if half {
		shader = "peak_fma_half"
	}
	push := struct {
		Count, Turns uint32
		Factor, Term float32
	}{uint32(count), uint32(turns), peakFactor, peakTerm}
	launch(p, vk.Launch{
		Push: push, Groups: groups(count, flatSize), Work: 2 * 4 * peakSteps * peakChains * int64(count) * int64(turns),
	}, shader, start.Range, result.Range)
}
