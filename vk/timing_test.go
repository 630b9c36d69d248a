// What profiles rest on: counts that are exact, timestamps read as they are meant, and recordings that can be changed.

package vk

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestSpans reads timestamps of counters with few valid bits, which start over within a run, and whose other bits are noise.
func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for _, bits := range []uint{36, 40, 64} {
		mask := uint64(1)<<bits - 1
		stretch := []int{3, 1, 2}
		at := mask - 150 // so near to its end that the counter starts over
		ticks, want := []uint64{at}, []Span{}
		elapsed := time.Duration(0)
		advance := func(n uint64) {
			at += n
			elapsed += 2 * time.Duration(n) // the period
			ticks = append(ticks, at&mask|r.Uint64()&^mask)
		}
		for i, n := range stretch {
			if i > 0 {
				advance(1000) // between two submissions
			}
			for j := range n {
				start := elapsed
				advance(uint64(100 + 10*i + j))
				want = append(want, Span{Start: start, Time: elapsed - start})
			}
		}
		if got := spansOf(ticks, stretch, mask, 2); !slices.Equal(got, want) {
			t.Errorf("%d bits: %v, want %v", bits, got, want)
		}
	}
}

// TestList plans a program on paper.
func TestList(t *testing.T) {
	p := newOps(t, paper(minima).NewProgram("list"))
	x, y := p.Temp("x", 1024), p.Temp("y", 512)
	p.Stage = "first"
	p.fill(x.All(), 1)
	p.Stage, p.Layer = "second", "layer"
	p.Dispatch(Launch{Shader: p.mixShader, Spec: []uint32{3}, Push: uint32(1), Work: 7, Label: "mixed"}, x.All(), x.All(), y.All())
	p.Dispatch(Launch{Shader: p.addShader, Push: uint32(1)}, y.All(), x.All().Sparse(64)) // y is read and written
	p.Dispatch(Launch{Shader: p.addShader, Push: uint32(1)}, y.All(), x.Slice(0, 256).Sparse(300))
	if _, err := p.Plan(); err != nil {
		t.Fatal(err)
	}
	want := []Dispatch{
		{Label: "fill", Shader: "fill", Stage: "first", Written: 1024},
		{Label: "mixed", Shader: "mix", Stage: "second", Layer: "layer", Work: 7, Read: 1024, Written: 512},
		{Label: "add", Shader: "add", Stage: "second", Layer: "layer", Read: 512 + 64, Written: 512},
		{Label: "add", Shader: "add", Stage: "second", Layer: "layer", Read: 512 + 256, Written: 512},
	}
	if got := p.List(); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestRecordAnew records one program with and without timestamps and barriers, in turns: it computes the same.
func TestRecordAnew(t *testing.T) {
	dev := open(t)
	p := newOps(t, dev.NewProgram("prog"))
	defer p.Free()
	if err := p.Record(); err == nil {
		t.Error("recorded before it was built")
	}
	a := dev.NewArena("arena")
	defer a.Free()
	x := a.Reserve("x", 4096)
	m := model{}
	for _, on := range []player{p, m} {
		on.fill(x.All(), 3)
		on.add(x.Slice(0, 2048), x.Slice(2048, 2048), 1)
	}
	must(t, a.Allocate())
	must(t, p.Build())
	before, _ := dev.Allocated()
	for _, c := range []struct{ timing, sync bool }{{true, true}, {false, false}, {true, false}, {true, true}} {
		p.Timing, p.FullSync = c.timing, c.sync
		must(t, p.Record())
		for range 3 { // both slots, and one again
			must(t, p.Run())
			if got := readWords(t, dev, x.All()); !slices.Equal(got, m.words(x.All())) {
				t.Fatalf("%+v: other results", c)
			}
			if _, err := p.Times(p.Latest()); (err == nil) != (c.timing && dev.Info.Limits.TimestampPeriod > 0) {
				t.Errorf("%+v: times: %v", c, err)
			}
		}
	}
	if after, _ := dev.Allocated(); after != before {
		t.Errorf("%d bytes were allocated, now %d", before, after)
	}
	dev.Info.Limits.TimestampPeriod = 0 // as of a device that has no timestamps
	must(t, p.Record())
	must(t, p.Run())
	if _, err := p.Times(p.Latest()); err == nil {
		t.Error("times on a device without timestamps")
	}
}
