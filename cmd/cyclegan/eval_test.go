// Evaluation: a model against itself is perfect where a perfect translation exists, and the tables and files say what they should.

package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/synth"
)

// checkEvaluation runs eval on drawn pairs, then on the same pictures under other names.
func checkEvaluation(t *testing.T, dir string) {
	t.Helper()
	r := must(t, dir, "eval", "--model", "checkpoints/one", "--dataroot", "scenes", "--json", "scores.json", "--grid", "grid.png")
	for _, want := range []string{"AtoB: 2 pictures, 2 pairs", "BtoA", "PSNR to the truth", "best affine colour map", "class IoU", "mountain", "ΔE"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("eval does not say %q:\n%s", want, r.stdout)
		}
	}
	var s struct {
		Step       int
		Directions []struct {
			Direction string
			Outputs   []struct {
				Name string
				PSNR float64 `json:"psnr_db"`
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, dir, "scores.json")), &s); err != nil {
		t.Fatal(err)
	}
	if s.Step != 5 || len(s.Directions) != 2 {
		t.Fatalf("scores.json: %+v", s)
	}
	for _, d := range s.Directions {
		if len(d.Outputs) != 3 || d.Outputs[2].PSNR < d.Outputs[1].PSNR || d.Outputs[0].PSNR <= 0 {
			t.Errorf("%+v: want three outputs, the affine map no worse than the input", d)
		}
	}
	if _, err := data.Decode(filepath.Join(dir, "grid.png"), data.RGB, data.Upright); err != nil {
		t.Error(err)
	}

	for from, to := range map[string]string{"scenes/testA": "unpaired/testA/of_A", "scenes/testB": "unpaired/testB/of_B"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(filepath.Join(dir, from))); err != nil {
			t.Fatal(err)
		}
	}
	r = must(t, dir, "eval", "--model", "checkpoints/one", "--dataroot", "unpaired", "--grid", "grid.png")
	if !strings.Contains(r.stdout, "0 pairs") || strings.Contains(r.stdout, "PSNR") || !strings.Contains(r.stdout, "ΔE") {
		t.Errorf("eval of unpaired pictures says:\n%s", r.stdout)
	}
	wantRefusal(t, runProgram(t, program(t, dir, "eval", "--model", "checkpoints/one", "--dataroot", "odd")), []string{"odd/testA", "--dataroot"})
}

// TestPerfectTranslation: the truth in the place of the translations scores as such in both directions.
func TestPerfectTranslation(t *testing.T) {
	manifest := &synth.Manifest{Classes: synth.Classes()}
	folders := [2]*testFolder{{domain: synth.A}, {domain: synth.B}}
	var labels [][]uint8
	for id := range uint32(3) {
		scene := synth.NewScene(1, 0, id)
		for _, f := range folders {
			f.pictures = append(f.pictures, synth.Render(scene, f.domain, 64))
		}
		labels = append(labels, synth.Labels(scene, 64))
	}
	e := &evaluation{classes: manifest}
	for i := range e.directions {
		source, target := folders[i], folders[1-i]
		e.directions[i] = &testDirection{
			name: "direction", source: source, target: target, pairs: [][2]int{{0, 0}, {1, 1}, {2, 2}}, translated: target.pictures, labels: labels,
		}
	}
	s, err := e.score()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Directions {
		model, input, affine := d.Outputs[0], d.Outputs[1], d.Outputs[2]
		if !math.IsInf(float64(model.PSNR), 1) || d.Colour.After != 0 || d.Colour.Reduction != 100 {
			t.Errorf("the truth scores %+v, %+v", model, d.Colour)
		}
		if input.PSNR >= affine.PSNR || affine.Classes.PixelAccuracy >= model.Classes.PixelAccuracy {
			t.Errorf("input %+v, affine map %+v and truth %+v are not in this order", input, affine, model)
		}
		if model.Classes.PixelAccuracy < 0.95 {
			t.Errorf("the truth has a pixel accuracy of %.3f", model.Classes.PixelAccuracy)
		}
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err) // an infinite PSNR must not break it
	}
}
