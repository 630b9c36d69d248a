// The reference of the arithmetic peak: its recurrence, one step after the other.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	var cases []Case
	for _, turns := range []int{0, 1, 3, 40} {
		for _, pixels := range []int{1, 63, 64, 1000} {
			name := fmt.Sprintf("%d turns on %d", turns, pixels)
			cases = append(cases,
				Case{name, func(t *Trial) error { return peakTrial(t, pixels, turns, false) }},
				Case{name + " in half precision", func(t *Trial) error { return peakTrial(t, pixels, turns, true) }})
		}
	}
	register(Check{Name: "peak", Shaders: []string{"peak_fma", "peak_fma_half"}, Cases: cases, Sized: sized("PIXELS,TURNS", [][]int{{1 << 14, 40}},
		func(t *Trial, shader string, v []int) error {
			return peakTrial(t, v[0], v[1], shader == "peak_fma_half")
		})})
}

// uHalf is the unit roundoff of fp16.
const uHalf = 1.0 / (1 << 11)

func peakTrial(t *Trial, pixels, turns int, half bool) error {
	u := float64(U)
	if half {
		u = uHalf
	}
	const channels = 4
	values := t.Random(pixels*channels, 0, 10)
	start, result := t.In("start", 1, 1, pixels, channels, values), t.Out("result", 1, 1, pixels, channels)
	if err := t.Run(func(p *vk.Program) { PeakFMA(p, start, result, turns, half) }); err != nil {
		return err
	}
	want := newBounded(len(values))
	for i, v := range values {
		sum, magnitude := 0.0, 0.0
		for k := range peakChains {
			x, steps := float64(k+1)*float64(v), turns*peakSteps
			// A step rounds once, and what it rounded shrinks by the factor in each later one.
			magnitude += math.Abs(x)*math.Pow(peakFactor, float64(steps))*float64(steps+1) + peakTerm/(1-peakFactor)/(1-peakFactor)
			for range steps {
				x = peakFactor*x + peakTerm
			}
			sum += x
		}
		want.set(i, sum, 4*u*magnitude)
	}
	return t.Compare(result, want.want, want.bound)
}
