// The reference of the guard, and its cases. Everything is exact.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "finite", Shaders: []string{"finite"}, Cases: finiteCases(), Sized: sized("VALUES", [][]int{{1 << 20}}, func(t *Trial, _ string, v []int) error {
		return finiteTrial(t, roundUp(v[0], 4), 0, Infinite, 0, nil)
	})})
}

func finiteCases() (cases []Case) {
	add := func(name string, n int, limit uint32, before uint32, spoil map[int]uint32) {
		cases = append(cases, Case{name, func(t *Trial) error { return finiteTrial(t, n, 1000, limit, before, spoil) }})
	}
	const (
		infinity, minusInfinity = 0x7f800000, 0xff800000
		quiet, signalling       = 0x7fc00000, 0xff800001
		largest, denormal       = 0xff7fffff, 0x807fffff
	)
	for _, n := range []int{4, 252, 256, 260, 4 * 1025} {
		add(fmt.Sprintf("%d healthy values", n), n, Infinite, 0, map[int]uint32{0: largest, 1: denormal})
		for _, at := range []int{0, n / 2, n - 1} {
			add(fmt.Sprintf("%d values, number %d", n, at), n, Infinite, 0, map[int]uint32{at: infinity})
		}
	}
	for name, word := range map[string]uint32{"infinity": infinity, "-infinity": minusInfinity, "NaN": quiet, "signalling NaN": signalling} {
		add(name, 64, Infinite, 0, map[int]uint32{37: word})
	}
	everywhere := map[int]uint32{}
	for i := range 4 * 1025 {
		everywhere[i] = quiet
	}
	add("NaN everywhere", len(everywhere), Infinite, 0, everywhere)
	add("the first of three", 4*1025, Infinite, 0, map[int]uint32{4000: quiet, 1030: infinity, 1031: quiet})
	add("what was found stays", 64, Infinite, ^uint32(12), nil)
	add("square overflows", 64, Unsquarable, 0, map[int]uint32{9: math.Float32bits(-0x1p63)})
	add("square just finite", 64, Unsquarable, 0, map[int]uint32{9: math.Float32bits(0x1.fffffep62)})
	return cases
}

// finiteTrial looks through n random values, some replaced by other words, of which the first is number index.
func finiteTrial(t *Trial, n, index int, limit, before uint32, spoil map[int]uint32) error {
	values := bits(t.Random(n, 0, 1))
	for i, word := range spoil {
		values[i] = word
	}
	want := before
	for i, word := range values {
		if word&0x7fffffff >= limit {
			want = max(want, ^uint32(index+i))
			break
		}
	}
	vr, word := t.Words("values", n, values, false), t.Words("word", 1, []uint32{before}, true)
	if err := t.Run(func(p *vk.Program) { Finite(p, vr, index, limit, word) }); err != nil {
		return err
	}
	return equalWords(t, word, []uint32{want})
}

// guard declares a guard of some words, one of which may be set (-1: none), amid others that are no guards.
func (t *Trial) guard(guards, set int) vk.Range {
	words := make([]uint32, guards*vk.Alignment/4)
	for i := range words {
		words[i] = 0xFFFFFFFF
	}
	for i := range guards {
		words[i*vk.Alignment/4] = 0
	}
	if set >= 0 {
		words[set*vk.Alignment/4] = ^uint32(3)
	}
	return t.Words("guard", len(words), words, false)
}
