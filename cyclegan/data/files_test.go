// Folders as users and archives leave them: nested, linked in circles, empty, closed,
// with a few damaged pictures or with too many.

package data

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListPictures(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"b.png", "a.JPG", "c.txt", "sub/deep/d.webp", "sub/e.tif", "sub.png.d/f.gif", "._b.png", "not utf8 \xff.bmp",
	} {
		write(t, filepath.Join(root, name), nil)
	}
	other := t.TempDir()
	write(t, filepath.Join(other, "g.jpeg"), nil)
	for link, target := range map[string]string{"z": other, "sub/loop": "..", "self": "self", "sub/again": "../sub"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := listPictures(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range paths {
		rel, err := filepath.Rel(root, p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel)
	}
	want := []string{"a.JPG", "b.png", "not utf8 \xff.bmp", "sub.png.d/f.gif", "sub/deep/d.webp", "sub/e.tif", "z/g.jpeg"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := makeSet(t, 3, 3)
	without := func(f func(root string)) string {
		root := makeSet(t, 3, 3)
		f(root)
		return root
	}
	for _, c := range []struct {
		name    string
		options Options
		words   []string
	}{
		{"no root", small(filepath.Join(good, "nowhere")), []string{"nowhere/trainA", "does not exist", "dataroot"}},
		{"no trainB", small(without(func(r string) { os.RemoveAll(filepath.Join(r, "trainB")) })), []string{"trainB", "does not exist"}},
		{"no testA", Options{Root: good, Phase: "test", LoadSize: 8, CropSize: 8}, []string{"testA", "does not exist"}},
		{"empty", small(without(func(r string) {
			os.RemoveAll(filepath.Join(r, "trainB"))
			write(t, filepath.Join(r, "trainB/notes.txt"), nil)
		})), []string{"trainB", "no pictures", ".png"}},
		{"a file", small(without(func(r string) {
			os.RemoveAll(filepath.Join(r, "trainB"))
			write(t, filepath.Join(r, "trainB"), nil)
		})), []string{"trainB", "not a folder"}},
		{"one bad of four", small(without(func(r string) { write(t, filepath.Join(r, "trainA/bad.png"), nil) })), []string{"1 of 4", "bad.png", "trainA"}},
		{"all bad", small(without(func(r string) {
			for _, n := range []string{"000.png", "001.png", "002.png"} {
				write(t, filepath.Join(r, "trainA", n), []byte("?"))
			}
		})), []string{"3 of 3", "000.png"}},
		{"too small for the crop", Options{Root: good, Preprocess: "crop", CropSize: 21}, []string{"000.png", "24x20", "crop_size 21"}},
		{"thin becomes huge", Options{Root: without(func(r string) {
			for i := range 3 {
				write(t, filepath.Join(r, "trainA", "00"+string(rune('0'+i))+".png"), pngHeader(1, 60000))
			}
		}), Preprocess: "scale_width", LoadSize: 286, CropSize: 256}, []string{"000.png", "over 64 megapixels"}},
		{"phase", Options{Phase: "tset"}, []string{"phase", `"tset"`, `"test"`}},
		{"dataset mode", Options{Mode: "template"}, []string{"dataset_mode", `"template"`, "aligned"}},
		{"orientation", Options{Orientation: "turn"}, []string{"exif_orientation", `"turn"`, "ignore"}},
		{"channels", Options{ChannelsB: 2}, []string{"2 channels", "1 (grey)"}},
		{"bits", Options{Bits: 12}, []string{"12 bits", "8 or 16"}},
		{"direction", Options{Direction: "AtoC"}, []string{"direction", `"AtoC"`}},
		{"preprocess", Options{Preprocess: "resize"}, []string{"preprocess", `"resize"`, "scale_width_and_crop"}},
		{"load size", Options{CropSize: 1}, []string{"load_size 0"}},
		{"crop size", Options{LoadSize: 1}, []string{"crop_size 0"}},
		{"crop over load", Options{LoadSize: 200, CropSize: 256}, []string{"crop_size 256", "load_size 200"}},
		{"threads", Options{LoadSize: 1, CropSize: 1, NumThreads: -1}, []string{"num_threads -1"}},
		{"limit", Options{LoadSize: 1, CropSize: 1, MaxDatasetSize: -1}, []string{"max_dataset_size -1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.options)
			refuses(t, err, c.words...)
		})
	}
}

func TestOpenRefusesClosedFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root")
	}
	root := makeSet(t, 1, 1)
	if err := os.Chmod(filepath.Join(root, "trainA"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := Open(small(root))
	refuses(t, err, "trainA", "permission denied")
}

// TestFewBadPicturesAreSkipped: one unreadable header in 200 is left out at the start,
// one picture with damaged pixels is replaced by its successor when it is met.
func TestFewBadPicturesAreSkipped(t *testing.T) {
	root := makeSet(t, 199, 3)
	write(t, filepath.Join(root, "trainA/050x.png"), []byte("?"))
	whole := read(t, filepath.Join(root, "trainA/100.png"))
	write(t, filepath.Join(root, "trainA/100.png"), whole[:len(whole)/2])
	o := small(root)
	o.SerialBatches = true
	u := open(t, o)
	if u.SizeA() != 199 {
		t.Errorf("%d pictures", u.SizeA())
	}
	refuses(t, u.Skipped()[0], "050x.png")
	batches := epoch(t, u, 0, 0, 1)
	if got := filepath.Base(batches[100].PathsA[0]); got != "101.png" {
		t.Errorf("in the place of 100.png stands %s", got)
	}
	if skipped := u.Skipped(); len(skipped) != 2 {
		t.Errorf("skipped: %v", skipped)
	} else {
		refuses(t, skipped[1], "100.png", "png: invalid format")
	}
	epoch(t, u, 1, 0, 1) // meeting the same one again does not count twice

	write(t, filepath.Join(root, "trainA/150.png"), whole[:len(whole)/2])
	write(t, filepath.Join(root, "trainA/151.png"), whole[:len(whole)/2])
	l := u.Load(t.Context(), 2, 149, 1)
	defer l.Close()
	if _, err := l.Next(); err != nil {
		t.Fatal(err)
	}
	_, err := l.Next()
	refuses(t, err, "3 of 200", "15", "trainA")
}

func TestChangedPictureIsDamaged(t *testing.T) {
	root := makeSet(t, 1, 1)
	u := open(t, small(root))
	if err := EncodePNG(filepath.Join(root, "trainA/000.png"), goldenPicture(9, 9)); err != nil {
		t.Fatal(err)
	}
	_, err := u.Sample(0, 0)
	refuses(t, err, "000.png", "24x20", "9x9")
}
