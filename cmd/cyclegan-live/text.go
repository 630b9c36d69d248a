// Text over the picture, drawn here and not on the device: a few lines, a few times a second.

package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"cyclevk/cyclegan/live"
)

// dark is the byte of an overlay that darkens the picture behind letters.
const dark = 1

// typeface is Go Mono, whose columns line up by themselves, in the sizes that were asked for.
type typeface struct {
	font  *opentype.Font
	faces map[int]font.Face
}

func newTypeface() (*typeface, error) {
	f, err := opentype.Parse(gomono.TTF)
	if err != nil {
		return nil, fmt.Errorf("typeface: %w", err)
	}
	return &typeface{font: f, faces: map[int]font.Face{}}, nil
}

// face is that of a size in pixels.
func (t *typeface) face(size int) (font.Face, error) {
	if f, there := t.faces[size]; there {
		return f, nil
	}
	f, err := opentype.NewFace(t.font, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("typeface of %d pixels: %w", size, err)
	}
	t.faces[size] = f
	return f, nil
}

// block is lines of text in a box, which lies at a share of the room that the framebuffer leaves.
type block struct {
	lines []string
	x, y  float64 // 0 left and top, 1/2 in the middle, 1 right and bottom
	wrap  bool    // lines that are too long; else the letters become smaller
}

// leastText is the smallest size of letters, in pixels.
const leastText = 8

// layout is a block in its place.
type layout struct {
	block
	face    font.Face
	advance int // of a letter
	height  int // of a line
	pad     int
	box     image.Rectangle
}

// lay finds the place of a block in a framebuffer; size is that of the letters, in pixels, where there is room for it.
func (t *typeface) lay(b block, frame image.Point, size int) (l layout, err error) {
	for ; ; size-- {
		if l, err = t.sized(b, frame, size); err != nil || size <= leastText || l.box.Dx() <= frame.X && l.box.Dy() <= frame.Y {
			return l, err
		}
	}
}

func (t *typeface) sized(b block, frame image.Point, size int) (layout, error) {
	face, err := t.face(size)
	if err != nil {
		return layout{}, err
	}
	advance, _ := face.GlyphAdvance('0')
	l := layout{block: b, face: face, advance: advance.Ceil(), height: face.Metrics().Height.Ceil() + size/8, pad: size * 5 / 8}
	margin := size / 2
	if b.wrap {
		l.lines = wrapped(b.lines, max(8, (frame.X-2*margin-2*l.pad)/l.advance))
	}
	columns := 0
	for _, line := range l.lines {
		columns = max(columns, len([]rune(line)))
	}
	w, h := columns*l.advance+2*l.pad, len(l.lines)*l.height+2*l.pad-size/8
	x := margin + int(b.x*float64(frame.X-2*margin-w))
	y := margin + int(b.y*float64(frame.Y-2*margin-h))
	l.box = image.Rect(x, y, x+w, y+h)
	return l, nil
}

// wrapped breaks lines after so many columns, between words where it can.
func wrapped(lines []string, columns int) (out []string) {
	for _, line := range lines {
		rest := []rune(line)
		for len(rest) > columns {
			at := columns
			if space := strings.LastIndexByte(string(rest[:columns+1]), ' '); space > 0 {
				at = len([]rune(string(rest[:columns+1])[:space]))
			}
			out = append(out, string(rest[:at]))
			rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
		}
		out = append(out, string(rest))
	}
	return out
}

// draw draws a block over what is there.
func (l layout) draw(to *image.Alpha) {
	radius := l.pad / 2
	for y := l.box.Min.Y; y < l.box.Max.Y; y++ {
		// The corners are cut off in steps.
		in := max(0, radius-min(y-l.box.Min.Y, l.box.Max.Y-1-y))
		darken(to, image.Rect(l.box.Min.X+in/2, y, l.box.Max.X-in/2, y+1))
	}
	d := font.Drawer{Dst: to, Src: image.Opaque, Face: l.face}
	for i, line := range l.lines {
		x := l.box.Min.X + l.pad
		y := l.box.Min.Y + l.pad + i*l.height + l.face.Metrics().Ascent.Ceil()
		for _, letter := range line { // one by one: a column is a whole number of pixels
			d.Dot = fixed.P(x, y)
			d.DrawString(string(letter))
			x += l.advance
		}
	}
}

func darken(to *image.Alpha, r image.Rectangle) {
	draw.Draw(to, r, image.NewUniform(color.Alpha{A: dark}), image.Point{}, draw.Src)
}

// overlay draws blocks, and a line that parts the picture where line is not empty, as the window's shader takes it; nil where there is
// nothing to draw.
func (t *typeface) overlay(frame image.Point, size int, blocks []block, line image.Rectangle) (*live.Overlay, error) {
	bounds := line
	var laid []layout
	for _, b := range blocks {
		if len(b.lines) == 0 {
			continue
		}
		l, err := t.lay(b, frame, size)
		if err != nil {
			return nil, err
		}
		laid = append(laid, l)
		bounds = bounds.Union(l.box)
	}
	bounds = bounds.Intersect(image.Rectangle{Max: frame})
	if bounds.Empty() {
		return nil, nil
	}
	to := image.NewAlpha(bounds)
	if !line.Empty() {
		darken(to, line)
		draw.Draw(to, image.Rect(line.Min.X+line.Dx()/4, line.Min.Y, line.Max.X-line.Dx()/4, line.Max.Y), image.NewUniform(color.Alpha{A: 208}), image.Point{}, draw.Src)
	}
	for _, l := range laid {
		l.draw(to)
	}
	return &live.Overlay{X: bounds.Min.X, Y: bounds.Min.Y, W: bounds.Dx(), H: bounds.Dy(), Pix: to.Pix}, nil
}
