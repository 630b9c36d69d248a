// The reference of shaders/inc/real.glsl: rounding to 16 bits, on sums that are exact or correctly rounded fp32.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	var cases []Case
	for _, e := range []Element{Float16, BFloat16} {
		cases = append(cases, Case{"every rounding of " + e.String(), func(t *Trial) error { return roundingTrial(t, e) }})
	}
	register(Check{Name: "real", Shaders: []string{"add_half"}, Cases: cases})
}

// roundingTrial adds numbers whose sums have to be rounded in all ways: up, down, ties, to zero, to infinity; NaNs stay NaNs.
func roundingTrial(t *Trial, e Element) error {
	t.Element = e
	const n = 1 << 12
	av, bv := t.Random(n, 0, 1), t.Random(n, 0, 1)
	for i := range av { // of all magnitudes
		exponent := t.Rand.IntN(44) - 26
		av[i], bv[i] = float32(math.Ldexp(float64(av[i]), exponent)), float32(math.Ldexp(float64(bv[i]), exponent-t.Rand.IntN(14)))
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	largest := map[Element]float32{Float16: 65504, BFloat16: math.Float32frombits(0x7f7f0000)}[e]
	for i, pair := range [][2]float32{
		{largest, largest}, {-largest, -largest}, {largest, largest / 4096}, {largest, largest / 4160}, {largest, largest / 512}, {inf, 1}, {-inf, 1}, {nan, 1}, {inf, -inf},
	} {
		av[i], bv[i] = pair[0], pair[1]
	}
	a, b, sum := t.In("a", 1, n/4, 1, 4, av), t.In("b", 1, n/4, 1, 4, bv), t.Out("sum", 1, n/4, 1, 4)
	if err := t.Run(func(p *vk.Program) { Add(p, a, b, sum) }); err != nil {
		return err
	}
	return each(t.elements(sum), func(i int, got uint32) error {
		want := e.Single(e.Half(av[i] + bv[i]))
		if got != math.Float32bits(want) && (got&0x7fffffff <= 0x7f800000 || want == want) {
			return fmt.Errorf("%g + %g: got %g, want %g", av[i], bv[i], math.Float32frombits(got), want)
		}
		return nil
	})
}
