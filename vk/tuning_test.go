// Tuning: only variants with the same bits can win, the stored ones are used, and a file that is not right is not there.

package vk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// rows appends dst = x + 1 with variants of which two are good, one computes other bits and one cannot be made.
func rows(t *testing.T, p *Program, x, dst Range) {
	groups := func(rows int) [3]int { return [3]int{(dst.Bytes/4 + groupSize*rows - 1) / (groupSize * rows)} }
	p.Dispatch(Launch{Shader: shader(t, "rows"), Spec: []uint32{1, 0}, Groups: groups(1), Variants: []Variant{
		{[]uint32{1, 0}, groups(1)}, {[]uint32{2, 0}, groups(2)}, {[]uint32{4, 0}, groups(4)}, {[]uint32{4, 1}, groups(4)}, {[]uint32{1}, groups(1)},
	}}, x, dst)
}

func TestMeasure(t *testing.T) {
	dev := open(t)
	p := newOps(t, dev.NewProgram("tuned"))
	x, dst, other := p.Temp("x", 1000), p.Temp("dst", 1000), p.Temp("other", 400)
	p.fill(x.All(), 1)
	rows(t, p.Program, x.All(), dst.All())
	rows(t, p.Program, x.All(), other.All())
	rows(t, p.Program, x.All(), dst.All())
	list := Tunables(p.Program)
	if _, err := p.Plan(); err != nil || len(list) != 2 || list[0].Count != 2 || list[1].Count != 1 || len(list[0].Variants) != 5 {
		t.Fatalf("%d launches can be tuned, %v", len(list), err)
	}
	for _, one := range list {
		m, err := one.Measure()
		must(t, err)
		if len(m.Dropped) != 2 || !strings.Contains(m.Dropped[0].Error(), "rows [4 1]: computes other bits") || !strings.Contains(m.Dropped[1].Error(), "rows [1]") {
			t.Errorf("dropped: %v", m.Dropped)
		}
		if m.Default <= 0 || m.Best > m.Default || m.Spec != nil && (m.Spec[1] != 0 || m.Spec[0] == 1) {
			t.Errorf("%+v", m)
		}
	}
	surveyed, dropped, err := list[0].Survey(3)
	if err != nil || len(dropped) != 2 || len(surveyed) != 3 {
		t.Fatalf("%d variants surveyed, dropped %v, %v", len(surveyed), dropped, err)
	}
	for i, s := range surveyed {
		if s.Spec[0] != 1<<i || len(s.Times) != 3 || slices.Min(s.Times) <= 0 {
			t.Errorf("%+v", s)
		}
	}
	broken := *list[0]
	broken.Variants = broken.Variants[4:]
	if _, err := broken.Measure(); err == nil || !strings.Contains(err.Error(), "specialisation constants") {
		t.Errorf("a launch that cannot be made: %v", err)
	}
}

func TestTuningIsUsed(t *testing.T) {
	dev := open(t)
	run := func(tuning Tuning) (word uint32, key string) {
		dev.Tuning = tuning
		p := newOps(t, dev.NewProgram("tuned"))
		x, dst := p.Temp("x", 256), p.Host("dst", 256)
		p.fill(x.All(), 5)
		rows(t, p.Program, x.All(), dst.All())
		must(t, p.Build())
		defer p.Free()
		must(t, p.Run())
		return toWords(p.Slot(0).Bytes(dst))[0], Tunables(p.Program)[0].Key
	}
	_, key := run(nil)
	for _, c := range []struct {
		name string
		Tuning
		want uint32
	}{
		{"none", nil, 6},
		{"another variant", Tuning{key: {4, 1}}, 7},
		{"of another launch", Tuning{key + " ": {4, 1}}, 6},
		{"of no variant", Tuning{key: {8, 1}}, 6},
		{"without constants", Tuning{key: nil}, 6},
	} {
		if got, same := run(c.Tuning); got != c.want || same != key {
			t.Errorf("%s: %d, want %d; key %q, want %q", c.name, got, c.want, same, key)
		}
	}
}

func TestFaster(t *testing.T) {
	for _, c := range []struct {
		variant []time.Duration // where the default takes 100
		want    bool
	}{
		{[]time.Duration{90, 90, 90, 90}, true},
		{[]time.Duration{90, 90, 90, 140}, true},
		{[]time.Duration{90, 90, 99, 99}, false},
		{[]time.Duration{98, 98, 98, 98}, false},
		{[]time.Duration{10, 110, 110, 110}, false},
	} {
		if got := faster(c.variant, slices.Repeat([]time.Duration{100}, len(c.variant))); got != c.want {
			t.Errorf("%v against 100: %v", c.variant, got)
		}
	}
}

func TestStoredTuning(t *testing.T) {
	folder, device := filepath.Join(t.TempDir(), "new"), DeviceInfo{Name: "a device", Driver: "1.0"}
	want := Tuning{"a shader [1 2]": {3, 4}, "another": {5}}
	must(t, want.Write(folder, "key", device))
	same := func(got Tuning) bool { return maps.EqualFunc(got, want, slices.Equal) }
	newer := device
	newer.Driver = "1.1"
	for _, c := range []struct {
		name, key string
		device    DeviceInfo
		want      bool
	}{{"as written", "key", device, true}, {"other shaders", "another key", device, false}, {"another driver", "key", newer, false}} {
		if got := ReadTuning(folder, c.key, c.device); same(got) != c.want || !c.want && got != nil {
			t.Errorf("%s: read %v", c.name, got)
		}
	}
	paths, _ := filepath.Glob(filepath.Join(folder, "*"))
	if len(paths) != 1 {
		t.Fatalf("the folder holds %v", paths)
	}
	good, err := os.ReadFile(paths[0])
	must(t, err)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		for what, content := range map[string][]byte{"changed": bad, "cut off": good[:i]} {
			must(t, os.WriteFile(paths[0], content, 0o600))
			if got := ReadTuning(folder, "key", device); got != nil {
				t.Errorf("byte %d %s: read %v", i, what, got)
			}
		}
	}
	must(t, device.sealed(folder, tuningExtension, "key").write([]byte(`{"a shader": "whole, and no tuning"}`)))
	if got := ReadTuning(folder, "key", device); got != nil {
		t.Errorf("read %v", got)
	}
	if err := want.Write(filepath.Join(paths[0], "in a file"), "key", device); err == nil || !strings.Contains(err.Error(), "a device") {
		t.Errorf("where nothing can be written: %v", err)
	}
}

// TestLostWhileTuning: a device that is lost ends the measurement, where another failure only drops a variant.
func TestLostWhileTuning(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // reports what a call made that was made to look as if it had failed
	}
	dev := open(t)
	p := dev.NewProgram("tuned")
	rows(t, p, p.Temp("x", 256).All(), p.Temp("dst", 256).All())
	calls := 0
	defer Inject(func(call string, result int32) int32 {
		if call == "vkQueueSubmit" {
			if calls++; calls == 8 {
				return DeviceLost
			}
		}
		return result
	})()
	if _, err := Tunables(p)[0].Measure(); !errors.Is(err, ErrDeviceLost) {
		t.Errorf("got %v", err)
	}
}

// TestNumbers: what variants are verified on spoils no sum, whatever type a shader takes it for.
func TestNumbers(t *testing.T) {
	data := numbers(rand.New(rand.NewPCG(0, 0)), 1<<16)
	if len(data) != 1<<16 {
		t.Fatalf("%d bytes", len(data))
	}
	ordinary := 0
	for i := 0; i < len(data); i += 4 {
		word := binary.LittleEndian.Uint32(data[i:])
		if x := math.Float32frombits(word); !(x >= -1.01 && x <= 1.01) {
			t.Fatalf("word %d is %g in fp32", i/4, x)
		}
		for _, half := range []uint32{word & 0xffff, word >> 16} {
			if x := math.Float32frombits(half << 16); !(x >= -1 && x <= 1) {
				t.Fatalf("word %d holds %g in bf16", i/4, x)
			}
			exponent := half >> 10 & 31 // of fp16
			if exponent == 31 {
				t.Fatalf("word %d holds %#04x, which is no number in fp16", i/4, half)
			}
			if exponent >= 13 && exponent <= 15 {
				ordinary++
			}
		}
	}
	if 100*ordinary < 99*len(data)/2 {
		t.Errorf("%d of %d numbers in fp16 are between 1/4 and 2", ordinary, len(data)/2)
	}
}
