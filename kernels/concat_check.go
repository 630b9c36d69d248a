// The reference of concatenation: values are moved, which is exact, and activated; in the gradient multiplied once and added once.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "concat", Shaders: halves("concat", "concat_grad", "concat_grad_add"), Cases: concatCases(), Sized: sized("N,H,W,A,B", [][]int{{1, 64, 64, 128, 128}},
		halved(func(t *Trial, _ string, v []int) error { return concatCase{v[0], v[1], v[2], v[3], v[4]}.run(t, ReLU) }))})
}

func concatCases() (cases []Case) {
	for i, k := range []concatCase{
		{1, 1, 1, 1, 1},
		{2, 3, 2, 1, 3}, // one vec4 of both
		{1, 17, 7, 3, 5},
		{2, 5, 33, 5, 2}, // ends within a vec4
		{1, 31, 9, 4, 4},
		{3, 9, 5, 8, 31},
		{1, 65, 63, 64, 64},
		{1, 2, 2, 65, 1},
	} {
		for j, act := range []Activation{None, ReLU, LeakyReLU} {
			if i%3 == j || i == 3 {
				cases = append(cases, Case{fmt.Sprint(k, " ", act), func(t *Trial) error { return k.run(t, act) }})
			}
		}
	}
	return append(cases, in16(every(2, cases))...)
}

// concatCase is images of [n,h,w] with a and b channels.
type concatCase struct{ n, h, w, a, b int }

func (k concatCase) run(t *Trial, act Activation) error {
	pixels, c := k.n*k.h*k.w, k.a+k.b
	av, bv, yv := t.Random(pixels*k.a, 0, 1), t.Random(pixels*k.b, 0, 1), t.Random(pixels*c, 0, 1)
	dyv, old := t.Random(pixels*c, 0, 1), t.Random(pixels*k.b, 0, 1)
	tensor := func(name string, c int, v []float32) Tensor { return t.In(name, k.n, k.h, k.w, c, v) }
	a, b, dy, saved := tensor("a", k.a, av), tensor("b", k.b, bv), tensor("dy", c, dyv), tensor("saved y", c, yv)
	y, da := t.Out("y", k.n, k.h, k.w, c), t.Out("da", k.n, k.h, k.w, k.a)
	db := t.InOut("db", k.n, k.h, k.w, k.b, old)
	err := t.Run(func(p *vk.Program) {
		Concat(p, act, a, b, y)
		ConcatGrad(p, act, saved, dy, 0, da, false)
		ConcatGrad(p, act, saved, dy, k.a, db, true)
	})
	if err != nil {
		return err
	}
	want := map[string]bounded{"y": newBounded(pixels * c), "da": newBounded(pixels * k.a), "db": newBounded(pixels * k.b)}
	for i := range pixels * c {
		pixel, ch := i/c, i%c
		g := float64(dyv[i]) * act.slope(float64(yv[i]))
		v, bound := 0.0, 16*U*math.Abs(g)
		if ch < k.a {
			v = float64(av[pixel*k.a+ch])
			want["da"].set(pixel*k.a+ch, g, bound)
		} else {
			at := pixel*k.b + ch - k.a
			v = float64(bv[at])
			want["db"].set(at, float64(old[at])+g, bound+16*U*math.Abs(float64(old[at])))
		}
		if v = act.value(v); act == LeakyReLU {
			bound = 2 * U * math.Abs(v) // the slope and the product are rounded
		} else {
			bound = 0
		}
		want["y"].set(i, v, bound)
	}
	for _, x := range []Tensor{y, da, db} {
		if err := t.Compare(x, want[x.Name].want, want[x.Name].bound); err != nil {
			return err
		}
	}
	return nil
}
