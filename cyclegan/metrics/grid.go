// Picture grids for people: rows of pictures under captions, small ones enlarged.

package metrics

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"cyclevk/cyclegan/data"
)

const (
	gridGap     = 4   // pixels between pictures and around the grid
	gridVisible = 128 // pictures are enlarged by a whole factor until one is this large
)

// Grid lays rows of pictures out, each column under its caption (captions may be fewer
// than columns, or none). Every picture is enlarged by the one whole factor that brings
// the largest to 128 pixels, without smoothing. A nil picture leaves its cell empty.
func Grid(rows [][]*data.Image, captions []string) *data.Image {
	columns, cellW, cellH := len(captions), 1, 1
	for _, row := range rows {
		columns = max(columns, len(row))
		for _, m := range row {
			if m != nil {
				cellW, cellH = max(cellW, m.W), max(cellH, m.H)
			}
		}
	}
	scale := max((gridVisible+max(cellW, cellH)-1)/max(cellW, cellH), 1)
	cellW, cellH = cellW*scale, cellH*scale
	face := basicfont.Face7x13
	head := 0
	for _, c := range captions {
		cellW = max(cellW, len([]rune(c))*face.Advance)
		head = face.Height + gridGap
	}
	canvas := image.NewRGBA(image.Rect(0, 0, columns*(cellW+gridGap)+gridGap, head+len(rows)*(cellH+gridGap)+gridGap))
	draw.Draw(canvas, canvas.Bounds(), image.White, image.Point{}, draw.Src)
	for i, c := range captions {
		pen := font.Drawer{Dst: canvas, Src: image.NewUniform(color.Gray{Y: 40}), Face: face}
		pen.Dot = fixed.P(gridGap+i*(cellW+gridGap), gridGap+face.Ascent)
		pen.DrawString(c)
	}
	for y, row := range rows {
		for x, m := range row {
			if m != nil {
				paste(canvas, m, gridGap+x*(cellW+gridGap), head+gridGap+y*(cellH+gridGap), scale)
			}
		}
	}
	return data.FromImage(canvas)
}

// paste draws a picture at (left, top), each pixel as a square of scale pixels.
func paste(canvas *image.RGBA, m *data.Image, left, top, scale int) {
	m = m.Convert(data.RGB)
	for y := range m.H * scale {
		row := m.Row(y / scale)
		for x := range m.W * scale {
			p := row[x/scale*3:]
			canvas.SetRGBA(left+x, top+y, color.RGBA{R: p[0], G: p[1], B: p[2], A: 255})
		}
	}
}
