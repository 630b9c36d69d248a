// Cutting an axis: every output once, in order, by a tile that sees all of its input.

package cyclegan

import (
	"slices"
	"testing"

	"cyclevk/kernels"
)

func TestCut(t *testing.T) {
	for name, c := range map[string]convolution{
		"7x7 reflect":     kernels.Conv{In: 1, Out: 1, Kernel: 7, Stride: 1, Pad: 3, Reflect: true},
		"3x3":             kernels.Conv{In: 1, Out: 1, Kernel: 3, Stride: 1, Pad: 1},
		"3x3 stride 2":    kernels.Conv{In: 1, Out: 1, Kernel: 3, Stride: 2, Pad: 1},
		"4x4 stride 2":    kernels.Conv{In: 1, Out: 1, Kernel: 4, Stride: 2, Pad: 1},
		"1x1":             kernels.Conv{In: 1, Out: 1, Kernel: 1, Stride: 1},
		"transposed 3x3":  kernels.ConvTranspose{In: 1, Out: 1, Kernel: 3, Stride: 2, Pad: 1, OutPad: 1},
		"transposed 4x4":  kernels.ConvTranspose{In: 1, Out: 1, Kernel: 4, Stride: 2, Pad: 1},
		"transposed, odd": kernels.ConvTranspose{In: 1, Out: 1, Kernel: 3, Stride: 2, Pad: 1},
	} {
		r, ok := reachOf(c)
		if !ok {
			t.Fatal(name)
		}
		if name == "3x3" {
			r = r.grained(2)
		}
		cuts := 0
		for size := 8; size <= 41; size++ {
			for _, n := range r.sizes(size) {
				spans := r.cut(size, n)
				if spans == nil {
					continue
				}
				cuts++
				next := 0
				for _, s := range spans {
					if s.in < 0 || s.in+n > size || s.in%r.step != 0 {
						t.Fatalf("%s: %d in tiles of %d: tile at %d", name, size, n, s.in)
					}
					if s.out != next {
						t.Fatalf("%s: %d in tiles of %d: output %d follows %d", name, size, n, s.out, next)
					}
					for o := s.from; o < s.to; o++ {
						whole, part := taps(c, size, s.out+o-s.from), taps(c, n, o)
						for i := range part {
							part[i] += s.in
						}
						if !slices.Equal(whole, part) {
							t.Fatalf("%s: %d in tiles of %d: output %d reads %v, in the tile at %d %v", name, size, n, s.out+o-s.from, whole, s.in, part)
						}
					}
					next += s.to - s.from
				}
				if next != c.OutSize(size) {
					t.Fatalf("%s: %d in tiles of %d: %d outputs, want %d", name, size, n, next, c.OutSize(size))
				}
			}
		}
		if cuts < 300 {
			t.Errorf("%s: only %d cuts", name, cuts)
		}
	}
}

// taps are the inputs that output o reads along an axis of n inputs, in the order of the kernel.
func taps(c convolution, n, o int) (in []int) {
	switch c := c.(type) {
	case kernels.Conv:
		for k := range c.Kernel {
			i := o*c.Stride - c.Pad + k
			if c.Reflect && i < 0 {
				i = -i
			}
			if c.Reflect && i >= n {
				i = 2*(n-1) - i
			}
			if i >= 0 && i < n {
				in = append(in, i)
			}
		}
	case kernels.ConvTranspose:
		for k := range c.Kernel {
			if at := o + c.Pad - k; at >= 0 && at%c.Stride == 0 && at/c.Stride < n {
				in = append(in, at/c.Stride)
			}
		}
	}
	return in
}
