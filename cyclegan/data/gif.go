// Animated GIF, in and out: frames as they are shown, each on the canvas that those before it left, and back into frames of 256
// colours with the times between them.

package data

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"io"
	"iter"
	"math"

	"cyclevk/cyclegan/atomicfile"
)

// maxFramePixels bounds all the frames of a GIF together, which are held in memory at a byte a pixel.
const maxFramePixels = 1_000_000_000

// GIF is an animated picture.
type GIF struct {
	src *gif.GIF
}

// OpenGIF reads a GIF file. It refuses what Decode refuses, and more than 1,000 megapixels in all frames.
func OpenGIF(path string) (*GIF, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	g, err := openGIF(f)
	if err != nil {
		return nil, badPicture(path, err)
	}
	return g, nil
}

func openGIF(r source) (*GIF, error) {
	head, err := readHeader(r, AsStored)
	if err != nil {
		return nil, err
	}
	frames, pixels := 0, 0
	gifFrames(bufio.NewReader(io.NewSectionReader(r, 0, math.MaxInt64)), func(w, h int) bool {
		frames++
		pixels += w * h
		return max(pixels, frames*head.w*head.h) <= maxFramePixels
	})
	if max(pixels, frames*head.w*head.h) > maxFramePixels {
		return nil, fmt.Errorf("its frames of %dx%d are over %d megapixels together: make it a video", head.w, head.h, maxFramePixels/1_000_000)
	}
	src, err := gif.DecodeAll(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	if len(src.Image) == 0 {
		return nil, errors.New("it has no frames")
	}
	return &GIF{src}, nil
}

// Len is the number of frames.
func (g *GIF) Len() int { return len(g.src.Image) }

// Frames are the frames as they are shown, RGB or, where something shines through, RGBA, of 8 bits.
func (g *GIF) Frames() iter.Seq2[int, *Image] {
	return func(yield func(int, *Image) bool) {
		canvas := image.NewRGBA(image.Rect(0, 0, g.src.Config.Width, g.src.Config.Height))
		for i, frame := range g.src.Image {
			before := canvas
			if g.src.Disposal[i] == gif.DisposalPrevious {
				before = image.NewRGBA(canvas.Rect)
				copy(before.Pix, canvas.Pix)
			}
			draw.Draw(canvas, frame.Rect, frame, frame.Rect.Min, draw.Over)
			if !yield(i, fromImage(canvas, canvas.Rect, Format{Bits: 8})) {
				return
			}
			canvas = before
			if g.src.Disposal[i] == gif.DisposalBackground {
				draw.Draw(canvas, frame.Rect, image.Transparent, image.Point{}, draw.Src)
			}
		}
	}
}

// Save writes g to path with other frames, whole or not at all. The times between them and the number of repetitions stay.
func (g *GIF) Save(path string, frames []*image.Paletted) error {
	out := &gif.GIF{Image: frames, Delay: g.src.Delay, LoopCount: g.src.LoopCount, Disposal: make([]byte, len(frames))}
	for i, frame := range frames {
		out.Disposal[i] = gif.DisposalNone
		if !frame.Opaque() { // or the next frame would show it through
			out.Disposal[i] = gif.DisposalBackground
		}
	}
	for i := range out.Disposal[1:] { // nor may a frame with holes show an opaque one before it
		if out.Disposal[i+1] == gif.DisposalBackground {
			out.Disposal[i] = gif.DisposalBackground
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error { return gif.EncodeAll(w, out) })
}

// Palettise brings m down to its 256 most useful colours, or 255 and transparency, with the errors diffused to the neighbours
// (Floyd and Steinberg 1976).
func Palettise(m *Image) *image.Paletted {
	m = m.Convert(Format{Bits: 8})
	colours := 256
	if m.C == 4 {
		m = holed(m)
		colours--
	}
	palette := medianCut(m, colours)
	if m.C == 4 {
		palette = append(palette, color.Transparent)
	}
	out := image.NewPaletted(image.Rect(0, 0, m.W, m.H), palette)
	draw.FloydSteinberg.Draw(out, out.Rect, m.Std(), image.Point{})
	return out
}

// holed is a copy of an RGBA picture that is opaque or transparent everywhere.
func holed(m *Image) *Image {
	out := m.NewImage(m.W, m.H)
	for at := 0; at < len(m.Pix); at += 4 {
		if m.Pix[at+3] >= 128 {
			copy(out.Pix[at:at+3], m.Pix[at:])
			out.Pix[at+3] = 255
		}
	}
	return out
}
