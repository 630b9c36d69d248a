// Programs: replays, barriers and aliasing against a model in Go.

package vk

import (
	"slices"
	"testing"
)

// TestReplay runs a program of chained and independent dispatches over aliased temporaries three times over both slots, with
// derived barriers and with a full barrier everywhere, and holds both against the model.
func TestReplay(t *testing.T) {
	dev := open(t)
	const n = 5000
	arena := dev.NewArena("weights")
	state, frozen := arena.Reserve("state", 4*n), arena.Reserve("frozen", 4*n)
	must(t, arena.Allocate())
	defer arena.Free()

	build := func(full bool) (*Program, *Mem, *Mem, func(m model, in, out Range)) {
		p := dev.NewProgram("replay")
		p.FullSync = full
		in, out := p.Host("in", 4*n), p.Host("out", 4*n)
		var temps []*Mem
		for range 40 {
			temps = append(temps, p.Temp("t", 4*n))
		}
		body := func(o player, in, out Range) {
			o.fill(temps[0].All(), 7)
			o.mix(temps[1].All(), in, state.All(), 3, 11)
			for i := 2; i < len(temps); i++ {
				a, b := temps[i-1].All(), temps[i-2].All()
				if i%5 == 0 { // a branch that waits for nothing of late
					a, b = frozen.All(), in
				}
				o.mix(temps[i].All(), a, b, uint32(2*i+1), uint32(100*i))
			}
			o.add(state.All(), temps[len(temps)-1].All(), 77)
			o.mix(out, state.All(), temps[len(temps)-2].All(), 5, 1)
		}
		body(newOps(t, p), in.All(), out.All())
		must(t, p.Build())
		t.Cleanup(p.Free)
		return p, in, out, func(m model, in, out Range) { body(m, in, out) }
	}

	var results [2][][]uint32
	for i, full := range []bool{false, true} {
		must(t, dev.Zero(state.All()))
		p, in, out, body := build(full)
		m := model{}
		m.fill(frozen.All(), 99)
		must(t, dev.Write(frozen.All(), toBytes(m[frozen])))
		var slots []Slot
		for run := range 3 {
			s, err := p.Acquire()
			must(t, err)
			m.fill(in.All(), uint32(run))
			copy(s.Bytes(in), toBytes(m[in]))
			must(t, p.Submit(s))
			slots = append(slots, s)
			if run > 0 {
				must(t, p.Wait(slots[run-1]))
				results[i] = append(results[i], toWords(slots[run-1].Bytes(out)))
			}
		}
		last := readWords(t, dev, state.All()) // of a run that is not waited for
		must(t, p.Drain())
		results[i] = append(results[i], toWords(slots[2].Bytes(out)), last)

		for run := range 3 {
			m.fill(in.All(), uint32(run))
			body(m, in.All(), out.All())
			if !slices.Equal(results[i][run], m[out]) {
				t.Errorf("full %v, run %d: output differs from the model", full, run)
			}
		}
		if !slices.Equal(results[i][3], m[state]) {
			t.Errorf("full %v: state differs from the model", full)
		}
		if n, err := p.Plan(); err != nil || n >= 40*4*5000 {
			t.Errorf("the temporaries take %d bytes (%v): none shares its bytes", n, err)
		}
		p.Free()
	}
	if !slices.EqualFunc(results[0], results[1], slices.Equal) {
		t.Error("derived and full barriers differ")
	}
}
