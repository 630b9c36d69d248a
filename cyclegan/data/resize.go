// Pillow's antialiased bicubic, to the bit, so that a model sees the same pixels
// here as in the official code: the common Go resizers differ by up to 21 levels.
//
// The method: a separable filter, horizontal first, whose support grows with the
// reduction. Weights are computed in float64, normalised to sum 1, and rounded to
// 22-bit fixed point; each pass sums in int32, rounds, and clamps to 8 bits. Colours are
// multiplied by alpha meanwhile. 16-bit samples, for which Pillow has no such method, go
// the same way with sums of int64.

package data

import (
	"encoding/binary"
	"image"
	"math"
)

const (
	bicubicA       = -0.5 // Pillow's choice of the cubic convolution parameter
	bicubicSupport = 2.0
	fixedBits      = 32 - 8 - 2 // 8 bits of sample and 2 of overshoot fit an int32
	maxCachedTaps  = 64         // filter tables a resizer keeps: some 25 KB each
)

// Resize scales src to w x h with Pillow's antialiased bicubic
// (Image.resize((w, h), Image.BICUBIC) of an L, RGB or RGBA picture): maximum difference 0.
// w and h must be positive.
func Resize(src *Image, w, h int) *Image {
	dst := src.NewImage(w, h)
	new(resizer).window(dst.Pix, src, w, h, image.Rect(0, 0, w, h))
	return dst
}

// resizer keeps filter tables and scratch memory between pictures. It is not safe
// for concurrent use: each worker owns one.
type resizer struct {
	tables map[[2]int]*taps
	rows   []uint8 // output of the horizontal pass
}

// window writes the part `win` of src scaled to w x h into dst, win.Dx()*win.Dy()
// pixels. A sample does not depend on its neighbours in the output, so this equals
// resizing the whole and cropping, without computing what the crop throws away.
func (r *resizer) window(dst []uint8, src *Image, w, h int, win image.Rectangle) {
	if src.C == 4 && (w != src.W || h != src.H) {
		src = premultiplied(src)
		defer divide(&Image{W: win.Dx(), H: win.Dy(), Format: src.Format, Pix: dst})
	}
	size := src.bytes()
	rows, first, pitch, offset := src.Pix, 0, src.W*size, win.Min.X*size
	var vert *taps
	y0, y1 := win.Min.Y, win.Max.Y // source rows that are needed
	if h != src.H {
		vert = r.table(src.H, h)
		y0, y1 = vert.span(win.Min.Y, win.Max.Y)
	}
	if w != src.W {
		pitch, offset, first = win.Dx()*size, 0, y0
		rows = r.scratch((y1 - y0) * pitch)
		horiz := r.table(src.W, w)
		for y := y0; y < y1; y++ {
			horiz.across(rows[(y-y0)*pitch:(y-y0+1)*pitch], src.Row(y), win.Min.X, src.Format)
		}
	}
	for y := win.Min.Y; y < win.Max.Y; y++ {
		line := dst[(y-win.Min.Y)*win.Dx()*size:][:win.Dx()*size]
		if vert == nil {
			copy(line, rows[(y-first)*pitch+offset:])
		} else {
			vert.down(line, rows[offset:], pitch, first, y, src.Bits)
		}
	}
}

// premultiplied returns a copy of an RGBA picture with the colours multiplied by alpha, so
// that the colour of what is transparent does not bleed. It rounds as Pillow does.
func premultiplied(m *Image) *Image {
	out := m.NewImage(m.W, m.H)
	down, most := 16-m.Bits, uint64(1)<<m.Bits-1
	for i := 0; i < m.W*m.H*4; i += 4 {
		alpha := m.sample(i + 3)
		for c := range 3 {
			v := uint64(m.sample(i+c)>>down) * uint64(alpha>>down)
			out.set(i+c, uint32((v+most/2)/most)<<down)
		}
		out.set(i+3, alpha)
	}
	return out
}

// divide takes premultiplied back, in place, and truncates as Pillow does. What overshoots
// alpha is clamped.
func divide(m *Image) {
	down, most := 16-m.Bits, uint32(1)<<m.Bits-1
	for i := 0; i < m.W*m.H*4; i += 4 {
		alpha := m.sample(i+3) >> down
		if alpha == 0 || alpha == most {
			continue
		}
		for c := range 3 {
			m.set(i+c, min(m.sample(i+c)>>down*most/alpha, most)<<down)
		}
	}
}

// table returns the filter from n samples to m, computed once for each pair.
func (r *resizer) table(n, m int) *taps {
	key := [2]int{n, m}
	if t, ok := r.tables[key]; ok {
		return t
	}
	if r.tables == nil || len(r.tables) >= maxCachedTaps {
		r.tables = make(map[[2]int]*taps)
	}
	t := newTaps(n, m)
	r.tables[key] = t
	return t
}

func (r *resizer) scratch(n int) []uint8 {
	if cap(r.rows) < n {
		r.rows = make([]uint8, n)
	}
	return r.rows[:n]
}

// taps is a one-dimensional filter: output sample i is the sum over k of
// weight[i*width+k] times input sample start[i]+k, for k < count[i].
type taps struct {
	width        int
	start, count []int
	weight       []int32 // 22-bit fixed point
}

// newTaps computes the filter from n input samples to m output samples.
func newTaps(n, m int) *taps {
	scale := float64(n) / float64(m)
	stretch := max(scale, 1)
	support := bicubicSupport * stretch
	inverse := 1 / stretch
	t := &taps{width: int(math.Ceil(support))*2 + 1, start: make([]int, m), count: make([]int, m)}
	t.weight = make([]int32, m*t.width)
	w := make([]float64, t.width)
	for i := range m {
		center := (float64(i) + 0.5) * scale
		start := max(int(center-support+0.5), 0)
		count := min(int(center+support+0.5), n) - start
		sum := 0.0
		for k := range count {
			w[k] = bicubic((float64(k+start) - center + 0.5) * inverse)
			sum += w[k]
		}
		for k := range count {
			t.weight[i*t.width+k] = fixed(w[k] / sum)
		}
		t.start[i], t.count[i] = start, count
	}
	return t
}

// bicubic is the cubic convolution kernel with parameter a, in Horner form. The
// conversions forbid fused multiply-add, which would change the last bit on some
// processors.
func bicubic(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((bicubicA+2)*x)-(bicubicA+3))*x)*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * bicubicA
	}
	return 0
}

// fixed rounds a weight to fixed point, halves away from zero.
func fixed(w float64) int32 {
	return int32(math.Copysign(0.5, w) + float64(w*(1<<fixedBits)))
}

// span returns the input samples [a, b) that output samples [lo, hi) read.
func (t *taps) span(lo, hi int) (a, b int) {
	return t.start[lo], t.start[hi-1] + t.count[hi-1]
}

// across filters one source row into dst, from output pixel x0 on.
func (t *taps) across(dst, src []uint8, x0 int, f Format) {
	switch {
	case f == RGB:
		t.acrossRGB(dst, src, x0)
	case f.Bits == 8:
		for i := range dst {
			x, c := x0+i/f.C, i%f.C
			in := src[t.start[x]*f.C+c:]
			sum := int32(1 << (fixedBits - 1))
			for k, w := range t.weight[x*t.width:][:t.count[x]] {
				sum += w * int32(in[k*f.C])
			}
			dst[i] = clip8(sum)
		}
	default:
		for i := 0; i < len(dst); i += 2 {
			x, c := x0+i/2/f.C, i/2%f.C
			in := src[(t.start[x]*f.C+c)*2:]
			put16(dst[i:], sum16(t.weight[x*t.width:][:t.count[x]], in, f.C*2))
		}
	}
}

// acrossRGB is across for the format of most pictures, three times as fast.
func (t *taps) acrossRGB(dst, src []uint8, x0 int) {
	for i := 0; i < len(dst); i += 3 {
		x := x0 + i/3
		weight := t.weight[x*t.width:][:t.count[x]]
		in := src[t.start[x]*3:][:len(weight)*3]
		var r, g, b int32 = 1 << (fixedBits - 1), 1 << (fixedBits - 1), 1 << (fixedBits - 1)
		for k, w := range weight {
			p := in[k*3 : k*3+3 : k*3+3]
			r += w * int32(p[0])
			g += w * int32(p[1])
			b += w * int32(p[2])
		}
		dst[i], dst[i+1], dst[i+2] = clip8(r), clip8(g), clip8(b)
	}
}

// down filters columns into output row y. rows holds the source from row first on,
// pitch bytes a row.
func (t *taps) down(dst, rows []uint8, pitch, first, y, bits int) {
	weight := t.weight[y*t.width:][:t.count[y]]
	rows = rows[(t.start[y]-first)*pitch:]
	if bits == 16 {
		for i := 0; i < len(dst); i += 2 {
			put16(dst[i:], sum16(weight, rows[i:], pitch))
		}
		return
	}
	for i := range dst {
		sum := int32(1 << (fixedBits - 1))
		for k, w := range weight {
			sum += w * int32(rows[k*pitch+i])
		}
		dst[i] = clip8(sum)
	}
}

// sum16 is the filter over 16-bit samples that lie `step` bytes apart.
func sum16(weight []int32, in []uint8, step int) (sum int64) {
	for k, w := range weight {
		sum += int64(w) * int64(binary.LittleEndian.Uint16(in[k*step:]))
	}
	return sum
}

func clip8(fixed int32) uint8 { return uint8(min(max(fixed>>fixedBits, 0), 255)) }

// put16 rounds a sum to the nearest sample and clamps it.
func put16(dst []uint8, sum int64) {
	rounded := (sum + 1<<(fixedBits-1)) >> fixedBits
	binary.LittleEndian.PutUint16(dst, uint16(min(max(rounded, 0), 65535)))
}
