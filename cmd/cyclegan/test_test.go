// What the command test writes: for each kind of data root the right pictures under the official names, and a page of them.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/report/reporttest"
)

func TestResultPages(t *testing.T) {
	dir := scenes(t)
	at := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
	must(t, dir, small("one", "--n_epochs", "2", "--n_epochs_decay", "0", "--save_epoch_freq", "1")...)
	must(t, dir, small("turned", "--max_steps", "1", "--direction", "BtoA")...)

	place := func(from, to string) {
		if err := os.MkdirAll(filepath.Dir(at(to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(to), []byte(read(t, dir, from)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const hostile = `<script>"#%41.png`
	place("scenes/testA/00000.png", "mixed/testA/"+hostile)
	place("scenes/testA/00001.png", "mixed/testA/sub/x.png")
	place("scenes/testA/00001.png", "mixed/testA/sub_x.PNG")
	place("scenes/testB/00000.png", "mixed/testB/only.png")
	place("scenes/classes.json", "mixed/testB/broken.png")
	place("scenes/testA/00000.png", "flat/a.png")
	sideBySide(t, at("aligned/val/1.png"), at("scenes/testA/00000.png"), at("scenes/testB/00001.png"))

	for _, c := range []struct {
		name   string
		args   []string
		folder string
		want   map[string]string // real pictures, and where they come from
	}{
		{"both folders", []string{"--dataroot", "scenes", "--name", "one"}, "one/test_latest", map[string]string{
			"00000_real_A": "scenes/testA/00000.png", "00001_real_A": "scenes/testA/00001.png",
			"00000_real_B": "scenes/testB/00000.png", "00001_real_B": "scenes/testB/00001.png",
		}},
		{"a model that was trained from B to A", []string{"--dataroot", "scenes", "--name", "turned", "--num_test", "1"}, "turned/test_latest", map[string]string{
			"00000_real_A": "scenes/testB/00000.png", "00000_real_B": "scenes/testA/00000.png",
		}},
		{
			"an epoch, one direction",
			[]string{"--dataroot", "scenes", "--name", "one", "--epoch", "1", "--direction", "BtoA", "--model", "cycle_gan"},
			"one/test_1",
			map[string]string{"00000_real_B": "scenes/testB/00000.png", "00001_real_B": "scenes/testB/00001.png"},
		},
		{"names", []string{"--dataroot", "mixed", "--model", "checkpoints/one", "--name", "names"}, "names/test_latest", map[string]string{
			`<script>"#%41_real_A`: "scenes/testA/00000.png", "sub_x.png_real_A": "scenes/testA/00001.png", "sub_x.PNG__real_A": "scenes/testA/00001.png",
			"only_real_B": "scenes/testB/00000.png",
		}},
		{"pictures of one domain", []string{"--dataroot", "flat", "--model", "checkpoints/one", "--direction", "BtoA", "--results_dir", "results/flat"}, "flat/one/test_latest", map[string]string{
			"a_real_B": "scenes/testA/00000.png",
		}},
		{"one folder by the mode", []string{"--dataroot", "mixed", "--dataset_mode", "single", "--name", "one", "--direction", "AtoB", "--num_test", "1", "--results_dir", "results/single"}, "single/one/test_latest", map[string]string{
			`testA_<script>"#%41_real_A`: "scenes/testA/00000.png",
		}},
		{"side by side", []string{"--dataroot", "aligned", "--phase", "val", "--name", "one"}, "one/val_latest", map[string]string{
			"1_real_A": "scenes/testA/00000.png", "1_real_B": "scenes/testB/00001.png",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			must(t, dir, append([]string{"test"}, c.args...)...)
			page := reporttest.Read(t, at("results", c.folder, "index.html"))
			var want []string
			for name, source := range c.want {
				stem := name[:len(name)-len("_real_A")]
				labels := []string{"_real_A.png", "_fake_B.png", "_rec_A.png"}
				if name[len(name)-1] == 'B' {
					labels = []string{"_real_B.png", "_fake_A.png", "_rec_B.png"}
				}
				for _, label := range labels {
					want = append(want, "images/"+stem+label)
				}
				if !bytes.Equal(pixels(t, at(source)), pixels(t, at("results", c.folder, "images", name+".png"))) {
					t.Errorf("%s is not %s", name, source)
				}
			}
			slices.Sort(want)
			slices.Sort(page.Pictures)
			if diff := cmp.Diff(want, page.Pictures); diff != "" {
				t.Errorf("pictures of the page (-want +got):\n%s", diff)
			}
		})
	}

	page := reporttest.Read(t, at("results/one/test_1/index.html"))
	if want := "Experiment = one, Phase = test, Epoch = 1"; page.Title != want {
		t.Errorf("the title is %q, want %q", page.Title, want)
	}
	must(t, dir, "translate", "--model", "checkpoints/one", "--direction", "AtoB", "--out", "translated", "scenes/testA")
	if read(t, dir, "translated/00000.png") != read(t, dir, "results/one/test_latest/images/00000_fake_B.png") {
		t.Error("test translates otherwise than translate")
	}
	if read(t, dir, "results/one/test_1/images/00000_fake_A.png") == read(t, dir, "results/one/test_latest/images/00000_fake_A.png") {
		t.Error("epochs 1 and 2 give the same picture")
	}
	r := runProgram(t, program(t, dir, "test", "--dataroot", "scenes", "--name", "one", "--epoch", "7"))
	wantRefusal(t, r, []string{"--epoch 7", "checkpoints/one", "latest"})
	r = runProgram(t, program(t, dir, "test", "--dataroot", "flat", "--name", "one"))
	wantRefusal(t, r, []string{`"flat"`, "testA", "--direction"})
	for mode, words := range map[string][]string{
		"single": {"--dataset_mode single", "--direction"}, "aligned": {`"scenes"`, "no pictures"}, "template": {`--dataset_mode "template"`, "single"},
	} {
		r = runProgram(t, program(t, dir, "test", "--dataroot", "scenes", "--name", "one", "--dataset_mode", mode))
		wantRefusal(t, r, words)
	}
	r = runProgram(t, program(t, dir, "test", "--dataroot", "none", "--name", "one", "--direction", "AtoB"))
	wantRefusal(t, r, []string{`"none"`, "no pictures"})
	r = runProgram(t, program(t, dir, "test", "--dataroot", "scenes", "--name", "one", "--dataset_mode", "aligned"))
	wantRefusal(t, r, []string{`"scenes"`, "no pictures", "aligned"})
	r = runProgram(t, program(t, dir, "test", "--dataroot", "scenes", "--name", "one", "--dataset_mode", "colourful"))
	wantRefusal(t, r, []string{"--dataset_mode", "colourful", "single"})
}

func pixels(t *testing.T, path string) []uint8 {
	t.Helper()
	m, err := data.Decode(path, data.RGB, data.Upright)
	if err != nil {
		t.Fatal(err)
	}
	return m.Pix
}

// sideBySide writes two pictures of one size side by side.
func sideBySide(t *testing.T, path, left, right string) {
	t.Helper()
	var halves [2]*data.Image
	for i, name := range []string{left, right} {
		m, err := data.Decode(name, data.RGB, data.Upright)
		if err != nil {
			t.Fatal(err)
		}
		halves[i] = m
	}
	m := data.NewImage(halves[0].W+halves[1].W, halves[0].H)
	for y := range m.H {
		copy(m.Row(y)[copy(m.Row(y), halves[0].Row(y)):], halves[1].Row(y))
	}
	if err := savePicture(path, m); err != nil {
		t.Fatal(err)
	}
}
