// Where a picture is cut into tiles: along each axis by itself, so that every output of a convolution is made by one tile that
// holds all the input it needs, and padding is only ever that of the picture's own border.

package cyclegan

import (
	"sort"

	"cyclevk/kernels"
)

// reach is how outputs depend on inputs along an axis of a convolution.
type reach struct {
	step int // a tile may begin at a multiple of this
	up   int // and its outputs then begin at up for each step

	// complete says which outputs of a tile of n inputs amid a picture miss no input: from, to, and how many there are in all.
	complete func(n int) (from, to, all int)
}

// reachOf follows from the definitions of both: output o of a convolution reads inputs o s - p to o s - p + k - 1, and input i of
// a transposed one adds to outputs i s - p to i s - p + k - 1.
func reachOf(c convolution) (r reach, ok bool) {
	switch c := c.(type) {
	case kernels.Conv:
		return reach{c.Stride, 1, func(n int) (int, int, int) {
			return (c.Pad + c.Stride - 1) / c.Stride, (n-c.Kernel+c.Pad)/c.Stride + 1, c.OutSize(n)
		}}, true
	case kernels.ConvTranspose:
		return reach{1, c.Stride, func(n int) (int, int, int) {
			return max(0, c.Kernel-c.Stride-c.Pad), n*c.Stride - c.Pad, c.OutSize(n)
		}}, true
	}
	return reach{}, false
}

// grained is r where tiles begin at multiples of a grain.
func (r reach) grained(grain int) reach { return reach{r.step * grain, r.up * grain, r.complete} }

// span is one tile along an axis: it reads inputs from in on, and its own outputs from to to-1 become the picture's from out on.
type span struct{ in, from, to, out int }

// cut covers an axis of size inputs with tiles of n inputs each. It returns nil where so short a tile makes no progress. size - n
// must be a multiple of step.
func (r reach) cut(size, n int) (spans []span) {
	_, _, end := r.complete(size)
	from, to, all := r.complete(n)
	for done := 0; done < end; {
		s := span{in: 0, to: to, out: done}
		if done > 0 {
			s.in = max(0, min((done-from)/r.up*r.step, size-n))
		}
		if s.in+n == size {
			s.to = all
		}
		s.from = done - s.in/r.step*r.up
		if s.to <= s.from {
			return nil
		}
		spans = append(spans, s)
		done += s.to - s.from
	}
	return spans
}

// sizes are the lengths that a tile of an axis may have, longest first.
func (r reach) sizes(size int) (n []int) {
	for ; size > 0; size -= r.step {
		n = append(n, size)
	}
	return n
}

// shortest is the shortest tile of which at most some number cover an axis.
func (r reach) shortest(size, tiles int) int {
	n := r.sizes(size)
	return n[sort.Search(len(n), func(i int) bool {
		spans := r.cut(size, n[i])
		return spans == nil || len(spans) > tiles
	})-1]
}

// pointwise is the reach of what treats every pixel by itself.
var pointwise = reach{1, 1, func(n int) (int, int, int) { return 0, n, n }}
