// The reference of nearest-neighbour enlargement: forward it moves values, backward it adds four of them.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "upsample", Shaders: halves("upsample", "upsample_grad", "upsample_grad_add"), Cases: upsampleCases(), Sized: nhwc(func(t *Trial, shader string, s [4]int) error {
		return upsampleTrial(t, s, shader == "upsample_grad_add")
	})})
}

func upsampleCases() (cases []Case) {
	for i, s := range [][4]int{{1, 1, 1, 1}, {2, 3, 2, 3}, {3, 7, 5, 5}, {1, 17, 31, 8}, {2, 31, 9, 65}, {1, 64, 63, 4}} {
		cases = append(cases, Case{fmt.Sprint(s), func(t *Trial) error { return upsampleTrial(t, s, i%2 == 1) }})
	}
	return append(cases, in16(every(3, cases))...)
}

func upsampleTrial(t *Trial, s [4]int, accumulate bool) error {
	n, h, w, c := s[0], s[1], s[2], s[3]
	xv, dyv, old := t.Random(n*h*w*c, 0, 1), t.Random(4*n*h*w*c, 0, 1), t.Random(n*h*w*c, 0, 10)
	x, dy := t.In("x", n, h, w, c, xv), t.In("dy", n, 2*h, 2*w, c, dyv)
	y, dx := t.Out("y", n, 2*h, 2*w, c), t.InOut("dx", n, h, w, c, old)
	if err := t.Run(func(p *vk.Program) { Upsample(p, x, y); UpsampleGrad(p, dy, dx, accumulate) }); err != nil {
		return err
	}
	moved, grad := newBounded(len(dyv)), newBounded(len(xv))
	for i, v := range old {
		if accumulate {
			grad.set(i, float64(v), 16*U*math.Abs(float64(v)))
		}
	}
	for i, g := range dyv {
		ch, column, row := i%c, i/c%(2*w), i/c/(2*w) // rows of all images
		at := (row/2*w+column/2)*c + ch
		moved.set(i, float64(xv[at]), 0)
		grad.set(at, grad.want[at]+float64(g), grad.bound[at]+16*U*math.Abs(float64(g)))
	}
	if err := t.Compare(y, moved.want, moved.bound); err != nil {
		return err
	}
	return t.Compare(dx, grad.want, grad.bound)
}
