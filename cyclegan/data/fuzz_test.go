// Strangers' bytes: whatever they are, the parsers of this package answer, and agree with the decoders where those accept them.
//
//	go test ./cyclegan/data -run '^$' -fuzz FuzzOrientation -fuzztime 10m -parallel 1

package data

import (
	"bytes"
	"image"
	"image/gif"
	"os"
	"path/filepath"
	"testing"
)

// seedPictures adds the golden pictures, some of them cut short, to a corpus.
func seedPictures(f *testing.F, patterns ...string) {
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join("testdata/pictures", pattern))
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
			f.Add(content[:len(content)/2])
		}
	}
}

func FuzzOrientation(f *testing.F) {
	seedPictures(f, "orientation*", "rgb.jpg", "rgb.tiff")
	f.Fuzz(func(t *testing.T, content []byte) {
		r := bytes.NewReader(content)
		for _, format := range []string{"jpeg", "tiff", "png"} {
			if o := exifOrientation(r, format); o < 1 || o > 8 {
				t.Errorf("%s: orientation %d", format, o)
			}
		}
	})
}

func FuzzAnimated(f *testing.F) {
	seedPictures(f, "*.gif", "rgb.png", "alpha.webp")
	still, err := os.ReadFile("testdata/pictures/rgb.png")
	if err != nil {
		f.Fatal(err)
	}
	const header = 8 + 4 + 4 + 13 + 4
	f.Add(bytes.Join([][]byte{still[:header], pngChunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0}), still[header:]}, nil))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := bytes.NewReader(content)
		animated(r, "png")
		animatedWebP(r)
		moving := animated(r, "gif")
		config, err := gif.DecodeConfig(bytes.NewReader(content))
		if err != nil || config.Width*config.Height > 1<<12 {
			return
		}
		g, err := openGIF(r)
		if err != nil {
			return
		}
		if moving != (g.Len() > 1) {
			t.Errorf("of %d frames, and animated is %v", g.Len(), moving)
		}
		for i, m := range g.Frames() {
			if m.W != config.Width || m.H != config.Height || len(m.Pix) != m.W*m.H*m.bytes() {
				t.Fatalf("frame %d is %dx%d of %d bytes", i, m.W, m.H, len(m.Pix))
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	seedPictures(f, "*")
	f.Fuzz(func(t *testing.T, content []byte) {
		config, _, err := image.DecodeConfig(bytes.NewReader(content))
		if err != nil || config.Width*config.Height > 1<<12 {
			return
		}
		m, err := decode(bytes.NewReader(content), Format{}, Upright)
		if err != nil {
			return
		}
		if m.check() != nil || len(m.Pix) != m.W*m.H*m.bytes() {
			t.Fatalf("%dx%d %v has %d bytes", m.W, m.H, m.Format, len(m.Pix))
		}
		for _, as := range []Format{RGB, {1, 8}, {4, 16}} {
			other, err := decode(bytes.NewReader(content), as, Upright)
			if err != nil || other.Format != as || other.W != m.W || other.H != m.H {
				t.Fatalf("in a format it is %+v (%v)", other, err)
			}
		}
	})
}
