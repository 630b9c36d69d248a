// The resize is held to Pillow's own output by hash, over sizes up, down, thin and
// unchanged; tools/golden/pillow_resize.py writes the golden files.

package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"testing"

	"pgregory.net/rapid"
)

func goldenPicture(w, h int) *Image { return goldenOf(w, h, RGB.C) }

// goldenOf is the integer formula of pillow_resize.py.
func goldenOf(w, h, channels int) *Image {
	m := Format{channels, 8}.NewImage(w, h)
	for i := range m.Pix {
		x, y, c := i/channels%w, i/channels/w, i%channels
		switch y / 16 % 3 {
		case 0:
			m.Pix[i] = uint8(uint32(x*73856093^y*19349663^c*83492791) * 2654435761 >> 24)
		case 1:
			m.Pix[i] = uint8((x/5 + y/3 + c) & 1 * 255)
		default:
			m.Pix[i] = uint8(x*7 + y*3 + c*85)
		}
	}
	return m
}

func hash(pix []uint8) string {
	sum := sha256.Sum256(pix)
	return hex.EncodeToString(sum[:])
}

func TestResizeEqualsPillow(t *testing.T) {
	text, err := os.ReadFile("testdata/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			From, To       [2]int
			Channels       int
			Source, Result string
		}
		Deep []struct {
			From, To [2]int
			Samples  []int
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 40 || len(golden.Deep) < 3 {
		t.Fatalf("only %d cases", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		t.Run(fmt.Sprint(c.From, c.To, c.Channels), func(t *testing.T) {
			src := goldenOf(c.From[0], c.From[1], c.Channels)
			if hash(src.Pix) != c.Source {
				t.Fatal("the source picture differs from the golden script's")
			}
			got := Resize(src, c.To[0], c.To[1])
			if hash(got.Pix) == c.Result {
				return
			}
			t.Error("differs from Pillow")
			name := fmt.Sprintf("testdata/resize_%dx%d_%dx%d.png", c.From[0], c.From[1], c.To[0], c.To[1])
			if want, err := Decode(name, RGB, Upright); err == nil {
				reportDifference(t, got, want)
			}
		})
	}
	// Pillow's mode I sums in float64, and rounds to whole numbers after each pass.
	for _, c := range golden.Deep {
		src := goldenOf(c.From[0], c.From[1], 1).Convert(Format{1, 16})
		for i := range c.From[0] * c.From[1] {
			src.set(i, 16384+128*(src.sample(i)>>8))
		}
		got := Resize(src, c.To[0], c.To[1])
		for i, want := range c.Samples {
			if d := int(got.sample(i)) - want; d < -1 || d > 1 {
				t.Errorf("16 bits, %v to %v: sample %d is %d, Pillow has %d", c.From, c.To, i, got.sample(i), want)
			}
		}
	}
}

// reportDifference names the largest difference and where it is.
func reportDifference(t *testing.T, got, want *Image) {
	t.Helper()
	worst, at := 0, 0
	for i := range want.Pix {
		if d := max(got.Pix[i], want.Pix[i]) - min(got.Pix[i], want.Pix[i]); int(d) > worst {
			worst, at = int(d), i
		}
	}
	t.Errorf("largest difference %d at x=%d y=%d channel %d", worst, at/3%want.W, at/3/want.W, at%3)
}

func TestResizeToTheSameSizeCopies(t *testing.T) {
	src := goldenPicture(13, 7)
	got := Resize(src, 13, 7)
	if !bytes.Equal(got.Pix, src.Pix) {
		t.Error("pixels changed")
	}
	if got.Pix[0]++; src.Pix[0] == got.Pix[0] {
		t.Error("the result shares the source's memory")
	}
}

// TestWindowEqualsCrop holds the loader's short cut, computing only the crop, to the
// plain order of resizing the whole and cropping.
func TestWindowEqualsCrop(t *testing.T) {
	var shared resizer // reused, so that a stale table or row would show
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 40)
		f := Format{rapid.SampledFrom([]int{1, 3, 4}).Draw(t, "channels"), rapid.SampledFrom([]int{8, 16}).Draw(t, "bits")}
		src := goldenOf(side.Draw(t, "source width"), side.Draw(t, "source height"), f.C).Convert(f)
		w, h := side.Draw(t, "width"), side.Draw(t, "height")
		win := image.Rectangle{Min: image.Pt(rapid.IntRange(0, w-1).Draw(t, "x"), rapid.IntRange(0, h-1).Draw(t, "y"))}
		win.Max = image.Pt(rapid.IntRange(win.Min.X+1, w).Draw(t, "x1"), rapid.IntRange(win.Min.Y+1, h).Draw(t, "y1"))
		want, err := Resize(src, w, h).Crop(win.Min.X, win.Min.Y, win.Dx(), win.Dy())
		if err != nil {
			t.Fatal(err)
		}
		got := make([]uint8, len(want.Pix))
		shared.window(got, src, w, h, win)
		if !bytes.Equal(got, want.Pix) {
			t.Fatal("the window differs from the crop")
		}
	})
}

func BenchmarkResize(b *testing.B) {
	for _, c := range [][4]int{{256, 256, 286, 286}, {1500, 1220, 286, 286}} {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			src, dst := goldenPicture(c[0], c[1]), NewImage(c[2], c[3])
			var r resizer
			for b.Loop() {
				r.window(dst.Pix, src, c[2], c[3], image.Rect(0, 0, c[2], c[3]))
			}
		})
	}
}
