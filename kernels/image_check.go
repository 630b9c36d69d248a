// The references of upload and quantisation: the official fp32 formulas, equal to the bit.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "image_upload", Shaders: halves("image_upload"), Cases: uploadCases(), Sized: sized("N,H,W,C", [][]int{{1, 256, 256, 3}},
		halved(func(t *Trial, _ string, v []int) error { return uploadTrial(t, [4]int(v), 8) }))})
	register(Check{Name: "image_quantise", Shaders: halves("image_quantise"), Cases: quantiseCases(), Sized: sized("N,H,W,C", [][]int{{1, 256, 256, 3}},
		halved(func(t *Trial, _ string, v []int) error {
			return quantiseTrial(t, [4]int(v), 8, t.Random(v[0]*v[1]*v[2]*v[3], 0, 0.6))
		}))})
}

// most is the largest sample of a depth.
func most(bits int) float32 { return float32(uint32(1)<<bits - 1) }

// uploadReference is torchvision's ToTensor and Normalize(0.5, 0.5) in fp32.
func uploadReference(v uint16, bits int) float32 {
	y := float32(v) / most(bits)
	return (y - 0.5) / 0.5
}

// quantiseReference is the official tensor2im in fp32, with what lies outside of [0, most] clamped. A NaN is 0.
func quantiseReference(x float32, bits int) uint16 {
	grey := float32(x+1) / 2 * most(bits)
	switch {
	case grey >= most(bits):
		return uint16(most(bits))
	case grey > 0:
		return uint16(grey)
	}
	return 0
}

var imageShapes = [][4]int{{1, 1, 1, 1}, {3, 1, 1, 3}, {1, 17, 31, 3}, {2, 7, 3, 5}, {1, 16, 16, 1}, {3, 33, 2, 4}, {1, 2, 3, 65}, {2, 65, 63, 3}, {1, 5, 3, 2}}

var depths = []int{8, 16}

func uploadCases() (cases []Case) {
	for _, bits := range depths {
		for _, s := range imageShapes {
			cases = append(cases, Case{fmt.Sprint(bits, " bits ", s), func(t *Trial) error { return uploadTrial(t, s, bits) }})
		}
	}
	cases = append(cases, Case{"every 16-bit sample", func(t *Trial) error { return uploadTrial(t, [4]int{1, 256, 256, 1}, 16) }})
	return append(cases, in16(every(3, cases))...)
}

// uploadTrial counts through the samples, beginning anywhere.
func uploadTrial(t *Trial, s [4]int, bits int) error {
	n, start := s[0]*s[1]*s[2]*s[3], t.Rand.IntN(1<<bits)
	samples := make([]uint16, n)
	want := make([]float64, n)
	for i := range samples {
		samples[i] = uint16((start + i) % (1 << bits))
		want[i] = float64(uploadReference(samples[i], bits))
	}
	words := packed(samples, bits)
	in, x := t.Words("pixels", len(words), words, false), t.Out("x", s[0], s[1], s[2], s[3])
	if err := t.Run(func(p *vk.Program) { Upload(p, in, bits, x) }); err != nil {
		return err
	}
	return t.Compare(x, want, make([]float64, n))
}

func quantiseCases() (cases []Case) {
	for _, bits := range depths {
		for _, s := range imageShapes {
			cases = append(cases, Case{fmt.Sprint(bits, " bits ", s), func(t *Trial) error {
				return quantiseTrial(t, s, bits, t.Random(s[0]*s[1]*s[2]*s[3], 0, 0.6))
			}})
		}
		cases = append(cases, Case{fmt.Sprint(bits, " bits out of range"), func(t *Trial) error {
			inf := float32(math.Inf(1))
			return quantiseTrial(t, [4]int{1, 3, 3, 1}, bits, []float32{-1, 1, -1.001, 1.001, 1e30, -1e30, inf, -inf, float32(math.NaN())})
		}})
		cases = append(cases, Case{fmt.Sprint(bits, " bits, steps and their neighbours"), func(t *Trial) error {
			var x []float32
			for i := range 256 { // all bytes, or every 257th sample
				v := uint16(i * (1<<bits - 1) / 255)
				at := float32(2*float64(v)/float64(most(bits)) - 1)
				x = append(x, at, math.Nextafter32(at, -2), math.Nextafter32(at, 2), uploadReference(v, bits))
			}
			return quantiseTrial(t, [4]int{1, 32, 32, 1}, bits, x)
		}})
	}
	return append(cases, in16(every(3, cases))...)
}

func quantiseTrial(t *Trial, s [4]int, bits int, values []float32) error {
	t.round(values)
	samples := make([]uint16, len(values))
	for i, v := range values {
		samples[i] = quantiseReference(v, bits)
	}
	want := packed(samples, bits)
	x, out := t.In("x", s[0], s[1], s[2], s[3], values), t.Words("pixels", len(want), nil, true)
	if err := t.Run(func(p *vk.Program) { Quantise(p, x, out, bits) }); err != nil {
		return err
	}
	return equalWords(t, out, want)
}

// packed is samples as little-endian words, the last one filled up with zeros.
func packed(samples []uint16, bits int) []uint32 {
	each := 32 / bits
	w := make([]uint32, (len(samples)+each-1)/each)
	for i, v := range samples {
		w[i/each] |= uint32(v) << (i % each * bits)
	}
	return w
}
