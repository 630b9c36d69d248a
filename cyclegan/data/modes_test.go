// What the samples of a data set are made of beside whole pictures in two folders: halves of
// pictures, other channels, depths and orientations.

package data

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// makePairs writes n pictures of 2w x h into root/phase. The halves of a picture differ, and so do pictures.
func makePairs(t *testing.T, root, phase string, n, w, h int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, phase), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := goldenPicture(2*w, h)
		m.Pix[0], m.Pix[w*3] = uint8(i), uint8(100+i)
		if err := EncodePNG(filepath.Join(root, phase, fmt.Sprintf("%03d.png", i)), m); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAligned: A and B are the halves of one picture, cropped and flipped alike; the direction exchanges them.
func TestAligned(t *testing.T) {
	root := t.TempDir()
	makePairs(t, root, "train", 5, 24, 20)
	o := small(root)
	o.Mode = "aligned"
	reversed := o
	reversed.Direction = "BtoA"
	u, v := open(t, o), open(t, reversed)
	if u.Len() != 5 || u.SizeA() != 5 || u.SizeB() != 5 {
		t.Errorf("%d samples, %d of A, %d of B", u.Len(), u.SizeA(), u.SizeB())
	}
	flips := map[bool]int{}
	for n := range 8 {
		seen := map[string]bool{}
		for i := range u.Len() {
			b, err := u.Sample(n, i)
			if err != nil {
				t.Fatal(err)
			}
			swapped, err := v.Sample(n, i)
			if err != nil {
				t.Fatal(err)
			}
			if b.PathsA[0] != b.PathsB[0] || !bytes.Equal(b.A, swapped.B) || !bytes.Equal(b.B, swapped.A) {
				t.Fatalf("sample %d: %q with %q, or BtoA does not exchange them", i, b.PathsA, b.PathsB)
			}
			seen[b.PathsA[0]] = true
			flips[alike(t, b)]++
		}
		if len(seen) != 5 {
			t.Errorf("epoch %d holds %d of 5 pictures", n, len(seen))
		}
	}
	if flips[true] == 0 || flips[false] == 0 {
		t.Errorf("%d flipped, %d not", flips[true], flips[false])
	}
}

// alike fails unless A and B of a sample are the same crop of their halves, and tells whether both are flipped.
func alike(t *testing.T, b *Batch) (flipped bool) {
	t.Helper()
	whole, err := Decode(b.PathsA[0], RGB, Upright)
	if err != nil {
		t.Fatal(err)
	}
	var halves [2]*Image
	for i := range halves {
		half, err := whole.Part(i, 2)
		if err != nil {
			t.Fatal(err)
		}
		halves[i] = Resize(half, 20, 20)
	}
	for _, flip := range []bool{false, true} {
		for y := range 5 {
			for x := range 5 {
				var crops [2]*Image
				for i := range crops {
					if crops[i], err = halves[i].Crop(x, y, 16, 16); err != nil {
						t.Fatal(err)
					}
					if flip {
						crops[i].FlipHorizontal()
					}
				}
				if bytes.Equal(crops[0].Pix, b.A) && bytes.Equal(crops[1].Pix, b.B) {
					return flip
				}
			}
		}
	}
	t.Fatal("A and B are not the same crop of the two halves")
	return false
}

// TestAlignedRefuses: what does not hold two pictures, and folders that are not there.
func TestAlignedRefuses(t *testing.T) {
	root := t.TempDir()
	makePairs(t, root, "train", 2, 12, 10)
	if err := EncodePNG(filepath.Join(root, "train/odd.png"), goldenPicture(25, 10)); err != nil {
		t.Fatal(err)
	}
	o := small(root)
	o.Mode = "aligned"
	_, err := Open(o)
	refuses(t, err, "odd.png", "25x10", "must be even")
	o.Phase = "test"
	_, err = Open(o)
	refuses(t, err, "test", "does not exist")
}

// TestAlignedDamage: in the place of a damaged picture both domains take the next one, and it counts once.
func TestAlignedDamage(t *testing.T) {
	root := t.TempDir()
	makePairs(t, root, "train", 150, 12, 10)
	path := filepath.Join(root, "train/007.png")
	whole := read(t, path)
	write(t, path, whole[:len(whole)/2])
	o := small(root)
	o.Mode, o.SerialBatches = "aligned", true
	u := open(t, o)
	b := epoch(t, u, 0, 0, 1)[7]
	if filepath.Base(b.PathsA[0]) != "008.png" || b.PathsB[0] != b.PathsA[0] {
		t.Errorf("in the place of 007.png stand %q and %q", b.PathsA, b.PathsB)
	}
	if skipped := u.Skipped(); len(skipped) != 1 {
		t.Errorf("skipped: %v", skipped)
	}
}

// TestModesDoNotDependOnWorkers: the same bits on any number of workers, also where both domains share a file.
func TestModesDoNotDependOnWorkers(t *testing.T) {
	root := makeSet(t, 3, 2)
	makePairs(t, root, "train", 6, 18, 18)
	for _, c := range []Options{{Mode: "aligned"}, {Mode: "aligned", ChannelsA: 1, ChannelsB: 4}, {ChannelsB: 1, Bits: 16}} {
		o := small(root)
		o.Mode, o.ChannelsA, o.ChannelsB, o.Bits, o.NumThreads = c.Mode, c.ChannelsA, c.ChannelsB, c.Bits, 1
		want := digest(epoch(t, open(t, o), 2, 0, 2))
		o.NumThreads = 7
		if diff := cmp.Diff(want, digest(epoch(t, open(t, o), 2, 0, 2))); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}

// TestBatchFormats: a domain's samples are what its pictures become when they are decoded in its format, scaled, and cropped.
func TestBatchFormats(t *testing.T) {
	root := t.TempDir()
	deep := Format{4, 16}.NewImage(20, 20)
	copy(deep.Pix, goldenOf(20, 20, 8).Pix)
	for _, folder := range []string{"trainA", "trainB"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := EncodePNG(filepath.Join(root, folder, "m.png"), deep); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []int{1, 3, 4} {
		for _, b := range []int{1, 3, 4} {
			for _, bits := range []int{8, 16} {
				o := Options{Root: root, ChannelsA: a, ChannelsB: b, Bits: bits, LoadSize: 16, CropSize: 16, NoFlip: true}
				got, err := open(t, o).Sample(0, 0)
				if err != nil {
					t.Fatal(err)
				}
				if got.CA != a || got.CB != b || got.Bits != bits {
					t.Errorf("%d and %d channels of %d bits, want %d, %d, %d", got.CA, got.CB, got.Bits, a, b, bits)
				}
				for c, pix := range map[int][]uint8{a: got.A, b: got.B} {
					m, err := Decode(filepath.Join(root, "trainA/m.png"), Format{c, bits}, Upright)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(Resize(m, 16, 16).Pix, pix) {
						t.Errorf("%d channels of %d bits: the sample differs from its definition", c, bits)
					}
				}
			}
		}
	}
}

// TestOrientationOption: what is ignored leaves a picture lying, which its size shows.
func TestOrientationOption(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"trainA", "trainB"} {
		write(t, filepath.Join(root, folder, "m.jpg"), read(t, "testdata/pictures/orientation6.jpg")) // stored as 12x9
	}
	for o, want := range map[Orientation][2]int{"": {8, 12}, Upright: {8, 12}, AsStored: {12, 8}} {
		w, h, err := open(t, Options{Root: root, Preprocess: "none", Orientation: o}).SampleSize()
		if err != nil || w != want[0] || h != want[1] {
			t.Errorf("%q: %dx%d, want %v (%v)", o, w, h, want, err)
		}
	}
}

// TestSampleSize: what training takes its size from.
func TestSampleSize(t *testing.T) {
	root := makeSet(t, 2, 2)
	makePairs(t, root, "train", 2, 40, 20)
	for _, c := range []struct {
		o    Options
		w, h int
	}{
		{Options{LoadSize: 20, CropSize: 16}, 16, 16},
		{Options{Preprocess: "none"}, 24, 20},
		{Options{Preprocess: "scale_width", LoadSize: 36, CropSize: 16}, 36, 32}, // 36x30
		{Options{Preprocess: "scale_width", LoadSize: 12, CropSize: 16}, 12, 16},
		{Options{Preprocess: "none", Mode: "aligned"}, 40, 20},
		{Options{Preprocess: "crop", CropSize: 20, Mode: "aligned"}, 20, 20},
	} {
		c.o.Root = root
		if w, h, err := open(t, c.o).SampleSize(); err != nil || w != c.w || h != c.h {
			t.Errorf("%+v: %dx%d, want %dx%d (%v)", c.o, w, h, c.w, c.h, err)
		}
	}
	if err := EncodePNG(filepath.Join(root, "trainB/odd.png"), goldenPicture(40, 32)); err != nil {
		t.Fatal(err)
	}
	_, _, err := open(t, Options{Root: root, Preprocess: "none"}).SampleSize()
	refuses(t, err, "odd.png", "40x32", "24x20", "resize_and_crop")
}
