// The types of elements on the host: there and back.

package kernels

import (
	"math"
	"testing"
)

// TestHalf takes every number of 16 bits there and back, with the numbers between it and its neighbours, which go to the nearer one
// and in the middle to the even one.
func TestHalf(t *testing.T) {
	for _, e := range []Element{Float16, BFloat16} {
		for h := range uint16(0x7fff) {
			x := e.Single(h)
			if x != x {
				if y := e.Single(e.Half(x)); y == y {
					t.Errorf("%v %#04x, a NaN, comes back as %g", e, h, y)
				}
				continue
			}
			next := float64(e.Single(h + 1))
			if math.IsInf(next, 1) {
				next = 2*float64(x) - float64(e.Single(h-1))
			} else if next != next {
				next = float64(x)
			}
			middle := float32((float64(x) + next) / 2)
			even := h + h&1
			for _, c := range []struct {
				x    float32
				want uint16
			}{{x, h}, {middle, even}, {math.Nextafter32(middle, 0), h}, {math.Nextafter32(middle, float32(math.Inf(1))), h + 1}} {
				if math.IsInf(float64(x), 1) || h == 0 && c.x < 0 {
					c.want = h
				}
				if got := e.Half(c.x); got != c.want {
					t.Fatalf("%v of %g: %#04x, want %#04x", e, c.x, got, c.want)
				}
				if got := e.Half(-c.x); got != c.want|0x8000 {
					t.Fatalf("%v of %g: %#04x, want %#04x", e, -c.x, got, c.want|0x8000)
				}
			}
		}
	}
}
