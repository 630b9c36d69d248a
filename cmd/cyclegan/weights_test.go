// Files of weights as users meet them: exported, inspected, translated with, trained on, and refused.

package main

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// officialRun trains two steps and exports the weights as the official files of the run "theirs".
func officialRun(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, dir, "synth", "--out", "scenes", "--size", "32", "--train", "3", "--test", "1")
	must(t, dir, "train", "--dataroot", "scenes", "--name", "ours", "--load_size", "32", "--crop_size", "32", "--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4",
		"--n_layers_D", "1", "--max_steps", "2")
	r := must(t, dir, "export", "--model", "checkpoints/ours", "--format", "pth", "--out", "checkpoints/theirs")
	if want := "wrote checkpoints/theirs/latest_net_D_B.pth\n"; !strings.HasSuffix(r.stdout, want) {
		t.Errorf("export does not say %q:\n%s", want, r.stdout)
	}
	return dir
}

func TestWeightFiles(t *testing.T) {
	dir := officialRun(t)
	must(t, dir, "export", "--model", "checkpoints/ours", "--format", "safetensors", "--out", "tensors")

	// Whichever file names the generator, the picture is the same.
	models := []string{"checkpoints/ours", "checkpoints/theirs", "checkpoints/theirs/latest_net_G_B.pth", "tensors", "tensors/latest_net_G_B.safetensors"}
	var first string
	for i, model := range models {
		args := []string{"translate", "--model", model, "--out", "out", "scenes/testB"}
		if !strings.Contains(model, "G_B") { // whose direction its name tells
			args = append(args, "--direction", "BtoA")
		}
		r := must(t, dir, args...)
		picture := read(t, dir, "out/"+fileIn(t, filepath.Join(dir, "out")))
		if i == 0 {
			first = picture
		} else if picture != first {
			t.Errorf("%s: another picture than that of the run", model)
		}
		if strings.HasPrefix(model, "checkpoints/theirs") && !strings.Contains(r.stderr, "G_B is a resnet_1blocks generator, ngf 4, instance norm, 3 -> 3 channels") {
			t.Errorf("%s: the network is not named: %s", model, r.stderr)
		}
	}

	r := must(t, dir, "inspect", "checkpoints/theirs/latest_net_D_A.pth", "checkpoints/ours")
	for _, want := range []string{
		"PyTorch zip, 6 tensors", "n_layers discriminator, 1 layers, ndf 4, instance norm, 3 channels", "model.0.weight  F32  [4 3 4 4]",
		"cyclevk checkpoint", "training: 2 steps done", "G_B: resnet_1blocks generator",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("inspect does not say %q:\n%.3000s", want, r.stdout)
		}
	}
	var reports []fileReport
	if err := json.Unmarshal([]byte(must(t, dir, "inspect", "--json", "checkpoints/theirs").stdout), &reports); err != nil {
		t.Fatal(err)
	}
	if len(reports) != 4 || reports[2].Networks[0].Architecture == nil || reports[2].Networks[0].Architecture.Net != "resnet_1blocks" {
		t.Errorf("inspect --json: %+v", reports)
	}
}

// fileIn is the one file of a folder.
func fileIn(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%s: %v, %v", folder, entries, err)
	}
	return entries[0].Name()
}

// train --continue_train starts from official files: with their networks and weights, and a fresh optimiser.
func TestTrainFromOfficialWeights(t *testing.T) {
	dir := officialRun(t)
	train := func(options ...string) []string {
		return append([]string{"train", "--dataroot", "scenes", "--name", "theirs", "--load_size", "32", "--crop_size", "32", "--max_steps", "1", "--continue_train"}, options...)
	}
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"--ngf", "8"}, "--ngf 8"},
		{[]string{"--netG", "resnet_9blocks"}, "--netG"},
		{[]string{"--norm", "batch"}, "--norm"},
		{[]string{"--netD", "pixel"}, "--netD"},
		{[]string{"--n_layers_D", "2", "--netD", "n_layers"}, "--n_layers_D 2"},
		{[]string{"--epoch", "9"}, "--epoch 9"},
	} {
		wantRefusal(t, runProgram(t, program(t, dir, train(c.options...)...)), []string{c.want})
	}
	r := must(t, dir, train()...)
	if !strings.Contains(r.stdout, "fresh optimiser") || !strings.Contains(r.stdout, "resnet_1blocks, ngf 4") {
		t.Errorf("train does not say what it starts from:\n%s", r.stdout)
	}
	must(t, dir, "export", "--model", "checkpoints/theirs/step-000000000.cyclevk.safetensors", "--format", "pth", "--out", "again")
	for _, net := range []string{"G_A", "G_B", "D_A", "D_B"} {
		name := "latest_net_" + net + ".pth"
		if read(t, dir, "again/"+name) != read(t, dir, "checkpoints/theirs/"+name) {
			t.Errorf("%s: training did not start from these weights", name)
		}
	}
	must(t, dir, train("--max_steps", "2")...) // and goes on from its own checkpoint

	missing := filepath.Join(dir, "checkpoints/other")
	must(t, dir, "export", "--model", "checkpoints/ours", "--format", "pth", "--out", missing)
	if err := os.Remove(filepath.Join(missing, "latest_net_D_B.pth")); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, runProgram(t, program(t, dir, train("--name", "other")...)), []string{"latest_net_D_B.pth"})
}

func TestWeightFilesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "evil.pth"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	entry, err := w.Create("evil/data.pkl")
	if err == nil {
		_, err = entry.Write([]byte("\x80\x02cos\nsystem\nX\x0b\x00\x00\x00touch owned\x85R."))
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "page.pth"), []byte("<!DOCTYPE html>"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "picture.png"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"inspect", "evil.pth"}, []string{"evil.pth", "nothing was executed"}},
		{[]string{"translate", "--model", "evil.pth", "--direction", "AtoB", "--out", "out", "picture.png"}, []string{"evil.pth"}},
		{[]string{"translate", "--model", "evil.pth", "--out", "out", "picture.png"}, []string{"evil.pth"}},
		{[]string{"translate", "--model", "evil.safetensors", "--out", "out", "picture.png"}, []string{"--direction"}},
		{[]string{"inspect", "page.pth"}, []string{"page.pth", "HTML"}},
		{[]string{"inspect", "none.pth"}, []string{"none.pth"}},
		{[]string{"inspect", "."}, []string{"evil.pth"}},
		{[]string{"inspect"}, []string{"FILE"}},
		{[]string{"export", "--model", "page.pth", "--format", "pth", "--out", "out"}, []string{"page.pth"}},
		{[]string{"export", "--model", "page.pth", "--format", "npz", "--out", "out"}, []string{"npz"}},
	} {
		wantRefusal(t, runProgram(t, program(t, dir, c.args...)), c.want)
	}
	for _, name := range []string{"owned", "out"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was made", name)
		}
	}
}

// The weights of the project's test data, of another architecture than CycleGAN's.
func TestInspectRealFiles(t *testing.T) {
	root := os.Getenv("CYCLEVK_TEST_DATA")
	if root == "" {
		t.Skip("CYCLEVK_TEST_DATA is not set")
	}
	dir := t.TempDir()
	for path, want := range map[string]struct {
		files, tensors int
		last           string
	}{
		"emoji_cyclegan_legacy_pickle/D_X.pkl":    {1, 16, "conv4.0.weight        F32  [1 128 4 4]\n"},
		"emoji_cyclegan_legacy_pickle/D_Y.pkl":    {1, 16, "conv4.0.weight        F32  [1 128 4 4]\n"},
		"emoji_cyclegan_legacy_pickle/G_XtoY.pkl": {1, 21, "deconv2.0.weight                        F32  [32 3 4 4]\n"},
		"emoji_cyclegan_legacy_pickle/G_YtoX.pkl": {1, 21, "deconv2.0.weight                        F32  [32 3 4 4]\n"},
		"emoji_cyclegan_legacy_pickle":            {4, 74, "deconv2.0.weight                        F32  [32 3 4 4]\n"},
		"emoji_golden_npy/cycle_generator.pt":     {1, 21, "deconv2.0.weight                        F32  [32 3 4 4]\n"},
		"emoji_golden_npy/dc_discriminator.pt":    {1, 16, "conv4.0.weight        F32  [1 128 4 4]\n"},
	} {
		r := must(t, dir, "inspect", filepath.Join(root, "weights", path))
		if n := strings.Count(r.stdout, ": PyTorch legacy, "); n != want.files {
			t.Errorf("%s: %d files, want %d", path, n, want.files)
		}
		if n := strings.Count(r.stdout, "  F32  ["); n != want.tensors || !strings.HasSuffix(r.stdout, want.last) {
			t.Errorf("%s: %d tensors, want %d and %q at the end:\n%s", path, n, want.tensors, want.last, r.stdout)
		}
		if n := strings.Count(r.stdout, "not a network that cyclevk builds"); n != want.files {
			t.Errorf("%s: %d are said to be no networks of cyclevk", path, n)
		}
	}
}
