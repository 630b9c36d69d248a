// The command line of --low_memory: what a card that is too small says, and how a run moves between the two orders of a step.

package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/profile"
)

// TestLowMemoryOnASmallCard trains where 4 MiB are all there is.
func TestLowMemoryOnASmallCard(t *testing.T) {
	dir := scenes(t)
	options := []string{"--crop_size", "64", "--load_size", "64", "--netG", "resnet_2blocks", "--ngf", "8", "--max_steps"}
	run := func(memory string, steps string, more ...string) result {
		cmd := program(t, dir, small("capped", slices.Concat(options, []string{steps}, more)...)...)
		cmd.Env = append(cmd.Env, "CYCLEVK_MEMORY="+memory)
		return runProgram(t, cmd)
	}
	refused := run("4", "2")
	refused.stdout = "" // what it was about to train
	wantRefusal(t, refused, []string{"CYCLEVK_MEMORY allows 4.0 MiB", "training needs ", "add --low_memory, which needs ", "--crop_size"})
	refused = run("1", "2")
	refused.stdout = ""
	wantRefusal(t, refused, []string{"CYCLEVK_MEMORY allows 1.0 MiB", "--low_memory needs ", ", too much as well: lower --crop_size"})
	for _, c := range []struct {
		memory, steps string
		more          []string
		low           bool
	}{
		{"4", "1", []string{"--low_memory"}, true},
		{"4", "2", []string{"--continue_train"}, true}, // the checkpoint says so
		{"", "3", []string{"--continue_train", "--low_memory=false"}, false},
		{"4", "4", []string{"--continue_train", "--low-memory"}, true},
	} {
		r := run(c.memory, c.steps, c.more...)
		if r.code != 0 || strings.Contains(r.stdout, "low memory") != c.low {
			t.Fatalf("%v: exit code %d, %s%s", c.more, r.code, r.stdout, r.stderr)
		}
		switched := len(c.more) == 2
		if strings.Contains(r.stderr, "--low_memory (") != switched {
			t.Errorf("%v: %s", c.more, r.stderr)
		}
	}
	saved, err := cyclegan.Load(filepath.Join(dir, "checkpoints/capped"))
	if err != nil || saved.Step != 4 || !saved.Config.LowMemory {
		t.Errorf("%+v, %v", saved, err)
	}
}

// TestTooLargeForTheDevice: pictures of which no device binds an activation at once.
func TestTooLargeForTheDevice(t *testing.T) {
	dir := t.TempDir()
	for _, command := range [][]string{{"profile", "train", "--count_only"}, {"bench"}} {
		wantRefusal(t, runProgram(t, program(t, dir, append(command, "--size", "8192")...)), []string{"in one binding", "--crop_size"})
	}
}

// TestProfileMemory: a profile says what the step takes, and where.
func TestProfileMemory(t *testing.T) {
	dir := scenes(t)
	memory := func(more ...string) *profile.Memory {
		r := must(t, dir, slices.Concat([]string{"profile", "train", "--count_only", "--size", "64", "--ngf", "8", "--ndf", "8", "--json", "counts.json"}, more)...)
		var report profile.Report
		if err := json.Unmarshal([]byte(read(t, dir, "counts.json")), &report); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(r.stdout, "memory: ") || !strings.Contains(r.stdout, "alive at once, MB: ") {
			t.Error(r.stdout)
		}
		return report.Memory
	}
	ordinary, low := memory(), memory("--low_memory")
	for _, m := range []*profile.Memory{ordinary, low} {
		most := 0
		for _, p := range m.Phases {
			most = max(most, p.Alive)
		}
		if most != m.Alive || m.Alive > m.Temporaries || m.Temporaries >= m.Device || m.Host == 0 {
			t.Errorf("%+v", m)
		}
	}
	if low.Temporaries > ordinary.Temporaries/3 || low.Host != ordinary.Host {
		t.Errorf("low memory %+v, the ordinary step %+v", low, ordinary)
	}
}
