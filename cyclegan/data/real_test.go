// Real pictures of third parties, read where they lie.

package data

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testData(t testing.TB) string {
	root := os.Getenv("CYCLEVK_TEST_DATA")
	if root == "" {
		t.Skip("CYCLEVK_TEST_DATA")
	}
	return root
}

// TestRealPicturesDecode reads every picture of the folders, among them grey and CMYK
// JPEG, palette PNG and a photograph with EXIF.
func TestRealPicturesDecode(t *testing.T) {
	root := testData(t)
	for _, folder := range []string{"horse2zebra_256/testA", "odd_images", "emojis_72_palette/testA", "facades_256_paired", "photos", "apple2orange_64/testB"} {
		paths, err := listPictures(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			head, err := decodeHeader(path, Upright)
			if err != nil {
				t.Error(err)
				continue
			}
			w, h := head.size()
			if m, err := Decode(path, RGB, Upright); err != nil || m.W != w || m.H != h {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestRealEpoch(t *testing.T) {
	o := Options{Root: filepath.Join(testData(t), "horse2zebra_256"), LoadSize: 143, CropSize: 128, MaxDatasetSize: 24, NumThreads: 1, Seed: 1}
	want := digest(epoch(t, open(t, o), 0, 0, 4))
	o.NumThreads = 5
	u := open(t, o)
	if diff := cmp.Diff(want, digest(epoch(t, u, 0, 0, 4))); diff != "" {
		t.Error(diff)
	}
	if u.Len() != 24 || len(want) != 6 || len(u.Skipped()) != 0 {
		t.Errorf("%d samples, %d batches, skipped %v", u.Len(), len(want), u.Skipped())
	}
}

// TestRealPairs: facades and their labels, in two folders and side by side, are the same samples.
func TestRealPairs(t *testing.T) {
	from, root := filepath.Join(testData(t), "facades_256_paired"), t.TempDir()
	o := Options{Root: from, Phase: "test", LoadSize: 143, CropSize: 143, NoFlip: true, SerialBatches: true, MaxDatasetSize: 6}
	apart := open(t, o)
	for i := range apart.Len() {
		a, b := apart.a.pictures[i], apart.b.pictures[i]
		whole := NewImage(a.w+b.w, a.h)
		for k, path := range []string{a.path, b.path} {
			m, err := Decode(path, RGB, Upright)
			if err != nil {
				t.Fatal(err)
			}
			for y := range m.H {
				copy(whole.Row(y)[k*a.w*3:], m.Row(y))
			}
		}
		write(t, filepath.Join(root, "test", filepath.Base(a.path)), nil) // makes the folder
		if err := EncodePNG(filepath.Join(root, "test", filepath.Base(a.path)), whole); err != nil {
			t.Fatal(err)
		}
	}
	o.Root, o.Mode = root, "aligned"
	together := open(t, o)
	for i := range apart.Len() {
		want, err := apart.Sample(0, i)
		if err != nil {
			t.Fatal(err)
		}
		got, err := together.Sample(0, i)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.A, want.A) || !bytes.Equal(got.B, want.B) {
			t.Errorf("%s: other samples than in two folders", want.PathsA[0])
		}
	}
}

// BenchmarkEpoch is the loader's pace at the default sizes, 286 to 256: two pictures a
// sample, on two workers.
func BenchmarkEpoch(b *testing.B) {
	u, err := Open(Options{Root: filepath.Join(testData(b), "horse2zebra_256"), LoadSize: 286, CropSize: 256, NumThreads: 2})
	if err != nil {
		b.Fatal(err)
	}
	l := u.Load(b.Context(), 0, 0, 1)
	n := 0
	for b.Loop() {
		batch, err := l.Next()
		if err != nil {
			n++
			l = u.Load(b.Context(), n, 0, 1)
			continue
		}
		u.Recycle(batch)
	}
	l.Close()
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
