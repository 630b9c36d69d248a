// Models under load: whatever is switched or reloaded, each picture is one model's, exactly, and none is left out.

package live

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan"
	"cyclevk/vk/vktest"
)

// A switch, a reload of the model that is shown, and a switch of direction, while frames come as fast as they are taken.
func TestSwitchAndReloadUnderLoad(t *testing.T) {
	dev := vktest.Device(t)
	run := t.TempDir()
	a, b := randomModel(t, "a", config(3, 3), 1), randomModel(t, "b", config(3, 3), 2)
	b.Follow = run
	newer := randomModel(t, "newer", config(3, 3), 3)
	p := newPipeline(t, dev, a, b)
	p.pieces = 4096 // several to a network

	frame := func(serial uint64) *Frame { return randomFrame(16, 16, 1+serial%2) } // each is seen under each model
	var want [4][2][]byte
	for i, m := range []struct {
		Model
		direction string
	}{{a, "AtoB"}, {b, "AtoB"}, {newer, "AtoB"}, {newer, "BtoA"}} {
		for serial := range want[i] {
			want[i][serial] = offline(t, dev, m.Model, m.direction, frame(uint64(serial)))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	sink, screen, stages := &album{}, &fakeScreen{dev: dev, w: 16, h: 16}, []int{}
	s := DefaultSettings()
	s.Size, s.Smoothing, s.Sinks = 16, 0.9, []Sink{sink}
	l := NewLoop(p, Config{
		Source: newScript(1<<30, frame), Screen: screen, Settings: s, Lossless: true, Trouble: func(err error) { t.Error(err) },
	})
	l.poll = 1 // without a pause
	sink.each = func(n int) {
		shown := -1
		for i := range want {
			if bytes.Equal(sink.pictures[n-1], want[i][n%2]) {
				shown = i
			}
		}
		if len(stages) > 0 && shown == stages[len(stages)-1] {
			return
		}
		if n > 1 && shown < 0 { // smoothed, as all are but the first of a model
			return
		}
		stages = append(stages, shown)
		switch shown {
		case 0:
			l.Do(func(s *Settings) { s.Model = 1 })
		case 1:
			newer.Checkpoint.Config = b.Checkpoint.Config
			saveCheckpoint(t, run, newer)
		case 2:
			l.Do(func(s *Settings) { s.Direction = "BtoA" })
		case 3:
			cancel()
		}
	}
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	st := l.Stats()
	if !slices.Equal(stages, []int{0, 1, 2, 3}) || st.Reloads != 1 || st.Step != 3 || st.Model != "b" || st.Direction != "BtoA" {
		t.Errorf("models came as %v: %+v", stages, st)
	}
	if st.Dropped != 0 || uint64(screen.n) != st.Presented || st.Presented < st.Runs || uint64(len(sink.pictures)) != st.Frames {
		t.Errorf("%d pictures shown, %d kept: %+v", screen.n, len(sink.pictures), st)
	}
}

// Weights that are on their way are not switched to, and those that run stay whole, until the last piece is there.
func TestSwitchWaitsForTheLastPiece(t *testing.T) {
	dev := vktest.Device(t)
	a, b := randomModel(t, "a", config(3, 3), 1), randomModel(t, "b", config(3, 3), 2)
	p := newPipeline(t, dev, a, b)
	p.pieces = 4096
	runs := func(m Model) bool {
		t.Helper()
		ps := p.entries[0].gen.net.Params
		want, err := ps.Pack(ps.Weights, m.Checkpoint.Nets["G_A"].Weights)
		got := make([]byte, ps.Weights.Size)
		if err == nil {
			err = dev.Read(ps.Weights.All(), got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Equal(got, want)
	}
	between := func() (switched, more bool) {
		t.Helper()
		switched, more, err := p.between()
		if err != nil {
			t.Fatal(err)
		}
		return switched, more
	}
	if switched, more := between(); !switched || more || !runs(a) {
		t.Fatal("the first model does not run")
	}
	before := a
	for _, step := range []uint64{3, 4} { // a switch to what is being reloaded, and a reload of what runs
		next := randomModel(t, "b", config(3, 3), step)
		c, err := p.pack(1, next.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		p.reload(c)
		if err := p.use(1, "AtoB"); err != nil {
			t.Fatal(err)
		}
		pieces := 0
		for switched := false; !switched; pieces++ {
			if !runs(before) || p.playing().Step != before.Checkpoint.Step {
				t.Fatalf("after %d pieces of step %d other weights run, or seem to", pieces, step)
			}
			switched, _ = between()
		}
		if pieces < 3 || !runs(next) || p.playing().Step != next.Checkpoint.Step {
			t.Errorf("%d pieces, then %+v", pieces, p.playing())
		}
		for more := true; more; { // the other direction
			_, more = between()
		}
		if switched, more := between(); switched || more {
			t.Error("switched to what ran")
		}
		before = next
	}
}

// saveCheckpoint writes a model as a training does.
func saveCheckpoint(t *testing.T, folder string, m Model) string {
	t.Helper()
	c := *m.Checkpoint
	c.Nets = map[string]cyclegan.NetState{}
	for _, net := range []string{"G_A", "G_B", "D_A", "D_B"} {
		weights := m.Checkpoint.Nets[net].Weights
		if weights == nil {
			weights = cyclegan.NewDiscriminator(net, c.Config.DiscriminatorSpec(net)).Params.InitState(1, cyclegan.InitNormal, 0.02)
		}
		c.Nets[net] = cyclegan.NetState{Weights: weights, M: weights, V: weights}
	}
	path := filepath.Join(folder, cyclegan.FileName(c.Step))
	if err := c.Save(path); err != nil {
		t.Error(err)
	}
	return path
}

// A newest checkpoint that is half-written or of another network leaves what was, is told of once, and is read again when it changes.
func TestFollow(t *testing.T) {
	run := t.TempDir()
	f := &follower{folder: run, step: 1}
	expect := func(what string, step int, complaint string) {
		t.Helper()
		c, err := f.poll()
		got := 0
		if c != nil {
			got = c.Step
		}
		if got != step || (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: step %d, %v; want %d, %q", what, got, err, step, complaint)
		}
	}
	expect("no checkpoint", 0, "")
	saveCheckpoint(t, run, randomModel(t, "", config(3, 3), 1))
	expect("the one that is shown", 0, "")
	path := saveCheckpoint(t, run, randomModel(t, "", config(3, 3), 5))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(whole[:len(whole)/2])
	expect("half-written", 0, filepath.Base(path))
	expect("unchanged", 0, "")
	write(whole)
	expect("whole", 5, "")
	expect("unchanged", 0, "")
	if err := os.RemoveAll(run); err != nil {
		t.Fatal(err)
	}
	expect("gone", 0, run)
}

func TestModelsThatCannotBeShown(t *testing.T) {
	dev := vktest.Device(t)
	one := randomModel(t, "one way", config(3, 3), 1)
	delete(one.Checkpoint.Nets, "G_B")
	back := one
	back.Direction = "BtoA"
	for name, c := range map[string]struct {
		models []Model
		want   []string
	}{
		"none":      {nil, []string{"--model"}},
		"channels":  {[]Model{one, randomModel(t, "radar", config(4, 3), 1)}, []string{"model radar", "G_A", "4 channels", "cyclegan translate"}},
		"direction": {[]Model{back}, []string{"model one way", "BtoA", "the other direction"}},
	} {
		_, err := NewPipeline(dev, c.models, Options{})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", name, err, want)
			}
		}
	}
	p := newPipeline(t, dev, one)
	other := config(3, 3)
	other.NGF = 8
	if _, err := p.pack(0, randomModel(t, "", other, 2).Checkpoint); err == nil || !strings.Contains(err.Error(), "another network") {
		t.Errorf("%v", err)
	}
	if bytes, _ := dev.Allocated(); bytes == 0 {
		t.Error("nothing is allocated")
	}
}
