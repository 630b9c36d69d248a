// The reference of the way in: a triangle filter by distances in real numbers, and Upload's samples where nothing is scaled.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	shaders := []string{"live_fit", "live_fit_across", "live_fit_down"}
	register(Check{Name: "live_fit", Shaders: shaders, Cases: liveFitCases(), Sized: sized("FRAMEH,FRAMEW", [][]int{{480, 640}}, func(t *Trial, shader string, v []int) error {
		side := 256 // of the canvas, onto which the frame's shorter side is brought
		if shader != "live_fit" {
			side = min(v[0], v[1]) / fitApart &^ 3
		}
		short := min(v[0], v[1])
		return liveFitTrial(t, Fit{v[1], v[0], side, side, short, side}, 3)
	})})
}

func liveFitCases() (cases []Case) {
	for _, f := range []Fit{
		{1, 1, 8, 8, 1, 8},
		{17, 9, 17, 9, 9, 9},
		{18, 11, 16, 8, 11, 11}, // cropped by odd and even
		{64, 48, 8, 8, 48, 8},
		{13, 31, 24, 40, 13, 27},
		{37, 40, 12, 12, 37, 12},
		{20, 70, 8, 12, 20, 8}, // cropped, and so only some lines filtered apart
		{97, 71, 8, 8, 71, 8},
		{37, 23, 56, 36, 23, 37},
		{1, 40, 8, 32, 1, 8},
		{1920, 12, 32, 8, 12, 8},
		{7680, 6, 5116, 4, 6, 4},
	} {
		for _, c := range []int{1, 3} {
			cases = append(cases, Case{fmt.Sprintf("%dx%d to %dx%d, %d channels", f.FrameW, f.FrameH, f.W, f.H, c), func(t *Trial) error { return liveFitTrial(t, f, c) }})
		}
	}
	return cases
}

// filter is the taps of a canvas pixel among the n of a line of the frame, with weights that sum to 1.
func (f Fit) filter(i, n, canvas int) (taps []int, weight []float64) {
	if f.Num == f.Den {
		return []int{i + (n-canvas)/2}, []float64{1}
	}
	scale := float64(f.Num) / float64(f.Den)
	centre, support, sum := (float64(n)-float64(canvas)*scale)/2+(float64(i)+0.5)*scale, max(1, scale), 0.0
	for k := range n {
		if w := 1 - math.Abs(float64(k)+0.5-centre)/support; w > 0 {
			taps, weight, sum = append(taps, k), append(weight, w), sum+w
		}
	}
	for k := range weight {
		weight[k] /= sum
	}
	return taps, weight
}

func liveFitTrial(t *Trial, f Fit, c int) error {
	samples := make([]uint16, f.FrameW*f.FrameH*3)
	for i := range samples {
		samples[i] = uint16(t.Rand.IntN(256))
	}
	source := func(row, column, channel int) float64 {
		p := samples[3*(row*f.FrameW+column):]
		if c == 1 {
			return float64((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 0x8000) >> 16)
		}
		return float64(p[channel])
	}
	words := packed(samples, 8)
	frame, x := t.Words("frame", len(words), words, false), t.Out("x", 1, f.H, f.W, c)
	if err := t.Run(func(p *vk.Program) { LiveFit(p, frame, f, x) }); err != nil {
		return err
	}
	want := newBounded(f.H * f.W * c)
	for i := range f.H {
		rows, down := f.filter(i, f.FrameH, f.H)
		for j := range f.W {
			columns, across := f.filter(j, f.FrameW, f.W)
			for ch := range c {
				v := 0.0
				for a, row := range rows {
					for b, column := range columns {
						v += down[a] * across[b] * source(row, column, ch)
					}
				}
				at := (i*f.W+j)*c + ch
				if f.Num == f.Den {
					want.set(at, float64(uploadReference(uint16(v), 8)), 0)
				} else {
					want.set(at, v/127.5-1, 2*float64(len(rows)+len(columns)+16)*U)
				}
			}
		}
	}
	return t.Compare(x, want.want, want.bound)
}
