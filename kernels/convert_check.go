// The reference of conversions: the host's.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	var cases []Case
	for i, s := range flatShapes {
		e := []Element{Float16, BFloat16}[i%2]
		cases = append(cases, Case{fmt.Sprint(s, " ", e), func(t *Trial) error { return convertTrial(t, s, e) }})
	}
	register(Check{Name: "convert", Shaders: []string{"narrow", "widen"}, Cases: cases, Sized: nhwc(func(t *Trial, _ string, s [4]int) error {
		return convertTrial(t, s, Float16)
	})})
}

// convertTrial goes both ways at once.
func convertTrial(t *Trial, s [4]int, e Element) error {
	n := s[0] * s[1] * s[2] * s[3]
	fromv := t.Random(n, 0, 1)
	for i := range fromv {
		fromv[i] *= float32(math.Ldexp(1, i%40-26)) // of all magnitudes
	}
	from, wide := t.In("from", s[0], s[1], s[2], s[3], fromv), t.Out("wide", s[0], s[1], s[2], s[3])
	t.Element = e
	heldv := t.Random(n, 0, 1)
	held, narrow := t.In("held", s[0], s[1], s[2], s[3], heldv), t.Out("narrow", s[0], s[1], s[2], s[3])
	if err := t.Run(func(p *vk.Program) { Convert(p, from, narrow); Convert(p, held, wide) }); err != nil {
		return err
	}
	if err := t.Compare(wide, widen(heldv), make([]float64, n)); err != nil {
		return err
	}
	t.round(fromv)
	return each(t.elements(narrow), func(i int, got uint32) error {
		want := float32(0) // padding
		if pixel, c := i/Stride(s[3]), i%Stride(s[3]); c < s[3] {
			want = fromv[pixel*s[3]+c]
		}
		if got != math.Float32bits(want) {
			return fmt.Errorf("narrow[%d]: got %g, want %g", i, math.Float32frombits(got), want)
		}
		return nil
	})
}
