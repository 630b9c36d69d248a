// The reference of dropout: the same random numbers, drawn one by one. It is exact.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "dropout", Shaders: halves("dropout"), Cases: dropoutCases(), Sized: nhwc(func(t *Trial, _ string, s [4]int) error {
		return dropoutTrial(t, s, 0.5, false, 1)
	})})
}

func dropoutCases() (cases []Case) {
	rates := []float32{0.5, 0, 0.1, 0.999}
	for i, s := range flatShapes {
		cases = append(cases, Case{fmt.Sprint(s), func(t *Trial) error {
			return dropoutTrial(t, s, rates[i%len(rates)], i%3 == 1, i%4)
		}})
	}
	return append(cases, in16(every(3, cases))...)
}

func dropoutTrial(t *Trial, s [4]int, rate float32, inPlace bool, first int) error {
	n := s[0] * s[1] * s[2] * s[3]
	xv := t.Random(n, 0, 1)
	seedWords := []uint32{t.Rand.Uint32(), t.Rand.Uint32(), t.Rand.Uint32(), 0}
	seed, layer := t.Words("seed", SeedWords, seedWords, false), t.Rand.Uint32()
	x, y := Tensor{}, Tensor{}
	if inPlace {
		x = t.InOut("x", s[0], s[1], s[2], s[3], xv)
		y = x
	} else {
		x, y = t.In("x", s[0], s[1], s[2], s[3], xv), t.Out("y", s[0], s[1], s[2], s[3])
	}
	if err := t.Run(func(p *vk.Program) { Dropout(p, x, y, rate, seed, layer, first) }); err != nil {
		return err
	}
	want := make([]float64, n)
	for i := range want {
		if kept((first*s[1]*s[2]+i/s[3])*Stride(s[3])+i%s[3], rate, seedWords, layer) {
			want[i] = float64(xv[i] * (1 / (1 - rate)))
		}
	}
	return t.Compare(y, want, make([]float64, n))
}

// kept is dropout's decision for one element, padding counted.
func kept(element int, rate float32, seed []uint32, layer uint32) bool {
	draw := Philox([4]uint32{uint32(element / 4), layer, seed[2], 0}, [2]uint32{seed[0], seed[1]})
	return float64(draw[element%4]) >= float64(rate)*(1<<32)
}
