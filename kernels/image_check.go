// The references of upload and quantisation: the official fp32 formulas, equal to the bit.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "image_upload", Shaders: []string{"image_upload"}, Cases: uploadCases()})
	register(Check{Name: "image_quantise", Shaders: []string{"image_quantise"}, Cases: quantiseCases()})
}

// uploadReference is torchvision's ToTensor and Normalize(0.5, 0.5) in fp32.
func uploadReference(v byte) float32 {
	y := float32(v) / 255
	return (y - 0.5) / 0.5
}

// quantiseReference is the official tensor2im in fp32, with what lies outside of [0, 255] clamped. A NaN is 0.
func quantiseReference(x float32) byte {
	grey := float32(x+1) / 2 * 255
	switch {
	case grey >= 255:
		return 255
	case grey > 0:
		return byte(grey)
	}
	return 0
}

var imageShapes = [][4]int{{1, 1, 1, 1}, {3, 1, 1, 3}, {1, 17, 31, 3}, {2, 7, 3, 5}, {1, 16, 16, 1}, {3, 33, 2, 4}, {1, 2, 3, 65}, {2, 65, 63, 3}}

func uploadCases() (cases []Case) {
	for _, s := range imageShapes {
		cases = append(cases, Case{fmt.Sprint(s), func(t *Trial) error { return uploadTrial(t, s) }})
	}
	return cases
}

// uploadTrial counts through all 256 values, beginning anywhere.
func uploadTrial(t *Trial, s [4]int) error {
	n, start := s[0]*s[1]*s[2]*s[3], t.Rand.IntN(256)
	pixels := make([]byte, n)
	want := make([]float64, n)
	for i := range pixels {
		pixels[i] = byte(start + i)
		want[i] = float64(uploadReference(pixels[i]))
	}
	in, x := t.Words("pixels", (n+3)/4, packed(pixels), false), t.Out("x", s[0], s[1], s[2], s[3])
	if err := t.Run(func(p *vk.Program) { Upload(p, in, x) }); err != nil {
		return err
	}
	return t.Compare(x, want, make([]float64, n))
}

func quantiseCases() (cases []Case) {
	for _, s := range imageShapes {
		cases = append(cases, Case{fmt.Sprint(s), func(t *Trial) error {
			return quantiseTrial(t, s, t.Random(s[0]*s[1]*s[2]*s[3], 0, 0.6))
		}})
	}
	return append(cases,
		Case{"every step and its neighbours", func(t *Trial) error {
			var x []float32
			for v := range 256 {
				at := float32(2*float64(v)/255 - 1)
				x = append(x, at, math.Nextafter32(at, -2), math.Nextafter32(at, 2), uploadReference(byte(v)))
			}
			return quantiseTrial(t, [4]int{1, 32, 32, 1}, x)
		}},
		Case{"out of range", func(t *Trial) error {
			inf := float32(math.Inf(1))
			return quantiseTrial(t, [4]int{1, 3, 3, 1}, []float32{-1, 1, -1.001, 1.001, 1e30, -1e30, inf, -inf, float32(math.NaN())})
		}})
}

func quantiseTrial(t *Trial, s [4]int, values []float32) error {
	n := len(values)
	x, out := t.In("x", s[0], s[1], s[2], s[3], values), t.Words("pixels", (n+3)/4, nil, true)
	if err := t.Run(func(p *vk.Program) { Quantise(p, x, out) }); err != nil {
		return err
	}
	want := make([]byte, n)
	for i, v := range values {
		want[i] = quantiseReference(v)
	}
	return equalWords(t, out, packed(want))
}

// packed is bytes as little-endian words, the last one filled up with zeros.
func packed(b []byte) []uint32 {
	w := make([]uint32, (len(b)+3)/4)
	for i, v := range b {
		w[i/4] |= uint32(v) << (i % 4 * 8)
	}
	return w
}
