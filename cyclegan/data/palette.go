// The colours of a picture that has to do with few: median cut (Heckbert, "Color image quantization for frame buffer display",
// SIGGRAPH 1982).

package data

import (
	"cmp"
	"image/color"
	"slices"
)

// bin is the pixels whose colours agree in the first 5 bits of each channel.
type bin struct {
	sum [3]int // of their colours
	n   int
}

// mean is a channel of the bin's colour.
func (b bin) mean(c int) int { return b.sum[c] / b.n }

// box is a part of the colours.
type box struct {
	bins []bin
	axis int // the channel in which they spread most
	cost int // how much that is, times the number of pixels; 0 where the box cannot be halved
}

// medianCut returns at most n colours for the opaque pixels of m, which has 8 bits: boxes of colours are halved, the costliest
// first, and each gives its mean.
func medianCut(m *Image, n int) (palette color.Palette) {
	all := bins(m)
	if len(all) == 0 {
		return nil
	}
	boxes := []box{newBox(all)}
	for len(boxes) < n {
		worst := 0
		for i, b := range boxes {
			if b.cost > boxes[worst].cost {
				worst = i
			}
		}
		if boxes[worst].cost == 0 {
			break
		}
		low, high := boxes[worst].halve()
		boxes[worst] = low
		boxes = append(boxes, high)
	}
	for _, b := range boxes {
		all := sum(b.bins)
		palette = append(palette, color.RGBA{uint8(all.mean(0)), uint8(all.mean(1)), uint8(all.mean(2)), 255})
	}
	return palette
}

func sum(bins []bin) (all bin) {
	for _, b := range bins {
		all.n += b.n
		for c := range all.sum {
			all.sum[c] += b.sum[c]
		}
	}
	return all
}

// bins are those of m that are not empty.
func bins(m *Image) []bin {
	all := make([]bin, 1<<15)
	for i := range m.W * m.H {
		var v [3]int
		p := m.Pix[i*m.C:][:m.C]
		if m.C == 4 && p[3] == 0 {
			continue
		}
		for c := range v {
			v[c] = int(p[min(c, m.C-1)])
		}
		b := &all[v[0]>>3<<10|v[1]>>3<<5|v[2]>>3]
		b.n++
		for c := range v {
			b.sum[c] += v[c]
		}
	}
	return slices.DeleteFunc(all, func(b bin) bool { return b.n == 0 })
}

func newBox(bins []bin) box {
	b, length := box{bins: bins}, 0
	for c := range 3 {
		low, high := 255, 0
		for _, in := range bins {
			low, high = min(low, in.mean(c)), max(high, in.mean(c))
		}
		if high-low > length {
			b.axis, length = c, high-low
		}
	}
	b.cost = length * sum(bins).n
	return b
}

// halve cuts a box so that both sides have about as many pixels.
func (b box) halve() (low, high box) {
	slices.SortStableFunc(b.bins, func(x, y bin) int { return cmp.Compare(x.mean(b.axis), y.mean(b.axis)) })
	half := sum(b.bins).n / 2
	at, seen := 1, b.bins[0].n
	for ; at < len(b.bins)-1 && seen < half; at++ {
		seen += b.bins[at].n
	}
	return newBox(b.bins[:at]), newBox(b.bins[at:])
}
