// --precision from the command line: trained, continued, translated, timed, and refused where it cannot be.

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
)

func TestPrecision(t *testing.T) {
	dir := scenes(t)
	whole := must(t, dir, small("whole", "--precision", "fp16", "--max_steps", "6")...)
	if !strings.Contains(whole.stdout, "precision       fp16, with a loss scale") {
		t.Errorf("training does not say how it computes:\n%s", whole.stdout)
	}
	if metrics := read(t, dir, "checkpoints/whole/metrics.jsonl"); !strings.Contains(metrics, `"loss_scale":`) {
		t.Errorf("no loss scale in\n%s", metrics)
	}
	must(t, dir, small("parts", "--precision", "fp16", "--max_steps", "2")...)
	goOn := []string{"train", "--dataroot", "scenes", "--name", "parts", "--continue_train", "--print_freq", "1", "--max_steps", "6"}
	wantRefusal(t, runProgram(t, program(t, dir, append(goOn, "--precision", "bf16")...)), []string{`--precision "bf16"`, `started with "fp16"`})
	must(t, dir, goOn...)
	file := newest(t, dir, "checkpoints/whole")
	if read(t, dir, "checkpoints/whole", file) != read(t, dir, "checkpoints/parts", file) {
		t.Error("a run of two parts differs from a run of one")
	}

	translate := []string{"translate", "--model", "checkpoints/whole", "--direction", "AtoB", "scenes/testA"}
	pictures := map[string]*data.Image{}
	for _, precision := range []string{"fp32", "fp16", "bf16"} {
		must(t, dir, append(translate, "--out", precision, "--precision", precision)...)
		list, err := filepath.Glob(filepath.Join(dir, precision, "*.png"))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: translated %v, %v", precision, list, err)
		}
		if pictures[precision], err = data.Decode(list[0], data.Format{}, data.Upright); err != nil {
			t.Fatal(err)
		}
		sum, pix := 0.0, pictures["fp32"].Pix
		for i, v := range pictures[precision].Pix {
			sum += (float64(v) - float64(pix[i])) * (float64(v) - float64(pix[i])) / float64(len(pix))
		}
		if sum > 4 {
			t.Errorf("%s: mean square of the difference from fp32: %.2f levels", precision, sum)
		}
	}

	bench := []string{"bench", "--size", "16", "--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--n_layers_D", "1", "--steps", "1"}
	if r := must(t, dir, append(bench, "--precision", "bf16")...); !strings.Contains(r.stdout, ", bf16: training takes") {
		t.Errorf("bench does not say how it computes:\n%s", r.stdout)
	}
	for _, c := range []struct{ args, says []string }{
		{small("refused", "--precision", "fp8"), []string{`--precision "fp8"`, "fp16"}},
		{small("refused", "--precision", "fp16", "--crop_size", "12", "--load_size", "12"), []string{"--crop_size 12", "--precision fp16", "multiple of 8"}},
		{append(translate, "--out", "none", "--precision", "half"), []string{`--precision "half"`, "bf16"}},
		{append(bench, "--precision", "64"), []string{`--precision "64"`}},
	} {
		wantRefusal(t, runProgram(t, program(t, dir, c.args...)), c.says)
	}
}

// newest is the last checkpoint's name.
func newest(t *testing.T, elem ...string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(append(elem, "*.safetensors")...))
	if err != nil || len(list) == 0 {
		t.Fatalf("checkpoints in %v: %v, %v", elem, list, err)
	}
	return filepath.Base(list[len(list)-1])
}
