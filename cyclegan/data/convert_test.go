// Formats: what becomes of samples where channels or depth change, in memory and on the way
// through a file.

package data

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		what string
		from Format
		pix  []uint8
		to   Format
		want []uint8
	}{
		{"nothing to do", RGB, []uint8{1, 2, 3}, Format{}, []uint8{1, 2, 3}},
		{"red to grey", RGB, []uint8{255, 0, 0}, Format{1, 8}, []uint8{76}}, // 0.299 * 255 = 76.2
		{"green to grey", RGB, []uint8{0, 255, 0}, Format{1, 8}, []uint8{150}},
		{"blue to grey", RGB, []uint8{0, 0, 255}, Format{1, 8}, []uint8{29}},
		{"white stays white", RGB, []uint8{255, 255, 255}, Format{1, 8}, []uint8{255}},
		{"grey to RGB", Format{1, 8}, []uint8{7, 9}, RGB, []uint8{7, 7, 7, 9, 9, 9}},
		{"grey to RGBA", Format{1, 8}, []uint8{7}, Format{4, 8}, []uint8{7, 7, 7, 255}},
		{"RGB to RGBA", RGB, []uint8{1, 2, 3}, Format{4, 0}, []uint8{1, 2, 3, 255}},
		{"opaque", Format{4, 8}, []uint8{1, 2, 3, 255}, RGB, []uint8{1, 2, 3}},
		{"transparent", Format{4, 8}, []uint8{1, 2, 3, 0}, RGB, []uint8{255, 255, 255}},
		{"half over white", Format{4, 8}, []uint8{0, 100, 255, 51}, RGB, []uint8{204, 224, 255}},
		{"half over white, grey", Format{4, 8}, []uint8{0, 0, 0, 51}, Format{1, 8}, []uint8{204}},
		{"wider", Format{1, 8}, []uint8{0, 1, 255}, Format{1, 16}, []uint8{0, 0, 1, 1, 255, 255}},
		{"narrower", Format{1, 16}, []uint8{0xFF, 0x12, 0, 0xFF}, Format{0, 8}, []uint8{0x12, 0xFF}},
		{"16-bit to grey", Format{3, 16}, []uint8{0, 0x80, 0, 0x80, 1, 0x80}, Format{1, 16}, []uint8{0, 0x80}},
		{"16-bit over white", Format{4, 16}, []uint8{0, 0, 0, 0, 0, 0, 0xFF, 0x7F}, Format{3, 16}, []uint8{0, 0x80, 0, 0x80, 0, 0x80}},
		{"depth and channels", Format{3, 16}, []uint8{9, 1, 9, 2, 9, 3}, Format{4, 8}, []uint8{1, 2, 3, 255}},
	} {
		m := &Image{W: len(c.pix) / c.from.bytes(), H: 1, Format: c.from, Pix: c.pix}
		got := m.Convert(c.to)
		if !bytes.Equal(got.Pix, c.want) || got.W != m.W || got.H != 1 {
			t.Errorf("%s: %v becomes %v, want %v", c.what, c.pix, got.Pix, c.want)
		}
	}
}

// TestRGBAndAlphaAgree: compositing a decoded RGBA picture is what decoding as RGB does.
func TestRGBAndAlphaAgree(t *testing.T) {
	src := image.NewNRGBA(image.Rect(0, 0, 256, 256))
	for i := range 256 * 256 {
		src.SetNRGBA(i%256, i/256, color.NRGBA{uint8(i), uint8(i * 7), uint8(255 - i), uint8(i / 256)})
	}
	all := fromImage(src, src.Rect, Format{4, 8})
	if !bytes.Equal(all.Pix, src.Pix) {
		t.Error("the colours of what is transparent changed")
	}
	if !bytes.Equal(all.Convert(RGB).Pix, fromImage(src, src.Rect, RGB).Pix) {
		t.Error("two ways to composite")
	}
}

// TestFilesKeepFormats: what is written in a format is read back in it without being told.
func TestFilesKeepFormats(t *testing.T) {
	for _, f := range []Format{{1, 8}, {3, 8}, {4, 8}, {1, 16}, {3, 16}, {4, 16}} {
		t.Run(fmt.Sprint(f), func(t *testing.T) {
			m := f.NewImage(31, 17)
			copy(m.Pix, goldenOf(31, 17, 8).Pix)
			path := filepath.Join(t.TempDir(), "m.png")
			if err := EncodePNG(path, m); err != nil {
				t.Fatal(err)
			}
			got, err := Decode(path, Format{}, Upright)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFileDecidesFormat: palettes and depths of other kinds of files.
func TestFileDecidesFormat(t *testing.T) {
	for name, want := range map[string]Format{
		"rgb.png": RGB, "grey.png": {1, 8}, "grey.jpg": {1, 8}, "grey.tiff": {1, 8}, "grey16.png": {1, 16}, "grey16.tiff": {1, 16},
		"rgba.png": {4, 8}, "grey_alpha.png": {4, 8}, "palette_transparent.png": {4, 8}, "alpha.webp": {4, 8},
		"palette.png": RGB, "cmyk.jpg": RGB, "rgb.bmp": RGB, "animated.gif": RGB,
	} {
		m, err := Decode(filepath.Join("testdata/pictures", name), Format{}, Upright)
		if err != nil || m.Format != want {
			t.Errorf("%s is read as %+v, want %v (%v)", name, m, want, err)
		}
	}
	for _, f := range []Format{{2, 8}, {5, 8}, {-1, 8}, {3, 12}} {
		if _, err := Decode("testdata/pictures/rgb.png", f, Upright); err == nil {
			t.Errorf("%v is no format", f)
		}
	}
}

// TestDeepSamplesStay: all 16 bits of colour and alpha.
func TestDeepSamplesStay(t *testing.T) {
	src := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
	src.SetNRGBA64(0, 0, color.NRGBA64{0x1234, 0x8001, 0xFFFF, 0x0003})
	src.SetNRGBA64(1, 0, color.NRGBA64{0x00FF, 0x0100, 0, 0xFFFF})
	var file bytes.Buffer
	if err := png.Encode(&file, src); err != nil {
		t.Fatal(err)
	}
	m, err := decode(bytes.NewReader(file.Bytes()), Format{}, Upright)
	if err != nil {
		t.Fatal(err)
	}
	want := []uint8{0x34, 0x12, 0x01, 0x80, 0xFF, 0xFF, 3, 0, 0xFF, 0, 0, 1, 0, 0, 0xFF, 0xFF}
	if m.Format != (Format{4, 16}) || !bytes.Equal(m.Pix, want) {
		t.Errorf("%v: %x, want %x", m.Format, m.Pix, want)
	}
}

func TestIgnoredOrientation(t *testing.T) {
	upright, err := Decode("testdata/pictures/orientation1.jpg", RGB, Upright)
	if err != nil {
		t.Fatal(err)
	}
	for o := 1; o <= 8; o++ {
		m, err := Decode(fmt.Sprintf("testdata/pictures/orientation%d.jpg", o), RGB, AsStored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(upright, m); diff != "" {
			t.Errorf("orientation %d, as stored: %s", o, diff)
		}
	}
}
