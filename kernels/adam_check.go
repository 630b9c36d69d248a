// The reference of Adam, in float64 from the true hyperparameters, and its cases.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "adam", Shaders: halves("adam"), Cases: adamCases(), Sized: sized("PARAMETERS", [][]int{{1 << 20}}, func(t *Trial, shader string, v []int) error {
		if shader == "adam_half" {
			return adamHalf(t, Float16, roundUp(v[0], 4), 0)
		}
		return adamTrial(t, roundUp(v[0], 4), paperAdam(1000), 1e-3)
	})})
}

// adamSettings are one step's hyperparameters.
type adamSettings struct {
	lr, beta1, beta2, eps float64
	t                     int
}

// paperAdam is what CycleGAN trains with.
func paperAdam(t int) adamSettings { return adamSettings{2e-4, 0.5, 0.999, 1e-8, t} }

// adamReference is one step of one parameter, and the sums of its terms' magnitudes, from which bounds follow.
func (s adamSettings) adamReference(p, g, m, v float64) (want, terms [3]float64) {
	m1, m2 := s.beta1*m, (1-s.beta1)*g
	v1, v2 := s.beta2*v, (1-s.beta2)*g*g
	step := s.lr / (1 - math.Pow(s.beta1, float64(s.t)))
	root := math.Sqrt((v1 + v2) / (1 - math.Pow(s.beta2, float64(s.t))))
	update := func(m float64) float64 { return step * m / (root + s.eps) }
	return [3]float64{p - update(m1+m2), m1 + m2, v1 + v2},
		[3]float64{math.Abs(p) + update(math.Abs(m1)+math.Abs(m2)), math.Abs(m1) + math.Abs(m2), v1 + v2}
}

func adamCases() (cases []Case) {
	for _, n := range []int{4, 252, 256, 260, 4 * 1025} {
		cases = append(cases, Case{fmt.Sprintf("%d parameters", n), func(t *Trial) error {
			return adamTrial(t, n, paperAdam(1+n), 1e-3)
		}})
	}
	return append(cases,
		Case{"first step", func(t *Trial) error { return adamTrial(t, 64, paperAdam(1), 0) }},
		Case{"step 100000", func(t *Trial) error { return adamTrial(t, 64, paperAdam(100000), 1e-3) }},
		Case{"other settings", func(t *Trial) error { return adamTrial(t, 64, adamSettings{1e-2, 0.9, 0.99, 1e-3, 7}, 1e-3) }},
		Case{"nothing moves", adamStill},
		Case{"fp16", func(t *Trial) error { return adamHalf(t, Float16, 260, 0) }},
		Case{"fp16, the step before was skipped", func(t *Trial) error { return adamHalf(t, Float16, 4*1025, 1) }},
		Case{"bf16", func(t *Trial) error { return adamHalf(t, BFloat16, 256, 0) }},
		Case{"first guard set", func(t *Trial) error { return adamHalted(t, 0) }},
		Case{"last guard set", func(t *Trial) error { return adamHalted(t, 2) }})
}

// adamTrial runs one step over n parameters, with moments of a magnitude.
func adamTrial(t *Trial, n int, s adamSettings, moments float64) error {
	p, g, m, v := t.Random(n, 0, 0.02), t.Random(n, 0, 1e-3), t.Random(n, 0, moments), t.Random(n, 0, moments)
	for i := range v {
		v[i] *= v[i]
		g[i] *= float32(math.Pow(10, float64(i%7-3))) // gradients of all sizes, beside eps too
	}
	pr, gr, mr, vr := t.Floats("parameters", n, p, true), t.Floats("gradient", n, g, false), t.Floats("m", n, m, true), t.Floats("v", n, v, true)
	hyper := AdamHyper(s.lr, s.beta1, s.beta2, s.t)
	hr := t.Floats("hyper", 2, hyper[:], false)
	guard := t.guard(3, -1)
	if err := t.Run(func(p *vk.Program) {
		Adam(p, Float32, pr, gr, mr, vr, hr, guard, vk.Range{}, vk.Range{}, s.beta1, s.beta2, s.eps)
	}); err != nil {
		return err
	}
	return t.compareAdam(s, []vk.Range{pr, mr, vr}, p, g, m, v)
}

// compareAdam holds parameters, m and v against a step from what they were.
func (t *Trial) compareAdam(s adamSettings, got []vk.Range, p, g, m, v []float32) error {
	var want, bound [3][]float64
	for i := range p {
		w, terms := s.adamReference(float64(p[i]), float64(g[i]), float64(m[i]), float64(v[i]))
		for k := range w {
			want[k] = append(want[k], w[k])
			bound[k] = append(bound[k], 8*U*terms[k]+smallestNormal)
		}
	}
	for k, r := range got {
		if err := t.CompareFloats(r, want[k], bound[k]); err != nil {
			return err
		}
	}
	return nil
}

// adamHalf runs the 9th step, 3 or 4 of which were skipped, of a network that computes in 16 bits.
func adamHalf(t *Trial, e Element, n, skippedMore int) error {
	const scale, step, skipped = 1024, 9, 3
	s := paperAdam(step - skipped - skippedMore)
	p, g, m, v := t.Random(n, 0, 0.02), t.Random(n, 0, 1e-3), t.Random(n, 0, 1e-3), t.Random(n, 1e-6, 1e-7)
	scaled := make([]float32, n)
	for i := range g {
		scaled[i] = scale * g[i]
	}
	pr, gr, mr, vr := t.Floats("parameters", n, p, true), t.Floats("gradient", n, scaled, false), t.Floats("m", n, m, true), t.Floats("v", n, v, true)
	raw := make([]byte, AdamHyperHalfBytes)
	AdamHyperHalf(raw, s.lr, s.beta1, s.beta2, step, skipped)
	var hyper []uint32
	for ; len(raw) > 0; raw = raw[4:] {
		hyper = append(hyper, binary.LittleEndian.Uint32(raw))
	}
	hr, guard := t.Words("hyper", len(hyper), hyper, false), t.guard(3, -1)
	state := t.scaleState(ScaleState{Scale: scale, Skipped: uint32(skipped + skippedMore)}, false)
	halves := Tensor{t.Words("halves", n/2, nil, true), 1, 1, 1, n, e}
	err := t.Run(func(p *vk.Program) {
		Adam(p, e, pr, gr, mr, vr, hr, guard, state, halves.Range, s.beta1, s.beta2, s.eps)
	})
	if err != nil {
		return err
	}
	if err := t.compareAdam(s, []vk.Range{pr, mr, vr}, p, g, m, v); err != nil {
		return err
	}
	var want []float64 // what was written, rounded
	for _, word := range t.Got(pr) {
		want = append(want, float64(math.Float32frombits(word)))
	}
	return t.Compare(halves, want, make([]float64, n))
}

// adamStill has no gradient and no moments: every parameter keeps its bits.
func adamStill(t *Trial) error {
	p := append(t.Random(60, 0, 1), 0, float32(math.Copysign(0, -1)), 1e30, 1e-30)
	zero := make([]float32, len(p))
	pr, gr, mr, vr := t.Floats("parameters", len(p), p, true), t.Floats("gradient", len(p), zero, false), t.Floats("m", len(p), zero, true), t.Floats("v", len(p), zero, true)
	hyper := AdamHyper(2e-4, 0.5, 0.999, 1)
	hr := t.Floats("hyper", 2, hyper[:], false)
	guard := t.guard(1, -1)
	if err := t.Run(func(p *vk.Program) {
		Adam(p, Float32, pr, gr, mr, vr, hr, guard, vk.Range{}, vk.Range{}, 0.5, 0.999, 1e-8)
	}); err != nil {
		return err
	}
	return equalWords(t, pr, bits(p))
}

// adamHalted has one of 3 guard words set: nothing moves, whatever the gradient.
func adamHalted(t *Trial, set int) error {
	p, m, v, g := t.Random(64, 0, 1), t.Random(64, 0, 1), t.Random(64, 1, 0.1), t.Random(64, 0, 1)
	g[5], g[6] = float32(math.NaN()), float32(math.Inf(1))
	pr, gr, mr, vr := t.Floats("parameters", 64, p, true), t.Floats("gradient", 64, g, false), t.Floats("m", 64, m, true), t.Floats("v", 64, v, true)
	hyper := AdamHyper(2e-4, 0.5, 0.999, 1)
	hr, guard := t.Floats("hyper", 2, hyper[:], false), t.guard(3, set)
	if err := t.Run(func(p *vk.Program) {
		Adam(p, Float32, pr, gr, mr, vr, hr, guard, vk.Range{}, vk.Range{}, 0.5, 0.999, 1e-8)
	}); err != nil {
		return err
	}
	for r, was := range map[vk.Range][]float32{pr: p, mr: m, vr: v} {
		if err := equalWords(t, r, bits(was)); err != nil {
			return err
		}
	}
	return nil
}
