// Generations: the newest valid one is found whatever is damaged, and the right ones are kept.

package cyclegan

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cyclevk/cyclegan/safetensors"
)

// made is a small checkpoint of which every number follows from its step. It needs no device.
func made(t testing.TB, step int) *Checkpoint {
	t.Helper()
	c := tiny()
	c.NGF, c.NDF, c.PoolSize = 1, 1, 1
	m := &Model{Config: c}
	if err := m.layout(); err != nil {
		t.Fatal(err)
	}
	value := float32(step)
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			value += 0.5
			v[i] = value
		}
		return v
	}
	out := &Checkpoint{Info: Info{Config: c, Step: step, Epoch: 1, Next: step}, Nets: map[string]NetState{}}
	for _, ps := range m.networks() {
		s := NetState{State{}, State{}, State{}}
		for _, p := range ps.List {
			s.Weights[p.Name], s.M[p.Name], s.V[p.Name] = fill(p.Len()), fill(p.Len()), fill(p.Len())
		}
		out.Nets[ps.Net] = s
	}
	out.PoolA = [][]float32{fill(3 * c.CropSize * c.CropSize)}
	return out
}

// same compares all that is saved.
func same(a, b *Checkpoint) bool {
	x, metaX, errX := a.encode()
	y, metaY, errY := b.encode()
	return errX == nil && errY == nil && metaX[metaSum] == metaY[metaSum] && len(x) == len(y)
}

func save(t testing.TB, r *RunFolder, step int) string {
	t.Helper()
	path, err := r.Save(made(t, step))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFlippedByte flips one bit of a byte, wherever it is: the older generation is read, and the damage named. A bit that
// changes no content may pass.
func TestFlippedByte(t *testing.T) {
	r := &RunFolder{Path: t.TempDir(), disk: quick}
	older, path := save(t, r, 1), save(t, r, 2)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := made(t, 2)
	stride, passed := 101, 0
	if long() {
		stride = 1
	}
	for at := 0; at < len(raw); at += stride {
		bad := bytes.Clone(raw)
		bad[at] ^= 1 << (at / stride % 8)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(r.Path)
		switch {
		case err != nil:
			t.Fatalf("byte %d: %v", at, err)
		case c.Step == 2 && same(c, want):
			passed++
		case c.Step != 1 || c.Path != older || len(c.Damaged) != 1 || !strings.Contains(c.Damaged[0].Error(), path):
			t.Fatalf("byte %d: read %s, passed over %v", at, c.Path, c.Damaged)
		}
	}
	if passed > len(raw)/stride/100 {
		t.Errorf("%d of %d flips were not noticed", passed, len(raw)/stride)
	}

	if err := os.WriteFile(older, raw[:len(raw)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(r.Path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("every generation is damaged: %v", err)
	}
}

// TestLaterVersion: a file of a later version is no damage, so an older one is not taken in its place. Where only the version is
// damaged, one is.
func TestLaterVersion(t *testing.T) {
	r := &RunFolder{Path: t.TempDir(), disk: quick}
	save(t, r, 1)
	path := filepath.Join(r.Path, FileName(2))
	tensors, metadata, err := made(t, 2).encode()
	if err != nil {
		t.Fatal(err)
	}
	now, later := fmt.Sprintf(`"version":%d,`, CheckpointVersion), fmt.Sprintf(`"version":%d,`, CheckpointVersion+1)
	info := strings.Replace(metadata[metaInfo], now, later, 1)
	if info == metadata[metaInfo] {
		t.Fatalf("no %s in %s", now, info)
	}
	metadata[metaInfo], metadata[metaSum] = info, checksum([]byte(info), tensors)
	if err := safetensors.Write(path, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(r.Path); !errors.Is(err, errNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}

	metadata[metaSum] = checksum([]byte(strings.Replace(info, later, now, 1)), tensors)
	if err := safetensors.Write(path, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(r.Path); err != nil || c.Step != 1 || len(c.Damaged) != 1 {
		t.Errorf("a damaged version: %v", err)
	}
}

func TestGenerations(t *testing.T) {
	dir := t.TempDir()
	names := []string{
		FileName(12), FileName(3), FileName(2_000_000_000), "step-5" + Extension, "best" + Extension, FileName(4) + ".77.tmp", FileName(7) + damagedMark,
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := generations(dir)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	for _, g := range list {
		steps = append(steps, g.step)
	}
	if want := []int{2_000_000_000, 12, 3}; !slices.Equal(steps, want) {
		t.Errorf("generations %v, want %v", steps, want)
	}
}

// TestKeepPolicy saves every so many minutes of a day and asks after each: are the last three there, those that are kept for
// ever, one over an hour old, and few others?
func TestKeepPolicy(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, minutes := range []int{1, 7, 20, 25, 59, 61, 200} {
		var list []generation
		forever := func(step int) bool { return step%50 == 0 }
		for step := range 24 * 60 / minutes {
			now := start.Add(time.Duration(step*minutes) * time.Minute)
			list = slices.Insert(list, 0, generation{step: step, written: now})
			for _, g := range surplus(list, now, forever) {
				list = slices.DeleteFunc(list, func(h generation) bool { return h.step == g.step })
			}
			has := func(step int) bool {
				return slices.ContainsFunc(list, func(g generation) bool { return g.step == step })
			}
			for old := range step + 1 {
				if (old > step-keepLast || forever(old)) && !has(old) {
					t.Fatalf("every %d minutes: step %d is gone after step %d", minutes, old, step)
				}
			}
			aged := slices.ContainsFunc(list, func(g generation) bool {
				return now.Sub(g.written) > keepAge && now.Sub(g.written) <= 3*keepAge+time.Duration(3*minutes)*time.Minute
			})
			if !aged && step*minutes > 60 {
				t.Fatalf("every %d minutes: none over an hour old after step %d", minutes, step)
			}
			if most := keepLast + 2 + step/50 + 1; len(list) > most {
				t.Fatalf("every %d minutes: %d files after step %d, at most %d expected", minutes, len(list), step, most)
			}
		}
	}
	// A clock that was set back only keeps more.
	list := []generation{{step: 3, written: start}, {step: 2, written: start.Add(time.Hour)}, {step: 1, written: start.Add(2 * time.Hour)}}
	if gone := surplus(list, start, func(int) bool { return false }); len(gone) > 0 {
		t.Errorf("after the clock was set back: %v deleted", gone)
	}
}

// long asks for the proofs that take too long for every day.
func long() bool { return os.Getenv("CYCLEVK_LONG") != "" }
