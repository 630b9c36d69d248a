// Networks from the command line: every option trains, goes on from a checkpoint that says what it is, and translates.

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan"
)

func TestNetworks(t *testing.T) {
	dir := scenes(t)
	for name, c := range map[string]struct{ options, says []string }{
		"unet": {
			[]string{"--netG", "unet_32", "--load_size", "36", "--crop_size", "32", "--norm", "batch", "--batch_size", "2", "--no_dropout=false", "--init_type", "orthogonal"},
			[]string{"unet_32", "statistics of their batch", "half of the values"},
		},
		"pixel": {
			[]string{"--netD", "pixel", "--norm", "none", "--upsample", "resize", "--init_type", "kaiming"},
			[]string{"of each pixel alone", "none", "nearest neighbours"},
		},
	} {
		whole, parts := name+"_whole", name+"_parts"
		r := must(t, dir, small(whole, append(slices.Clone(c.options), "--max_steps", "3")...)...)
		for _, want := range c.says {
			if !strings.Contains(r.stdout, want) {
				t.Errorf("%s: training does not say %q:\n%s", name, want, r.stdout)
			}
		}
		must(t, dir, small(parts, append(slices.Clone(c.options), "--max_steps", "2")...)...)
		must(t, dir, "train", "--dataroot", "scenes", "--name", parts, "--continue_train", "--print_freq", "1", "--max_steps", "3")
		file := cyclegan.FileName(3)
		if read(t, dir, "checkpoints", whole, file) != read(t, dir, "checkpoints", parts, file) {
			t.Errorf("%s: a run of two parts differs from a run of one", name)
		}
		for _, option := range []string{"--eval=false", "--eval"} {
			must(t, dir, "translate", "--model", "checkpoints/"+whole, "--direction", "AtoB", "--out", name+option, option, "scenes/testA")
			if found, err := os.ReadDir(filepath.Join(dir, name+option)); err != nil || len(found) != 2 {
				t.Errorf("%s: %d translations (%v)", name, len(found), err)
			}
		}
		picture := "00000.png"
		if found, err := os.ReadDir(filepath.Join(dir, "scenes/testA")); err == nil {
			picture = found[0].Name()
		}
		if same := read(t, dir, name+"--eval", picture) == read(t, dir, name+"--eval=false", picture); same != (name != "unet") {
			t.Errorf("%s: with --eval the same picture: %v", name, same)
		}
		must(t, dir, "eval", "--model", "checkpoints/"+whole, "--dataroot", "scenes", "--eval")
	}
	wantRefusal(t, runProgram(t, program(t, dir, "train", "--dataroot", "scenes", "--name", "unet_whole", "--continue_train", "--norm", "instance")),
		[]string{"--norm", "instance", "batch"})
}
