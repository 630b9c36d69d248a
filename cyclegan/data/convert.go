// Between formats: the pictures of Go's decoders into the one picture type, one format into
// another by Pillow's rules, and back for Go's encoders.

package data

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
)

// FromImage draws src over white as 8-bit RGB, dropping its transparency. 16-bit samples
// keep their high byte.
func FromImage(src image.Image) *Image { return compose(src, src.Bounds()) }

// fromImage brings src, which covers a part of the canvas (the frame of a GIF), into a
// format. Where that has 0, src decides: as many channels and bits as it needs.
func fromImage(src image.Image, canvas image.Rectangle, f Format) *Image {
	if f.C == 0 {
		f.C = channels(src)
	}
	if f.Bits == 0 {
		f.Bits = depth(src)
	}
	if f.C == 4 || f.Bits > 8 && depth(src) > 8 {
		return straight(src, canvas).Convert(f)
	}
	return compose(src, canvas).Convert(f)
}

// channels is 1 for grey, 4 where something shines through, and otherwise 3.
func channels(src image.Image) int {
	switch src := src.(type) {
	case *image.Gray, *image.Gray16:
		return 1
	case interface{ Opaque() bool }:
		if !src.Opaque() {
			return 4
		}
	}
	return 3
}

func depth(src image.Image) int {
	switch src.(type) {
	case *image.Gray16, *image.RGBA64, *image.NRGBA64:
		return 16
	}
	return 8
}

// compose draws src over a white canvas, as 8-bit RGB.
func compose(src image.Image, canvas image.Rectangle) *Image {
	flat := image.NewRGBA(canvas)
	draw.Draw(flat, canvas, image.White, image.Point{}, draw.Src)
	draw.Draw(flat, src.Bounds(), src, src.Bounds().Min, draw.Over)
	m := NewImage(canvas.Dx(), canvas.Dy())
	for i, j := 0, 0; i < len(m.Pix); i, j = i+3, j+4 {
		copy(m.Pix[i:i+3], flat.Pix[j:j+3])
	}
	return m
}

// straight takes src with its alpha as RGBA of its own depth, on a transparent canvas. It
// asks for each pixel, since drawing would multiply the colours by alpha.
func straight(src image.Image, canvas image.Rectangle) *Image {
	m := Format{4, depth(src)}.NewImage(canvas.Dx(), canvas.Dy())
	inside := src.Bounds().Intersect(canvas)
	for y := inside.Min.Y; y < inside.Max.Y; y++ {
		row := m.Row(y - canvas.Min.Y)[(inside.Min.X-canvas.Min.X)*m.bytes():]
		if src, ok := src.(*image.NRGBA); ok {
			copy(row, src.Pix[src.PixOffset(inside.Min.X, y):src.PixOffset(inside.Max.X, y)])
			continue
		}
		for x := inside.Min.X; x < inside.Max.X; x++ {
			p := row[(x-inside.Min.X)*m.bytes():]
			if m.Bits == 8 {
				c := color.NRGBAModel.Convert(src.At(x, y)).(color.NRGBA)
				p[0], p[1], p[2], p[3] = c.R, c.G, c.B, c.A
				continue
			}
			c := color.NRGBA64Model.Convert(src.At(x, y)).(color.NRGBA64)
			for i, v := range [...]uint16{c.R, c.G, c.B, c.A} {
				binary.LittleEndian.PutUint16(p[2*i:], v)
			}
		}
	}
	return m
}

// Convert returns m in another format; m itself where that is its own. Transparency is
// composited on white where alpha is dropped, and a new alpha is opaque. Grey is Pillow's
// L, and becomes RGB by repetition. 16-bit samples keep their high byte, 8-bit ones are
// multiplied by 257. A 0 in f keeps what m has.
func (m *Image) Convert(f Format) *Image {
	if f.C == 0 {
		f.C = m.C
	}
	if f.Bits == 0 {
		f.Bits = m.Bits
	}
	if f == m.Format {
		return m
	}
	out := f.NewImage(m.W, m.H)
	for i := range m.W * m.H {
		p := m.pixel(i)
		if m.C == 4 && f.C < 4 {
			for c := range 3 {
				p[c] = p[c]*p[3]/65535 + 65535 - p[3]
			}
		}
		if f.C == 1 {
			p[0] = luma(p, min(m.Bits, f.Bits))
		}
		for c := range f.C {
			out.set(i*f.C+c, p[c])
		}
	}
	return out
}

// pixel returns pixel i as RGBA of 16 bits.
func (m *Image) pixel(i int) [4]uint32 {
	p := [4]uint32{3: 65535}
	for c := range m.C {
		p[c] = m.sample(i*m.C + c)
	}
	if m.C == 1 {
		p[1], p[2] = p[0], p[0]
	}
	return p
}

// sample returns sample i, widened to 16 bits.
func (m *Image) sample(i int) uint32 {
	if m.Bits == 8 {
		return uint32(m.Pix[i]) * 257
	}
	return uint32(binary.LittleEndian.Uint16(m.Pix[2*i:]))
}

// set stores a sample of 16 bits, or its high byte.
func (m *Image) set(i int, v uint32) {
	if m.Bits == 8 {
		m.Pix[i] = uint8(v >> 8)
	} else {
		binary.LittleEndian.PutUint16(m.Pix[2*i:], uint16(v))
	}
}

// luma is Pillow's L = 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point, computed in the
// given depth. It leaves grey as it is.
func luma(p [4]uint32, bits int) uint32 {
	down := 16 - bits
	l := (19595*(p[0]>>down) + 38470*(p[1]>>down) + 7471*(p[2]>>down) + 0x8000) >> 16
	if bits == 8 {
		l *= 257
	}
	return l
}

// RGBA returns an opaque copy of 8 bits for the standard library's drawing.
func (m *Image) RGBA() *image.RGBA {
	m = m.Convert(RGB)
	out := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	for i, j := 0, 0; i < len(m.Pix); i, j = i+3, j+4 {
		copy(out.Pix[j:j+3], m.Pix[i:i+3])
		out.Pix[j+3] = 255
	}
	return out
}

// Std returns a copy for the standard library's encoders that keeps channels and depth.
func (m *Image) Std() image.Image {
	all := image.Rect(0, 0, m.W, m.H)
	switch {
	case m.C == 1 && m.Bits == 8:
		out := image.NewGray(all)
		copy(out.Pix, m.Pix)
		return out
	case m.C == 1:
		out := image.NewGray16(all)
		bigEndian(out.Pix, m.Pix)
		return out
	case m.C == 3 && m.Bits == 8:
		return m.RGBA()
	case m.Bits == 8:
		out := image.NewNRGBA(all)
		copy(out.Pix, m.Pix)
		return out
	}
	out := image.NewNRGBA64(all) // the encoders leave an alpha out that is opaque everywhere
	bigEndian(out.Pix, m.Convert(Format{4, 16}).Pix)
	return out
}

// bigEndian exchanges the bytes of 16-bit samples on their way.
func bigEndian(dst, src []uint8) {
	for i := 0; i < len(src); i += 2 {
		dst[i], dst[i+1] = src[i+1], src[i]
	}
}
