// The host's part of Adam.

package kernels

import (
	"math"
	"testing"
)

// The bias corrections of the first steps, from the series 1 - beta^t = (1 - beta)(1 + beta + ... + beta^(t-1)).
func TestAdamHyper(t *testing.T) {
	const lr, beta1, beta2 = 2e-4, 0.5, 0.999
	sum1, sum2 := 0.0, 0.0
	for step := 1; step <= 2000; step++ {
		sum1, sum2 = 1+beta1*sum1, 1+beta2*sum2
		want := [2]float64{lr / ((1 - beta1) * sum1), 1 / math.Sqrt((1-beta2)*sum2)}
		got := AdamHyper(lr, beta1, beta2, step)
		for i := range got {
			if math.Abs(float64(got[i])-want[i]) > 2*U*want[i] {
				t.Fatalf("step %d: got %v, want %v", step, got, want)
			}
		}
	}
}

// A constant gradient moves a parameter by lr a step, whatever its size: Adam's defining property.
func TestAdamReferenceIsScaleFree(t *testing.T) {
	for _, g := range []float64{1e-4, 1, -1e4} {
		p, m, v := 0.0, 0.0, 0.0
		for step := 1; step <= 50; step++ {
			want, _ := adamSettings{1e-3, 0.5, 0.999, 0, step}.adamReference(p, g, m, v)
			p, m, v = want[0], want[1], want[2]
		}
		if want := -math.Copysign(50e-3, g); math.Abs(p-want) > 1e-12 {
			t.Errorf("gradient %g: moved to %g, want %g", g, p, want)
		}
	}
}
