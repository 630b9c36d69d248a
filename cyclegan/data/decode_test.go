// Every kind of picture against what Pillow reads from the same file, and every kind of
// bad file against an error that names it.

package data

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDecodeEveryKind(t *testing.T) {
	text, err := os.ReadFile("testdata/pictures.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		Size              [2]int
		Tolerance         int
		RGB, L, RGBA, L16 string
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) < 25 {
		t.Fatalf("only %d pictures", len(golden))
	}
	for name, want := range golden {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				Format
				pix string
			}{{RGB, want.RGB}, {Format{1, 8}, want.L}, {Format{4, 8}, want.RGBA}, {Format{1, 16}, want.L16}} {
				if c.pix == "" {
					continue
				}
				got, err := Decode(filepath.Join("testdata/pictures", name), c.Format, Upright)
				if err != nil {
					t.Fatal(err)
				}
				pix, err := hex.DecodeString(c.pix)
				if err != nil {
					t.Fatal(err)
				}
				if got.W != want.Size[0] || got.H != want.Size[1] || got.Format != c.Format || len(got.Pix) != len(pix) {
					t.Fatalf("%dx%d %v of %d bytes, want %v %v of %d", got.W, got.H, got.Format, len(got.Pix), want.Size, c.Format, len(pix))
				}
				tolerance := want.Tolerance
				if c.C == 4 && filepath.Ext(name) != ".jpg" {
					tolerance = 0 // no compositing, which may round otherwise
				}
				for i := range pix {
					if d := int(got.Pix[i]) - int(pix[i]); d > tolerance || -d > tolerance {
						t.Fatalf("%v: sample %d is %d, Pillow reads %d", c.Format, i, got.Pix[i], pix[i])
					}
				}
			}
		})
	}
}

// pngHeader is the start of a PNG file of the given size: enough to read its header.
func pngHeader(w, h uint32) []byte {
	ihdr := append([]byte("IHDR"), make([]byte, 13)...)
	binary.BigEndian.PutUint32(ihdr[4:], w)
	binary.BigEndian.PutUint32(ihdr[8:], h)
	ihdr[12], ihdr[13] = 8, 2 // 8-bit RGB
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(out, ihdr...), crc32.ChecksumIEEE(ihdr))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDecodeRefusesBadFiles(t *testing.T) {
	jpeg := read(t, "testdata/pictures/rgb.jpg")
	png := read(t, "testdata/pictures/rgb.png")
	flipped := bytes.Clone(png)
	flipped[len(flipped)-20] ^= 1
	for _, c := range []struct {
		name    string
		content []byte
		reason  string
	}{
		{"empty.png", nil, "not a PNG"},
		{"text.jpg", []byte("<!DOCTYPE html>"), "not a PNG"},
		{"truncated.jpg", jpeg[:len(jpeg)-200], "cut short"},
		{"header only.png", pngHeader(8, 8), "cut short"},
		{"half a header.png", png[:20], "cut short"},
		{"flipped bit.png", flipped, "png: invalid format"},
		{"huge.png", pngHeader(65535, 65535), "over 64 megapixels"},
		{"just over.png", pngHeader(8000, 8001), "over 64 megapixels"},
		{"no width.gif", []byte("GIF89a\x00\x00\x05\x00\x00\x00\x00"), "0x5"},
		{"animated.webp", []byte("RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x07\x00\x00\x07\x00\x00"), "save one frame"},
		{"new\nline.png", []byte("?"), `new\nline.png`},
		{"not utf8 \xff.png", []byte("?"), `\xff.png`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.name)
			write(t, path, c.content)
			_, err := Decode(path, RGB, Upright)
			refuses(t, err, c.reason, filepath.Ext(c.name))
		})
	}
}

// refuses checks that an error holds the words and stays on one line.
func refuses(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error %q is not one line", err)
	}
}

func TestDecodeRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		syscall.Mkfifo(at("fifo.png"), 0o644),
		os.Symlink("/dev/zero", at("zero.png")),
		os.Symlink(at("fifo.png"), at("link to fifo.png")),
		os.Symlink("loop.png", at("loop.png")),
		os.Mkdir(at("folder.png"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, reason := range map[string]string{
		"fifo.png":                         "not a regular file",
		"zero.png":                         "not a regular file",
		"link to fifo.png":                 "not a regular file",
		"folder.png":                       "not a regular file",
		"loop.png":                         "loop.png",
		"missing.png":                      "missing.png",
		"missing\nline.png":                `missing\nline.png`,
		"nul\x00.png":                      "invalid argument",
		strings.Repeat("x", 4096) + ".png": "too long",
	} {
		_, err := Decode(at(name), RGB, Upright)
		refuses(t, err, reason)
	}
	if _, err := Decode(at("missing.png"), RGB, Upright); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

// TestDecodeSurvivesDamage cuts and changes every byte of every kind of picture: any
// answer but a panic will do.
func TestDecodeSurvivesDamage(t *testing.T) {
	files, err := filepath.Glob("testdata/pictures/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no pictures", err)
	}
	decoded := 0
	for _, file := range files {
		whole := read(t, file)
		for i := range whole {
			changed := bytes.Clone(whole)
			changed[i] ^= byte(1 + i%255)
			for _, content := range [][]byte{whole[:i], changed} {
				if m, err := decode(bytes.NewReader(content), Format{}, Upright); err == nil {
					decoded++
					if len(m.Pix) != m.W*m.H*m.bytes() {
						t.Fatalf("%s, byte %d: %dx%d has %d samples", file, i, m.W, m.H, len(m.Pix))
					}
				}
			}
		}
	}
	if decoded == 0 {
		t.Error("nothing was decoded: the test tests nothing")
	}
}

func TestEncodePNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.png")
	m := goldenPicture(37, 21)
	if err := EncodePNG(path, m); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(path, RGB, Upright)
	if err != nil {
		t.Fatal(err)
	}
	if got.W != m.W || got.H != m.H || !bytes.Equal(got.Pix, m.Pix) {
		t.Error("the picture changed on its way through the file")
	}
	refuses(t, EncodePNG(filepath.Join(t.TempDir(), "missing", "m.png"), m), "missing", "no such file")
}
