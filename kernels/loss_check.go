// The references of the losses, and their cases.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "l1_loss", Shaders: append(halves("l1_loss"), "loss_reduce"), Cases: l1Cases(), Sized: sized("N,H,W,C", [][]int{{1, 256, 256, 3}},
		halved(func(t *Trial, _ string, v []int) error { return l1Trial(t, [4]int(v), 10) }))})
	register(Check{Name: "gan_loss", Shaders: append(halves("gan_loss"), "loss_reduce"), Cases: ganCases(), Sized: sized("N,H,W,C", [][]int{{2, 30, 30, 1}},
		halved(func(t *Trial, _ string, v []int) error {
			return ganTrial(t, LSGAN, [4]int(v), v[0]/2, 0.5, t.Random(v[0]*v[1]*v[2]*v[3], 0, 3))
		}))})
}

// l1Reference is |a - b| and its derivative with respect to a.
func l1Reference(a, b float64) (value, slope float64) {
	switch d := a - b; {
	case d > 0:
		return d, 1
	case d < 0:
		return -d, -1
	}
	return 0, 0
}

// ganReference is the loss of one logit and its derivative. log(1 + e^z) is written as max(z, 0) + log1p(e^-|z|).
func ganReference(mode GANMode, x float64, real bool) (value, slope float64) {
	softplus := func(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }
	sigmoid := func(z float64) float64 { return math.Exp(min(z, 0)) / (1 + math.Exp(-math.Abs(z))) }
	target, sign := 0.0, 1.0
	if real {
		target, sign = 1, -1
	}
	switch mode {
	case LSGAN:
		return (x - target) * (x - target), 2 * (x - target)
	case Vanilla:
		return softplus(sign * x), sign * sigmoid(sign*x)
	case VanillaMinMax:
		return sign * softplus(x), sign * sigmoid(x)
	}
	return sign * x, sign
}

func l1Cases() (cases []Case) {
	for _, s := range flatShapes {
		cases = append(cases, Case{fmt.Sprint(s), func(t *Trial) error { return l1Trial(t, s, 10) }})
	}
	cases = append(cases, in16(every(2, cases))...)
	return append(cases,
		Case{"weight 0.5", func(t *Trial) error { return l1Trial(t, [4]int{2, 3, 7, 5}, 0.5) }},
		Case{"NaN", func(t *Trial) error {
			a, b := t.In("a", 1, 1, 2, 3, []float32{1, 2, 3, 4, float32(math.NaN()), 6}), t.In("b", 1, 1, 2, 3, make([]float32, 6))
			grad, loss := t.Out("grad", 1, 1, 2, 3), t.Floats("loss", 1, nil, true)
			if err := t.Run(func(p *vk.Program) { L1(p, a, b, 1, grad, loss, vk.Range{}) }); err != nil {
				return err
			}
			return wantNaN(t, loss, 0)
		}})
}

func l1Trial(t *Trial, s [4]int, weight float32) error {
	n := s[0] * s[1] * s[2] * s[3]
	av, bv := t.Random(n, 0, 1), t.Random(n, 0, 1)
	for i := 0; i < n; i += 5 {
		av[i] = bv[i] // the kink itself
	}
	a, b := t.In("a", s[0], s[1], s[2], s[3], av), t.In("b", s[0], s[1], s[2], s[3], bv)
	grad, loss := t.Out("grad", s[0], s[1], s[2], s[3]), t.Floats("loss", 1, nil, true)
	scaling, state := t.scaling()
	if err := t.Run(func(p *vk.Program) { L1(p, a, b, weight, grad, loss, state) }); err != nil {
		return err
	}
	scale, total := float64(weight)/float64(n), 0.0
	want, bound := make([]float64, n), make([]float64, n)
	for i := range want {
		value, slope := l1Reference(float64(av[i]), float64(bv[i]))
		total += scale * value
		want[i] = scaling * scale * slope
		bound[i] = U * math.Abs(want[i]) // the scale is rounded once
	}
	if err := t.Compare(grad, want, bound); err != nil {
		return err
	}
	return t.CompareFloats(loss, []float64{total}, []float64{16 * U * total})
}

func ganCases() (cases []Case) {
	for mode := range GANMode(len(ganModes)) {
		for i, s := range flatShapes {
			real := (i + int(mode)) % (s[0] + 1)
			cases = append(cases, Case{fmt.Sprintf("%v %v %d real", mode, s, real), func(t *Trial) error {
				return ganTrial(t, mode, s, real, 0.5, t.Random(s[0]*s[1]*s[2]*s[3], 0, 3))
			}})
		}
		cases = append(cases, Case{mode.String() + " far logits", func(t *Trial) error {
			x := []float32{0, 1, -1, 1e-8, 16, -16, 30, -30, 80, -80, 86.9, -86.9, 87.1, -87.1, 90, -90, 105, -105, 1000, -1000}
			return ganTrial(t, mode, [4]int{2, 4, 5, 1}, 1, 1, append(x, x...))
		}})
		cases = append(cases, in16(cases[len(cases)-2:])...)
		cases = append(cases, Case{mode.String() + " NaN", func(t *Trial) error {
			x := t.In("logits", 2, 1, 1, 1, []float32{float32(math.NaN()), 1})
			grad, loss := t.Out("grad", 2, 1, 1, 1), t.Floats("loss", 1, nil, true)
			if err := t.Run(func(p *vk.Program) { GAN(p, mode, x, 1, 1, grad, loss, vk.Range{}) }); err != nil {
				return err
			}
			return wantNaN(t, loss, 0)
		}})
	}
	return cases
}

func ganTrial(t *Trial, mode GANMode, s [4]int, real int, weight float32, xv []float32) error {
	image := s[1] * s[2] * s[3]
	n := s[0] * image
	x, grad, loss := t.In("logits", s[0], s[1], s[2], s[3], xv), t.Out("grad", s[0], s[1], s[2], s[3]), t.Floats("loss", 1, nil, true)
	scaling, state := t.scaling()
	if err := t.Run(func(p *vk.Program) { GAN(p, mode, x, real, weight, grad, loss, state) }); err != nil {
		return err
	}
	total, sum := 0.0, 0.0
	want, bound := make([]float64, n), make([]float64, n)
	for i := range want {
		isReal := i < real*image
		count := n - real*image
		if isReal {
			count = real * image
		}
		scale := float64(weight) / float64(count)
		value, slope := ganReference(mode, float64(xv[i]), isReal)
		total += scale * value
		sum += scale * math.Abs(value)
		want[i] = scaling * scale * slope
		bound[i] = 8*U*math.Abs(want[i]) + scaling*smallestNormal
	}
	if err := t.Compare(grad, want, bound); err != nil {
		return err
	}
	return t.CompareFloats(loss, []float64{total}, []float64{16*U*sum + smallestNormal})
}

// scaling is a loss scale that gradients of 16 bits are times.
func (t *Trial) scaling() (scale float64, state vk.Range) {
	if t.Element == Float32 {
		return 1, vk.Range{}
	}
	return 256, t.scaleState(ScaleState{Scale: 256}, false)
}

// scaleState declares the state of a loss scale.
func (t *Trial) scaleState(s ScaleState, readBack bool) vk.Range {
	words := make([]uint32, ScaleBytes/4)
	for i, raw := 0, s.Encode(); i < len(words); i++ {
		words[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	return t.Words("loss scale", len(words), words, readBack)
}

// smallestNormal is the error that devices make by taking subnormal numbers for zero.
const smallestNormal = 0x1p-126

// wantNaN wants a NaN in word i of an output: the sentinels of training look for it there.
func wantNaN(t *Trial, r vk.Range, i int) error {
	if w := t.Got(r)[i]; w&0x7f800000 != 0x7f800000 || w&0x007fffff == 0 {
		return fmt.Errorf("%s[%d] is %g, want a NaN, as in the input", r.Name, i, math.Float32frombits(w))
	}
	return nil
}
