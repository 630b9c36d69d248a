// The grid's arithmetic: where pictures land, by what factor, and that captions are drawn.

package metrics

import (
	"testing"

	"cyclevk/cyclegan/data"
)

func TestGrid(t *testing.T) {
	red, blue := uniform(32, 16, 255, 0, 0), uniform(16, 32, 0, 0, 255)
	grid := Grid([][]*data.Image{{red, nil}, {blue, red, blue}}, []string{"input", "output"})
	const cell = 4 * 32 // enlarged to 128
	head := 13 + gridGap
	if grid.W != 3*(cell+gridGap)+gridGap || grid.H != head+2*(cell+gridGap)+gridGap {
		t.Fatalf("%dx%d", grid.W, grid.H)
	}
	at := func(column, row, x, y int) [3]uint8 {
		px, py := gridGap+column*(cell+gridGap)+x, head+gridGap+row*(cell+gridGap)+y
		return [3]uint8(grid.Pix[(py*grid.W+px)*3:])
	}
	r, b, white := [3]uint8{255, 0, 0}, [3]uint8{0, 0, 255}, [3]uint8{255, 255, 255}
	for _, c := range []struct {
		column, row, x, y int
		want              [3]uint8
	}{
		{0, 0, 0, 0, r},
		{0, 0, cell - 1, 63, r},
		{0, 0, 0, 64, white},
		{1, 0, 5, 5, white},
		{2, 0, 5, 5, white},
		{0, 1, 63, cell - 1, b},
		{0, 1, 64, 0, white},
		{1, 1, 0, 0, r},
		{2, 1, 0, 0, b},
		{0, 0, -1, 0, white},
	} {
		if got := at(c.column, c.row, c.x, c.y); got != c.want {
			t.Errorf("cell %d,%d at %d,%d is %v, want %v", c.column, c.row, c.x, c.y, got, c.want)
		}
	}
	ink := func(column int) (dark int) {
		for y := range head {
			for x := range cell {
				if grid.Pix[(y*grid.W+gridGap+column*(cell+gridGap)+x)*3] < 128 {
					dark++
				}
			}
		}
		return dark
	}
	if ink(0) == 0 || ink(1) == 0 || ink(2) != 0 {
		t.Errorf("caption pixels: %d, %d, %d", ink(0), ink(1), ink(2))
	}
}

func TestGridEdges(t *testing.T) {
	if g := Grid(nil, nil); g.W != gridGap || g.H != gridGap {
		t.Errorf("nothing gives %dx%d", g.W, g.H)
	}
	large := uniform(200, 100, 1, 2, 3)
	if g := Grid([][]*data.Image{{large}}, nil); g.W != 200+2*gridGap || g.H != 100+2*gridGap {
		t.Errorf("a large picture without caption gives %dx%d", g.W, g.H)
	}
	long := "a caption that is wider than the picture under it"
	if g := Grid([][]*data.Image{{uniform(1, 1, 0, 0, 0)}}, []string{long}); g.W != 7*len(long)+2*gridGap {
		t.Errorf("a long caption gives %d pixels", g.W)
	}
}
