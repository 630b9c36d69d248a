// Pictures of other kinds through the whole program: pairs side by side, grey and 16-bit ones, such that are no squares, and
// such that lie on their side.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
)

// pairs writes pictures with those of two folders side by side.
func pairs(t *testing.T, left, right, out string) {
	t.Helper()
	names, err := listPictures(left, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		sideBySide(t, filepath.Join(out, name), filepath.Join(left, name), filepath.Join(right, name))
	}
}

// TestAlignedGreyDeep: pairs, with the halves exchanged, of grey and colour, of 16 bits, one of them on its side.
func TestAlignedGreyDeep(t *testing.T) {
	dir := scenes(t)
	for _, phase := range []string{"train", "test"} {
		pairs(t, filepath.Join(dir, "scenes/testA"), filepath.Join(dir, "scenes/testB"), filepath.Join(dir, "pairs", phase))
	}
	options := []string{
		"--dataroot", "pairs", "--dataset_mode", "aligned", "--direction", "BtoA", "--input_nc", "1", "--lambda_identity", "0",
		"--bits", "16", "--exif_orientation", "ignore",
	}
	r := must(t, dir, small("pairs", append(options, "--max_steps", "2")...)...)
	if !strings.Contains(r.stdout, "2 of A, 2 of B (pairs, aligned, direction BtoA)") {
		t.Errorf("training says:\n%s", r.stdout)
	}
	model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/pairs"))
	if err != nil {
		t.Fatal(err)
	}
	if c, d := model.Config, model.Data; c.InputNC != 1 || c.Bits != 16 || d.DatasetMode != "aligned" || d.ExifOrientation != data.AsStored {
		t.Errorf("the checkpoint says %+v, %+v", c, d)
	}
	for _, change := range [][]string{{"--dataset_mode", "unaligned"}, {"--bits", "8"}, {"--exif_orientation", "apply"}} {
		args := []string{"train", "--dataroot", "pairs", "--name", "pairs", "--continue_train"}
		wantRefusal(t, runProgram(t, program(t, dir, append(args, change...)...)), append(change, "the run was started with"))
	}
	must(t, dir, "train", "--dataroot", "pairs", "--name", "pairs", "--continue_train", "--max_steps", "3")

	// The truth is in the other half, and the mode in the checkpoint.
	r = must(t, dir, "eval", "--model", "checkpoints/pairs", "--dataroot", "pairs", "--grid", "grid.png")
	if !strings.Contains(r.stdout, "AtoB: 2 pictures, 2 pairs") || !strings.Contains(r.stdout, "PSNR to the truth") {
		t.Errorf("eval says:\n%s", r.stdout)
	}
	r = must(t, dir, "eval", "--model", "checkpoints/pairs", "--dataroot", "scenes", "--dataset_mode", "unaligned")
	if !strings.Contains(r.stdout, "2 pairs") {
		t.Errorf("eval says:\n%s", r.stdout)
	}
	wantRefusal(t, runProgram(t, program(t, dir, "eval", "--model", "checkpoints/pairs", "--dataroot", "scenes")), []string{"scenes/test"})
	wantRefusal(t, runProgram(t, program(t, dir, "eval", "--model", "checkpoints/pairs", "--dataroot", "pairs", "--dataset_mode", "single")),
		[]string{"--dataset_mode", `"single"`, "aligned"})

	// Translation treats orientation as training did.
	if err := os.WriteFile(filepath.Join(dir, "lying.jpg"), []byte(read(t, "../../cyclegan/data/testdata/pictures/orientation6.jpg")), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "translate", "--model", "checkpoints/pairs", "--direction", "BtoA", "--out", "out", "lying.jpg")
	m, err := data.Decode(filepath.Join(dir, "out/lying.png"), data.Format{}, data.Upright)
	if err != nil {
		t.Fatal(err)
	}
	if m.W != 12 || m.H != 9 || m.C != 1 {
		t.Errorf("the translation is %dx%d of %d channels", m.W, m.H, m.C)
	}
}

// TestOddSizes: training takes the size that the pictures have, and goes on with it; pictures of several sizes are named.
func TestOddSizes(t *testing.T) {
	dir := scenes(t)
	for i, folder := range []string{"trainA", "trainB"} {
		for k := range 3 {
			m := data.NewImage(25, 19+i) // both are rounded to 24x20
			for j := range m.Pix {
				m.Pix[j] = uint8(j * (3 + k + i))
			}
			if err := savePicture(filepath.Join(dir, "odd", folder, fmt.Sprintf("%d.png", k)), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := must(t, dir, small("odd", "--dataroot", "odd", "--preprocess", "none", "--max_steps", "2")...)
	if !strings.Contains(r.stdout, "none to 24x20") {
		t.Errorf("training says:\n%s", r.stdout)
	}
	must(t, dir, "train", "--dataroot", "odd", "--name", "odd", "--continue_train", "--max_steps", "4")
	model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/odd"))
	if err != nil {
		t.Fatal(err)
	}
	if h, w := model.Config.Size(); h != 20 || w != 24 || model.Step != 4 || len(model.PoolA[0]) != 3*20*24 {
		t.Errorf("step %d of %dx%d, the pool holds pictures of %d values", model.Step, w, h, len(model.PoolA[0]))
	}

	if err := savePicture(filepath.Join(dir, "odd/trainB/other.png"), data.NewImage(32, 20)); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, runProgram(t, program(t, dir, small("other", "--dataroot", "odd", "--preprocess", "none")...)),
		[]string{"other.png", "32x20", "24x20", "resize_and_crop"})
	wantRefusal(t, runProgram(t, program(t, dir, small("thin", "--dataroot", "odd", "--preprocess", "scale_width", "--load_size", "5")...)),
		[]string{"4x16", "multiple of 4 from 8"})
}
