// The folders on disk: complete or absent, the same for the same options, and never over
// something else.

package synth

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
)

var few = Options{Size: 20, Train: 3, Test: 2, Seed: 8}

// files lists every file under a folder with its content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir+"/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestGenerate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "set")
	if err := Generate(dir, few); err != nil {
		t.Fatal(err)
	}
	found := files(t, dir)
	if len(found) != 2*3+3*2+1 {
		t.Errorf("%d files", len(found))
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
		t.Errorf("left beside it: %v %v", entries, err)
	}
	manifest, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Options != few || len(manifest.Classes) != len(classes) || manifest.Light != maxLight {
		t.Errorf("the manifest says %+v", manifest)
	}
	for id, name := range []string{"00000.png", "00001.png"} {
		s := NewScene(few.Seed, streamTest, uint32(id))
		for folder, d := range map[string]Domain{"testA": A, "testB": B} {
			m, err := data.Decode(filepath.Join(dir, folder, name), data.RGB, data.Upright)
			if err != nil || !bytes.Equal(m.Pix, Render(s, d, few.Size).Pix) {
				t.Errorf("%s/%s: %v", folder, name, err)
			}
		}
		labels, w, h, err := ReadLabels(filepath.Join(dir, "testLabels", name))
		if err != nil || w != few.Size || h != few.Size || !bytes.Equal(labels, Labels(s, few.Size)) {
			t.Errorf("labels of %s: %v", name, err)
		}
	}
}

func TestGenerateAgain(t *testing.T) {
	root := t.TempDir()
	one, two := filepath.Join(root, "one"), filepath.Join(root, "two")
	if err := os.Mkdir(two, 0o755); err != nil { // an empty folder is taken
		t.Fatal(err)
	}
	for _, dir := range []string{one, two, one} {
		if err := Generate(dir, few); err != nil {
			t.Fatal(err)
		}
	}
	a, b := files(t, one), files(t, two)
	for name, content := range a {
		if b[name] != content {
			t.Errorf("%s differs between two runs", name)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	root := t.TempDir()
	used, file := filepath.Join(root, "used"), filepath.Join(root, "file")
	if err := Generate(used, few); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := files(t, root)
	more := few
	more.Train++
	for _, c := range []struct {
		dir     string
		options Options
		words   string
	}{
		{used, more, "used"},
		{root, few, "other content"},
		{file, few, "file"},
		{filepath.Join(file, "below"), few, "file"},
		{filepath.Join(root, "x"), Options{Size: 15, Train: 1, Test: 1}, "size 15"},
		{filepath.Join(root, "x"), Options{Size: 16, Test: 1}, "train 0"},
		{filepath.Join(root, "x"), Options{Size: 16, Train: 1}, "test 0"},
	} {
		err := Generate(c.dir, c.options)
		if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", c.dir, err, c.words)
		}
	}
	after := files(t, root)
	if len(before) != len(after) || after["file"] != "mine" {
		t.Errorf("%d files became %d", len(before), len(after))
	}
}

func TestReadersNameTheFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadManifest(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("no manifest: %v", err)
	}
	for _, content := range []string{"{", "{}"} {
		if err := os.WriteFile(filepath.Join(dir, manifestFile), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadManifest(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("manifest %q: %v", content, err)
		}
	}
	path := filepath.Join(dir, "rgb.png")
	if err := data.EncodePNG(path, data.NewImage(2, 2)); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(dir, manifestFile), filepath.Join(dir, "missing")} {
		if _, _, _, err := ReadLabels(p); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("labels %s: %v", p, err)
		}
	}
}
