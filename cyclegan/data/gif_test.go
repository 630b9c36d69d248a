// Animated GIF: frames as browsers show them, and what survives the way out and in.

package data

import (
	"bytes"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	red   = color.RGBA{255, 0, 0, 255}
	green = color.RGBA{0, 255, 0, 255}
	blue  = color.RGBA{0, 0, 255, 255}
)

// frame is a rectangle of one colour, with index 0 transparent.
func frame(r image.Rectangle, c color.Color) *image.Paletted {
	m := image.NewPaletted(r, color.Palette{color.Transparent, c})
	for i := range m.Pix {
		m.Pix[i] = 1
	}
	return m
}

func saveGIF(t *testing.T, path string, g *gif.GIF) {
	t.Helper()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.Bytes())
}

// TestGIFFrames: every way to dispose of a frame, on a canvas of 3x1.
func TestGIFFrames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gif")
	at := func(x int) image.Rectangle { return image.Rect(x, 0, x+1, 1) }
	saveGIF(t, path, &gif.GIF{
		Image:     []*image.Paletted{frame(at(0), red), frame(at(1), green), frame(at(2), blue), frame(at(1), red)},
		Disposal:  []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalBackground, gif.DisposalNone},
		Delay:     []int{5, 0, 7, 100},
		LoopCount: 3,
		Config:    image.Config{Width: 3, Height: 1},
	})
	g, err := OpenGIF(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"r--", "rg-", "r-b", "rr-"}
	var frames []*image.Paletted
	for i, m := range g.Frames() {
		if got := letters(m); got != want[i] {
			t.Errorf("frame %d shows %s, want %s", i, got, want[i])
		}
		frames = append(frames, Palettise(m))
	}

	// Back in a file, it shows the same at the same times.
	again := filepath.Join(t.TempDir(), "b.gif")
	if err := g.Save(again, frames); err != nil {
		t.Fatal(err)
	}
	b, err := OpenGIF(again)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range b.Frames() {
		if got := letters(m); got != want[i] {
			t.Errorf("saved frame %d shows %s, want %s", i, got, want[i])
		}
	}
	if diff := cmp.Diff(g.src.Delay, b.src.Delay); diff != "" || b.src.LoopCount != 3 || b.Len() != 4 {
		t.Errorf("%d frames, repeated %d times, delays (-want +got):\n%s", b.Len(), b.src.LoopCount, diff)
	}
	if Animated(again) != "gif" || Animated("testdata/pictures/rgb.png") != "" || Animated("nowhere.gif") != "" {
		t.Error("Animated is wrong")
	}
}

// letters are the colours of a picture: r, g, b, - for transparent.
func letters(m *Image) (s string) {
	for x := range m.W {
		c := m.Std().At(x, 0)
		switch r, g, b, a := c.RGBA(); {
		case a == 0:
			s += "-"
		case r > g && r > b:
			s += "r"
		case g > b:
			s += "g"
		default:
			s += "b"
		}
	}
	return s
}

// TestPalettise: few colours stay as they are, and of many the error is less than half of a fixed palette's.
func TestPalettise(t *testing.T) {
	few := NewImage(16, 16)
	for i := range 256 {
		copy(few.Pix[3*i:], []uint8{uint8(i &^ 7), uint8(i&^7 ^ 0xFF), 7})
	}
	if got := FromImage(Palettise(few)); !bytes.Equal(got.Pix, few.Pix) {
		t.Error("32 colours did not stay")
	}

	photo, err := Decode("testdata/pictures/rgb.png", RGB, Upright)
	if err != nil {
		t.Fatal(err)
	}
	squares := func(m *image.Paletted) (sum int) {
		for i, v := range FromImage(m).Pix {
			d := int(v) - int(photo.Pix[i])
			sum += d * d
		}
		return sum
	}
	fixed := image.NewPaletted(image.Rect(0, 0, photo.W, photo.H), palette.Plan9)
	draw.FloydSteinberg.Draw(fixed, fixed.Rect, photo.Std(), image.Point{})
	if got, want := squares(Palettise(photo)), squares(fixed)/2; got > want {
		t.Errorf("squared error %d, half of the fixed palette's is %d", got, want)
	}

	hole := Format{C: 4, Bits: 8}.NewImage(2, 1)
	copy(hole.Pix, []uint8{9, 9, 9, 0, 200, 10, 10, 255})
	if got := letters(fromImage(Palettise(hole), image.Rect(0, 0, 2, 1), Format{C: 4, Bits: 8})); got != "-r" {
		t.Errorf("a hole beside red became %s", got)
	}
}

// TestHostileGIF: what would need too much memory, or ends early, is refused with its name.
func TestHostileGIF(t *testing.T) {
	dir := t.TempDir()
	many := &gif.GIF{Config: image.Config{Width: 7000, Height: 7000}}
	for range 30 {
		many.Image = append(many.Image, frame(image.Rect(0, 0, 1, 1), red))
		many.Delay = append(many.Delay, 1)
	}
	saveGIF(t, filepath.Join(dir, "many.gif"), many)
	whole := read(t, filepath.Join(dir, "many.gif"))
	write(t, filepath.Join(dir, "short.gif"), whole[:len(whole)-20])
	write(t, filepath.Join(dir, "none.gif"), []byte("GIF89a"))
	for name, want := range map[string]string{"many.gif": "megapixels together", "short.gif": "", "none.gif": "EOF"} {
		if _, err := OpenGIF(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
