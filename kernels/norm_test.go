// Proof of normalisation's reference: its gradients against central differences of its forward pass, all in float64.

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestNormReferenceGradients(t *testing.T) {
	const groups, pixels, c = 2, 7, 3
	random := rand.New(rand.NewPCG(*seed, 0))
	draw := func(n int, mean float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = mean + random.NormFloat64()
		}
		return v
	}
	for act := None; act <= Tanh; act++ {
		n := Norm{Eps: 1e-5, Act: act}
		x, gamma, beta, dy := draw(groups*pixels*c, 0.5), draw(c, 1), draw(c, 0), draw(groups*pixels*c, 0)
		loss := func() (sum float64) {
			for i, y := range n.reference(groups, pixels, c, x, gamma, beta).forward().want {
				sum += dy[i] * y
			}
			return sum
		}
		ref := n.reference(groups, pixels, c, x, gamma, beta)
		for i := range x {
			if v, _ := ref.scaled(i); math.Abs(v) < 1e-4 && act != None && act != Tanh {
				t.Fatalf("%s: element %d is %g before the activation, too near the kink: use another seed", act, i, v)
			}
		}
		dx, gx, g := ref.backward(dy)
		affine := ref.affineGradient(gx, g, nil)
		for _, v := range []struct {
			name     string
			at, grad []float64
		}{{"x", x, dx.want}, {"gamma", gamma, affine.want[:c]}, {"beta", beta, affine.want[Stride(c):]}} {
			for i := range v.at {
				if err := differs(&v.at[i], v.grad[i], loss); err != nil {
					t.Errorf("%s: %s[%d]: %v (seed %d)", act, v.name, i, err, *seed)
				}
			}
		}
	}
}

func TestActivationReferenceSlopes(t *testing.T) {
	for act := None; act <= Tanh; act++ {
		for _, x := range []float64{-3, -0.5, -1e-3, 1e-3, 0.5, 3} {
			if err := differs(&x, act.slope(act.value(x)), func() float64 { return act.value(x) }); err != nil {
				t.Errorf("%s at %g: %v", act, x, err)
			}
		}
	}
	if got := []float64{ReLU.slope(0), LeakyReLU.slope(0)}; got[0] != 0 || got[1] != LeakySlope {
		t.Errorf("slopes at the kink: %g, want 0 and %g, as PyTorch has them", got, LeakySlope)
	}
}

// differs holds the derivative of f with respect to *x against its central difference.
func differs(x *float64, derivative float64, f func() float64) error {
	at, h := *x, 1e-6*max(1, math.Abs(*x))
	*x = at + h
	up := f()
	*x = at - h
	down := f()
	*x = at
	if want := (up - down) / (2 * h); math.Abs(derivative-want) > 1e-9+1e-6*math.Abs(want) {
		return fmt.Errorf("derivative %.12g, central difference %.12g", derivative, want)
	}
	return nil
}
