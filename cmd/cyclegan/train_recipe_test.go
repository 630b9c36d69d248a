// Recipes from the command line: what is unusual is announced, a schedule with a memory survives a stop, and what cannot be is
// refused by name.

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan"
)

func TestRecipes(t *testing.T) {
	dir := scenes(t)
	for i, c := range []struct {
		options []string
		says    []string // beside the losses
		losses  string
	}{
		{
			[]string{"--gan_mode", "wgangp", "--lambda_B", "0", "--lr_policy", "cosine", "--n_epochs", "4"},
			[]string{"never adds the gradient penalty", "A to B to A alone, L1", "reaches 0 after 4 epochs", "rises again in the 100 of --n_epochs_decay"},
			" cycle_B: 0.000 ",
		},
		{
			[]string{"--gan_mode", "vanilla_minmax", "--cycle_loss", "gan", "--accumulate", "2", "--lr_policy", "step"},
			[]string{"log(1 - D)", "adversarial, by discriminators", "4 of ", "gradients of 2 batches to a step", "1 an epoch", "a tenth after every 50 epochs"},
			" D_cycle_A: ",
		},
		{
			[]string{"--lambda_A", "0", "--lambda_B", "0", "--lambda_identity", "0"},
			[]string{"cycle           none", "3 an epoch"},
			" cycle_A: 0.000 idt_A: 0.000 ",
		},
	} {
		name := fmt.Sprint("recipe", i)
		r := must(t, dir, small(name, append(c.options, "--max_steps", "2")...)...)
		for _, want := range append(c.says, c.losses) {
			if !strings.Contains(r.stdout, want) {
				t.Errorf("%s: training does not say %q:\n%s", name, want, r.stdout)
			}
		}
		if log := read(t, dir, "checkpoints", name, "loss_log.txt"); !strings.Contains(log, c.losses) {
			t.Errorf("%s: no%sin\n%s", name, c.losses, log)
		}
	}
	for _, c := range []struct{ options, says []string }{
		{[]string{"--gan_mode", "hinge"}, []string{`--gan_mode "hinge"`, "wgangp"}},
		{[]string{"--lr_policy", "cosine", "--n_epochs", "0"}, []string{"--lr_policy cosine", "--n_epochs"}},
		{[]string{"--input_nc", "1"}, []string{"--input_nc 1", "--lambda_identity 0"}},
		{[]string{"--output_nc", "2", "--lambda_identity", "0"}, []string{"--output_nc 2", "use 1 (grey)"}},
		{[]string{"--batch_size", "2", "--accumulate", "2"}, []string{"--accumulate 2", "3 pictures"}},
		{[]string{"--accumulate", "0"}, []string{"--accumulate 0"}},
	} {
		wantRefusal(t, runProgram(t, program(t, dir, small("refused", c.options...)...)), c.says)
	}
}

// TestPlateauContinues: what the policy remembers of the epochs, and of the steps of one that was cut short, is in the
// checkpoint. The rate is so small that the losses only wander, and it falls.
func TestPlateauContinues(t *testing.T) {
	dir := scenes(t)
	options := []string{"--lr_policy", "plateau", "--lr", "1e-7", "--n_epochs", "12", "--n_epochs_decay", "0"}
	must(t, dir, small("whole", options...)...)
	must(t, dir, small("parts", append(slices.Clone(options), "--max_steps", "13")...)...)
	for _, last := range []string{"24", "36"} { // within an epoch, and at the end of one
		must(t, dir, "train", "--dataroot", "scenes", "--name", "parts", "--continue_train", "--print_freq", "1", "--max_steps", last)
	}
	file := cyclegan.FileName(36)
	if read(t, dir, "checkpoints/whole", file) != read(t, dir, "checkpoints/parts", file) {
		t.Error("a run of three parts differs from a run of one")
	}
	model, err := cyclegan.Load(filepath.Join(dir, "checkpoints/whole"))
	if err != nil || model.Plateau == nil || model.Plateau.Epoch != 12 || model.Plateau.Steps != 3 {
		t.Fatalf("%v, the checkpoint remembers %+v", err, model.Plateau)
	}
	rates := map[float64]bool{}
	for line := range strings.Lines(read(t, dir, "checkpoints/parts/metrics.jsonl")) {
		var r struct{ LR float64 }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		rates[r.LR] = true
	}
	if len(rates) < 2 {
		t.Errorf("the rate never fell: %v", rates)
	}
}
