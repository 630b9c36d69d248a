// Writing the data set: PNG folders that any CycleGAN reads, with the truth beside the
// test pictures.

package synth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cyclevk/cyclegan/atomicfile"
)

// Options say how much is drawn.
type Options struct {
	Size  int    `json:"size"`  // side of a picture, from 16
	Train int    `json:"train"` // pictures of trainA, and of trainB
	Test  int    `json:"test"`  // test scenes, each in both domains
	Seed  uint64 `json:"seed"`
}

// Manifest is what classes.json holds: how the set was made and what a label means.
type Manifest struct {
	Options
	// Light bounds the brightness: a pixel is its class colour times 1 +- Light.
	Light   float64 `json:"light"`
	Classes []Class `json:"classes"` // by label
}

const (
	manifestFile = "classes.json"
	minSize      = 16
	maxSize      = 4096
)

// The streams of scenes that never meet.
const (
	streamTrainA uint32 = iota
	streamTrainB
	streamTest
)

// Generate writes the folders trainA, trainB, testA, testB and testLabels (palette PNG,
// the index is the class) and classes.json under dir. Test pictures of one scene have one
// name. Nothing is there until everything is: it is drawn beside dir and renamed. A dir
// that holds this very set is left as it is; one with other content is refused.
func Generate(dir string, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(Manifest{o, maxLight, Classes()}, "", "  ")
	if err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	manifest = append(manifest, '\n')
	done, err := alreadyThere(dir, manifest)
	if done || err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	temp := fmt.Sprintf("%s.%d.tmp", dir, os.Getpid())
	defer os.RemoveAll(temp)
	if err := draw(temp, o, manifest); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return fmt.Errorf("synth: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	return nil
}

func (o Options) check() error {
	switch {
	case o.Size < minSize || o.Size > maxSize:
		return fmt.Errorf("synth: size %d: want %d to %d", o.Size, minSize, maxSize)
	case o.Train < 1:
		return fmt.Errorf("synth: train %d: want at least 1 picture", o.Train)
	case o.Test < 1:
		return fmt.Errorf("synth: test %d: want at least 1 scene", o.Test)
	}
	return nil
}

// alreadyThere tells whether dir holds the set that manifest describes, and refuses other
// content.
func alreadyThere(dir string, manifest []byte) (bool, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("synth: %w", err)
	case len(entries) == 0:
		return false, nil
	}
	old, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err == nil && bytes.Equal(old, manifest) {
		return true, nil
	}
	return false, fmt.Errorf("synth: folder %q holds other content: choose a new or an empty one", dir)
}

// draw writes the whole set to a new folder.
func draw(dir string, o Options, manifest []byte) error {
	folder := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"trainA", "trainB", "testA", "testB", "testLabels"} {
		if err := os.MkdirAll(folder(name), 0o755); err != nil {
			return err
		}
	}
	save := func(name string, id int, m image.Image) error {
		return atomicfile.Write(filepath.Join(folder(name), fmt.Sprintf("%05d.png", id)),
			func(w io.Writer) error { return png.Encode(w, m) })
	}
	for id := range o.Train {
		a, b := NewScene(o.Seed, streamTrainA, uint32(id)), NewScene(o.Seed, streamTrainB, uint32(id))
		if err := save("trainA", id, Render(a, A, o.Size).RGBA()); err != nil {
			return err
		}
		if err := save("trainB", id, Render(b, B, o.Size).RGBA()); err != nil {
			return err
		}
	}
	for id := range o.Test {
		s := NewScene(o.Seed, streamTest, uint32(id))
		if err := save("testA", id, Render(s, A, o.Size).RGBA()); err != nil {
			return err
		}
		if err := save("testB", id, Render(s, B, o.Size).RGBA()); err != nil {
			return err
		}
		if err := save("testLabels", id, labelPicture(Labels(s, o.Size), o.Size)); err != nil {
			return err
		}
	}
	return atomicfile.Write(folder(manifestFile), func(w io.Writer) error {
		_, err := w.Write(manifest)
		return err
	})
}

// labelPicture colours labels for looking at; the palette index is the label.
func labelPicture(labels []uint8, size int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, size, size), nil)
	for _, c := range classes {
		m.Palette = append(m.Palette, color.RGBA{c.Label[0], c.Label[1], c.Label[2], 255})
	}
	copy(m.Pix, labels)
	return m
}

// ReadManifest reads the classes.json of a generated set.
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, manifestFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("synth: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("synth: %q: %w", path, err)
	}
	if len(m.Classes) == 0 {
		return nil, fmt.Errorf("synth: %q names no classes", path)
	}
	return m, nil
}

// ReadLabels reads a label picture: the class of each pixel, w*h of them.
func ReadLabels(path string) (labels []uint8, w, h int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("synth: %w", err)
	}
	defer f.Close()
	src, err := png.Decode(f)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("synth: labels %q: %w", path, err)
	}
	m, ok := src.(*image.Paletted)
	if !ok {
		return nil, 0, 0, fmt.Errorf("synth: labels %q: want a palette PNG, whose index is the class", path)
	}
	return m.Pix, m.Rect.Dx(), m.Rect.Dy(), nil
}
