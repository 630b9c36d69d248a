// Proof that dropout's decisions are as random as they should be: right in number, and different from layer to layer.

package kernels

import (
	"math"
	"testing"
)

func TestDropoutKeepsAsManyAsItShould(t *testing.T) {
	const n = 100_000
	seed := []uint32{1, 2, 3, 0}
	for _, rate := range []float64{0, 0.1, 0.5, 0.9} {
		count, both := 0, 0
		for i := range n {
			first, second := kept(i, float32(rate), seed, 0), kept(i, float32(rate), seed, 1)
			if first {
				count++
			}
			if first && second {
				both++
			}
		}
		keep := 1 - rate
		for name, c := range map[string]struct{ got, p float64 }{"one layer": {float64(count), keep}, "two layers": {float64(both), keep * keep}} {
			if sigma := math.Sqrt(n * c.p * (1 - c.p)); math.Abs(c.got-n*c.p) > 5*sigma {
				t.Errorf("rate %g, %s: %g of %d kept, want %g ± %g", rate, name, c.got, n, n*c.p, sigma)
			}
		}
	}
}
