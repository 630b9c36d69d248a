// Package data turns folders of picture files into training batches: it decodes,
// resizes exactly as Pillow does, crops and flips, and prefetches on worker
// goroutines whose number never changes a bit of the result.
//
// This file holds the one picture type that everything else passes around.
package data

import "fmt"

// Format is how the pixels of a picture are kept.
type Format struct {
	C    int // channels: 1 (grey), 3 (RGB) or 4 (RGBA, the colours not multiplied by alpha)
	Bits int // of a sample: 8 or 16
}

// RGB is the format of the official code.
var RGB = Format{C: 3, Bits: 8}

// bytes is the size of a pixel.
func (f Format) bytes() int { return f.C * f.Bits / 8 }

// check refuses a format in which no picture is kept; 0 stands for any.
func (f Format) check() error {
	if f.C < 0 || f.C == 2 || f.C > 4 {
		return fmt.Errorf("data: %d channels: use 1 (grey), 3 (RGB) or 4 (RGBA)", f.C)
	}
	if f.Bits != 0 && f.Bits != 8 && f.Bits != 16 {
		return fmt.Errorf("data: %d bits a sample: use 8 or 16", f.Bits)
	}
	return nil
}

// Image is a picture, rows from the top, samples interleaved (H, W, C). Samples of 16
// bits are little-endian.
type Image struct {
	W, H int
	Format
	Pix []uint8 // H*W*C*Bits/8 bytes
}

// NewImage returns a black 8-bit RGB picture of w x h pixels.
func NewImage(w, h int) *Image { return RGB.NewImage(w, h) }

// NewImage returns a picture of w x h pixels, all of whose samples are 0.
func (f Format) NewImage(w, h int) *Image {
	return &Image{W: w, H: h, Format: f, Pix: make([]uint8, w*h*f.bytes())}
}

// Row returns the bytes of row y, sharing m's memory.
func (m *Image) Row(y int) []uint8 {
	pitch := m.W * m.bytes()
	return m.Pix[y*pitch : (y+1)*pitch]
}

// Crop returns a copy of the w x h pixels whose top left corner is (x, y). An
// error says so where that window is empty or leaves the picture.
func (m *Image) Crop(x, y, w, h int) (*Image, error) {
	if x < 0 || y < 0 || w < 1 || h < 1 || x > m.W-w || y > m.H-h {
		return nil, fmt.Errorf("data: crop of %dx%d at (%d,%d) leaves a picture of %dx%d", w, h, x, y, m.W, m.H)
	}
	out := m.NewImage(w, h)
	for row := range h {
		copy(out.Row(row), m.Row(y + row)[x*m.bytes():])
	}
	return out, nil
}

// Part returns a copy of the part with this number, from the left, of so many of equal
// width; m itself where that is all of it.
func (m *Image) Part(part, parts int) (*Image, error) {
	if parts == 1 {
		return m, nil
	}
	if m.W%parts != 0 {
		return nil, fmt.Errorf("%dx%d does not hold %d pictures of one size side by side", m.W, m.H, parts)
	}
	w := m.W / parts
	return m.Crop(part*w, 0, w, m.H)
}

// FlipHorizontal mirrors the picture left to right, in place.
func (m *Image) FlipHorizontal() { flipRows(m.Pix, m.W, m.bytes()) }

// flipRows mirrors each row of w pixels of `size` bytes.
func flipRows(pix []uint8, w, size int) {
	for ; len(pix) > 0; pix = pix[w*size:] {
		for i, j := 0, (w-1)*size; i < j; i, j = i+size, j-size {
			for k := range size {
				pix[i+k], pix[j+k] = pix[j+k], pix[i+k]
			}
		}
	}
}
