// The command tune: what it measures, says and stores, and that a training is the same with it.

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/vk"
)

func TestTune(t *testing.T) {
	if _, err := vk.Devices(); errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	dir := t.TempDir()
	networks := []string{"--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--n_layers_D", "1"}
	for _, command := range [][]string{
		{"tune", "--size", "16"}, {"bench", "--size", "16", "--tune"}, {"train", "--dataroot", "scenes", "--name", "nowhere", "--crop_size", "16", "--tune"},
	} {
		refused := runProgram(t, program(t, dir, append(command, networks...)...))
		if refused.code != app.ExitBadInput || !strings.Contains(refused.stderr, app.TuningVariable+" to something else than \"off\"") {
			t.Errorf("%s without a place: exit code %d, %s", command[0], refused.code, refused.stderr)
		}
	}

	t.Setenv(app.TuningVariable, "")
	if usual, err := os.UserCacheDir(); err == nil {
		t.Setenv("MESA_SHADER_CACHE_DIR", usual) // what Mesa has compiled once
	}
	for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(variable, dir)
	}
	r := must(t, dir, append([]string{"tune", "--size", "16", "--json", "tuning.json"}, networks...)...)
	if !strings.Contains(r.stdout, "16x16, resnet_1blocks, ngf 4, ndf 4, n_layers_D 1, batch size 1, fp32\n") || !strings.Contains(r.stdout, "tuned ms") || r.stderr != "" {
		t.Errorf("printed %s%s", r.stdout, r.stderr)
	}
	var report tuneReport
	if err := json.Unmarshal([]byte(read(t, dir, "tuning.json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Device == "" || report.Config.CropSize != 16 || len(report.Passes) < 10 || len(report.Dropped) > 0 || report.Tuned > report.Default {
		t.Errorf("%+v", report)
	}
	faster := 0
	for _, p := range report.Passes {
		if p.Count < 1 || p.Tiles < 2 || p.Default <= 0 || p.Tuned > p.Default || (p.Constants == nil) != (p.Tuned == p.Default) {
			t.Errorf("%+v", p)
		}
		if p.Constants != nil {
			faster++
		}
	}
	stored, _ := filepath.Glob(filepath.Join(app.TuningFolder(), "*.tuning"))
	if len(stored) != 1 || !strings.HasPrefix(stored[0], dir) {
		t.Fatalf("stored %v", stored)
	}

	tuned := func(want int) {
		t.Helper()
		var devices []deviceEntry
		if err := json.Unmarshal([]byte(must(t, dir, "devices", "--json").stdout), &devices); err != nil {
			t.Fatal(err)
		}
		for _, d := range devices {
			if d.Chosen && d.Tuned != want {
				t.Errorf("%d tuned passes, want %d", d.Tuned, want)
			}
		}
	}
	must(t, dir, "synth", "--out", "scenes", "--size", "16", "--train", "2", "--test", "1")
	train := func(name string, more ...string) string {
		said := must(t, dir, slices.Concat([]string{"train", "--dataroot", "scenes", "--name", name, "--load_size", "16", "--crop_size", "16", "--max_steps", "2"}, networks, more)...)
		if strings.Contains(said.stdout, "\ntuned: ") != (more != nil) {
			t.Errorf("training %s: %s", name, said.stdout)
		}
		return read(t, dir, "checkpoints", name, cyclegan.FileName(2))
	}
	tuned(faster)
	with := train("with")
	if err := os.Truncate(stored[0], 50); err != nil {
		t.Fatal(err)
	}
	tuned(0)
	if train("with a damaged file") != with {
		t.Error("a damaged tuning changes the training")
	}
	if train("tuned before it", "--tune") != with {
		t.Error("--tune changes the training")
	}
	if err := os.Remove(stored[0]); err != nil {
		t.Fatal(err)
	}
	r = must(t, dir, append([]string{"bench", "--size", "16", "--steps", "1", "--tune", "--low_memory"}, networks...)...)
	if _, err := os.Stat(stored[0]); err != nil || !strings.Contains(r.stdout, "tuned: ") || !strings.Contains(r.stdout, "batch size 1, fp32, low memory: training takes") {
		t.Errorf("bench --tune: %v, %s", err, r.stdout)
	}
	t.Setenv(app.TuningVariable, "off")
	if train("without") != with {
		t.Error("tuning changes the training")
	}
}
