// The references of activations and of their gradients.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "act_grad", Shaders: halves("act_grad"), Cases: actGradCases(), Sized: nhwc(func(t *Trial, _ string, s [4]int) error {
		return actGradTrial(t, ReLU, s, false)
	})})
}

// value is the activation of x in float64.
func (a Activation) value(x float64) float64 {
	switch a {
	case ReLU:
		return max(x, 0)
	case LeakyReLU:
		return max(x, 0) + LeakySlope*min(x, 0)
	case Tanh:
		return math.Tanh(x)
	}
	return x
}

// slope is the derivative of the activation where its value is y.
func (a Activation) slope(y float64) float64 {
	switch {
	case a == Tanh:
		return 1 - y*y
	case a == ReLU && y <= 0:
		return 0
	case a == LeakyReLU && y <= 0:
		return LeakySlope
	}
	return 1
}

// slopeTerms is the sum of the magnitudes that slope adds.
func (a Activation) slopeTerms(y float64) float64 {
	if a == Tanh {
		return 1 + y*y
	}
	return a.slope(y)
}

func actGradCases() (cases []Case) {
	for act := None; act <= Tanh; act++ {
		for i, s := range flatShapes {
			cases = append(cases, Case{fmt.Sprint(act, " ", s), func(t *Trial) error {
				return actGradTrial(t, act, s, i%2 == 1)
			}})
		}
	}
	return append(cases, in16(every(5, cases))...)
}

func actGradTrial(t *Trial, act Activation, s [4]int, inPlace bool) error {
	n := s[0] * s[1] * s[2] * s[3]
	yv, dyv := t.Random(n, 0, 1), t.Random(n, 0, 1)
	for i := range yv {
		switch i % 8 {
		case 3:
			yv[i] = 0 // the kink itself
		case 5:
			yv[i] = float32(math.Copysign(0, -1))
		}
		if act == Tanh {
			yv[i] = float32(math.Tanh(4 * float64(yv[i]))) // some of them round to 1
		}
	}
	y := t.In("y", s[0], s[1], s[2], s[3], yv)
	dy, dx := Tensor{}, Tensor{}
	if inPlace {
		dy = t.InOut("gradient", s[0], s[1], s[2], s[3], dyv)
		dx = dy
	} else {
		dy, dx = t.In("dy", s[0], s[1], s[2], s[3], dyv), t.Out("dx", s[0], s[1], s[2], s[3])
	}
	if err := t.Run(func(p *vk.Program) { ActGrad(p, act, y, dy, dx) }); err != nil {
		return err
	}
	want, bound := make([]float64, n), make([]float64, n)
	for i := range want {
		g, v := float64(dyv[i]), float64(yv[i])
		want[i] = g * act.slope(v)
		switch act {
		case LeakyReLU:
			bound[i] = 2 * U * math.Abs(want[i]) // 0.2 is rounded, and so is the product
		case Tanh:
			bound[i] = 16 * U * math.Abs(g) * act.slopeTerms(v)
		}
	}
	return t.Compare(dx, want, bound)
}
