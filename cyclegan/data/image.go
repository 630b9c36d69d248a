// Package data turns folders of picture files into training batches: it decodes,
// resizes exactly as Pillow does, crops and flips, and prefetches on worker
// goroutines whose number never changes a bit of the result.
//
// This file holds the one picture type that everything else passes around.
package data

import (
	"fmt"
	"image"
	"image/draw"
)

// Image is a picture of 8-bit RGB samples, rows from the top, interleaved
// (H, W, 3).
type Image struct {
	W, H int
	Pix  []uint8 // H*W*3
}

// NewImage returns a black picture of w x h pixels.
func NewImage(w, h int) *Image {
	return &Image{W: w, H: h, Pix: make([]uint8, w*h*3)}
}

// FromImage draws src over white, dropping its transparency. 16-bit samples keep
// their high byte.
func FromImage(src image.Image) *Image { return compose(src, src.Bounds()) }

// compose draws src over a white canvas, which may be larger than src (the frame of a
// GIF covers a part of its screen).
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

// RGBA returns an opaque copy for the standard library's encoders and drawing.
func (m *Image) RGBA() *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	for i, j := 0, 0; i < len(m.Pix); i, j = i+3, j+4 {
		copy(out.Pix[j:j+3], m.Pix[i:i+3])
		out.Pix[j+3] = 255
	}
	return out
}

// Row returns the samples of row y, W*3 of them, sharing m's memory.
func (m *Image) Row(y int) []uint8 { return m.Pix[y*m.W*3 : (y+1)*m.W*3] }

// Crop returns a copy of the w x h pixels whose top left corner is (x, y). An
// error says so where that window is empty or leaves the picture.
func (m *Image) Crop(x, y, w, h int) (*Image, error) {
	if x < 0 || y < 0 || w < 1 || h < 1 || x > m.W-w || y > m.H-h {
		return nil, fmt.Errorf("data: crop of %dx%d at (%d,%d) leaves a picture of %dx%d", w, h, x, y, m.W, m.H)
	}
	out := NewImage(w, h)
	for row := range h {
		copy(out.Row(row), m.Row(y + row)[x*3:])
	}
	return out, nil
}

// FlipHorizontal mirrors the picture left to right, in place.
func (m *Image) FlipHorizontal() { flipRows(m.Pix, m.W) }

// flipRows mirrors each row of w pixels of an interleaved RGB block.
func flipRows(pix []uint8, w int) {
	for ; len(pix) > 0; pix = pix[w*3:] {
		for i, j := 0, (w-1)*3; i < j; i, j = i+3, j-3 {
			pix[i], pix[j] = pix[j], pix[i]
			pix[i+1], pix[j+1] = pix[j+1], pix[i+1]
			pix[i+2], pix[j+2] = pix[j+2], pix[i+2]
		}
	}
}
