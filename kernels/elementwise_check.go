// The references of the element-wise kernels: each is exact, so no error is allowed.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "elementwise", Shaders: append(halves("add", "add_to", "copy"), "fill", "fill_floats"), Cases: elementwiseCases(), Sized: nhwc(elementwiseTrial)})
}

// flatShapes are [N,H,W,C] for the kernels that take one lane a vec4: a lone vec4, ends within a workgroup, all paddings.
var flatShapes = [][4]int{
	{1, 1, 1, 1}, {2, 2, 3, 3}, {3, 17, 7, 5}, {1, 31, 33, 31}, {2, 33, 31, 64}, {1, 63, 65, 65}, {3, 65, 63, 1}, {1, 129, 65, 3},
}

func elementwiseCases() (cases []Case) {
	for _, s := range flatShapes {
		cases = append(cases,
			Case{fmt.Sprint("add ", s), func(t *Trial) error { return addTrial(t, s, false) }},
			Case{fmt.Sprint("add in place ", s), func(t *Trial) error { return addTrial(t, s, true) }},
			Case{fmt.Sprint("copy ", s), func(t *Trial) error { return copyTrial(t, s) }})
	}
	cases = append(cases, in16(cases[:18])...)
	for _, floats := range []int{1, 2, 4, 7, 255, 256, 4099, 65535*stripSize + 1} {
		cases = append(cases, Case{fmt.Sprint("fill ", floats), func(t *Trial) error { return fillTrial(t, floats) }})
	}
	return cases
}

// elementwiseTrial runs one of the shaders on tensors, or a fill of as many floats; fill_floats is for one more.
func elementwiseTrial(t *Trial, shader string, s [4]int) error {
	floats := s[0] * s[1] * s[2] * Stride(s[3])
	switch shader {
	case "copy":
		return copyTrial(t, s)
	case "fill":
		return fillTrial(t, floats)
	case "fill_floats":
		return fillTrial(t, floats+1)
	}
	return addTrial(t, s, shader == "add_to")
}

func addTrial(t *Trial, s [4]int, inPlace bool) error {
	n := s[0] * s[1] * s[2] * s[3]
	av, bv := t.Random(n, 0, 1), t.Random(n, 0, 100)
	a := t.In("a", s[0], s[1], s[2], s[3], av)
	b, sum := Tensor{}, Tensor{}
	if inPlace {
		sum = t.InOut("sum", s[0], s[1], s[2], s[3], bv)
	} else {
		b, sum = t.In("b", s[0], s[1], s[2], s[3], bv), t.Out("sum", s[0], s[1], s[2], s[3])
	}
	err := t.Run(func(p *vk.Program) {
		if inPlace {
			AddTo(p, a, sum)
		} else {
			Add(p, a, b, sum)
		}
	})
	if err != nil {
		return err
	}
	want := make([]float64, n)
	for i := range want {
		want[i] = float64(av[i] + bv[i])
	}
	return t.Compare(sum, want, make([]float64, n))
}

func copyTrial(t *Trial, s [4]int) error {
	n := t.Element.Bytes(s[0], s[1], s[2], s[3]) / 4
	in := make([]uint32, n)
	for i := range in {
		in[i] = t.Rand.Uint32() // NaNs and denormals among them
	}
	src := Tensor{t.Words("src", n, in, false), s[0], s[1], s[2], s[3], t.Element}
	dst := t.Out("dst", s[0], s[1], s[2], s[3])
	if err := t.Run(func(p *vk.Program) { Copy(p, src, dst) }); err != nil {
		return err
	}
	return equalWords(t, dst.Range, in)
}

func fillTrial(t *Trial, floats int) error {
	dst := t.Floats("dst", floats, nil, true)
	if err := t.Run(func(p *vk.Program) { Fill(p, dst, -1.5) }); err != nil {
		return err
	}
	want := make([]uint32, floats)
	for i := range want {
		want[i] = math.Float32bits(-1.5)
	}
	return equalWords(t, dst, want)
}

// equalWords holds an output against want, bit for bit.
func equalWords(t *Trial, r vk.Range, want []uint32) error {
	return each(t.Got(r), func(i int, got uint32) error {
		if got != want[i] {
			return fmt.Errorf("%s[%d]: got %#08x, want %#08x", r.Name, i, got, want[i])
		}
		return nil
	})
}
