// Random programs on the device: whatever is dispatched, in whatever order and on whatever bytes, the result is that of the
// model, three replays in a row, with derived barriers as with a full barrier everywhere.

package vk

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	seed     = flag.Uint64("seed", 1, "seed of the random programs")
	programs = flag.Int("programs", 25, "how many random programs")
)

// step is one dispatch that can be appended to a program and played to the model.
type step struct {
	kind          int // of fill, mix, add
	dst, a, b     Range
	factor, shift uint32
}

func (s step) play(o player) {
	switch s.kind {
	case 0:
		o.fill(s.dst, s.shift)
	case 1:
		o.mix(s.dst, s.a, s.b, s.factor, s.shift)
	case 2:
		o.add(s.dst, s.a, s.shift)
	}
}

// buffers are what a random program works on.
type buffers struct {
	kept, temps []*Mem
	in, out     *Mem
	readable    []Range // parts of temporaries that were written
	r           *rand.Rand
}

// part picks a part of a buffer that a shader may bind.
func (b *buffers) part(m *Mem) Range {
	from := Alignment * b.r.IntN((m.Size+Alignment-1)/Alignment)
	return m.Slice(from, 4*(1+b.r.IntN((m.Size-from)/4)))
}

func (b *buffers) source() Range {
	switch k := b.r.IntN(8); {
	case k < 5 && len(b.readable) > 0:
		return b.readable[b.r.IntN(len(b.readable))]
	case k < 6:
		return b.in.All()
	default:
		return b.part(b.kept[b.r.IntN(len(b.kept))])
	}
}

func (b *buffers) target() Range {
	switch k := b.r.IntN(8); {
	case k < 6:
		return b.part(b.temps[b.r.IntN(len(b.temps))])
	case k < 7:
		return b.out.All()
	default:
		return b.part(b.kept[b.r.IntN(len(b.kept))])
	}
}

// step draws a dispatch whose target is apart from its sources: what one dispatch does to itself is the shader's affair.
func (b *buffers) step() step {
	apart := func(r, s Range) bool { return r.Mem != s.Mem || !r.overlaps(s) }
	for {
		s := step{kind: b.r.IntN(3), dst: b.target(), a: b.source(), b: b.source(), factor: b.r.Uint32N(4)*2 + 1, shift: b.r.Uint32N(1000)}
		if s.kind == 2 { // an update needs something to update
			s.dst = b.source()
			if s.dst.Mem == b.in {
				continue
			}
		}
		if apart(s.dst, s.a) && apart(s.dst, s.b) {
			if s.dst.kind == temporary {
				b.readable = append(b.readable, s.dst)
			}
			return s
		}
	}
}

func TestRandomPrograms(t *testing.T) {
	dev := open(t)
	barriers, dispatches := 0, 0
	for i := range *programs {
		for _, full := range []bool{false, true} {
			b, d := randomProgram(t, dev, rand.New(rand.NewPCG(*seed, uint64(i))), full)
			barriers, dispatches = barriers+b, dispatches+d
			if t.Failed() {
				t.Fatalf("program %d of seed %d, full barriers: %v", i, *seed, full)
			}
		}
	}
	t.Logf("%d barriers for %d dispatches", barriers, dispatches)
	if barriers == 0 || barriers >= dispatches {
		t.Error("the programs are not random enough to need some barriers, and not all")
	}
}

// randomProgram draws a program, runs it three times and compares; it returns how many derived barriers and dispatches it has.
func randomProgram(t *testing.T, dev *Device, r *rand.Rand, full bool) (barriers, dispatches int) {
	m, arena, p := model{}, dev.NewArena("kept"), dev.NewProgram("random")
	defer arena.Free()
	defer p.Free()
	p.FullSync, p.GuardZone = full, 256
	b := &buffers{r: r, in: p.Host("in", 2000), out: p.Host("out", 2000)}
	for range 3 {
		b.kept = append(b.kept, arena.Reserve("kept", 4*(64+r.IntN(800))))
	}
	for range 10 {
		b.temps = append(b.temps, p.Temp("t", 4*(1+r.IntN(900))))
	}
	var steps []step
	for o := newOps(t, p); len(steps) < 60; {
		if r.IntN(20) == 0 {
			p.Phase()
		}
		o.late = r.IntN(4) == 0
		s := b.step()
		s.play(o)
		steps = append(steps, s)
	}
	must(t, arena.Allocate())
	must(t, p.Build())
	const poison = 0xDEADBEEF
	must(t, p.Temporaries().Fill(poison))
	for i, k := range b.kept {
		m.fill(k.All(), uint32(i))
		must(t, dev.Write(k.All(), toBytes(m[k])))
	}

	for run := range 3 {
		s, err := p.Acquire()
		must(t, err)
		m.fill(b.in.All(), uint32(run))
		copy(s.Bytes(b.in), toBytes(m[b.in]))
		clear(s.Bytes(b.out)) // there is one of each slot, and the model has one
		clear(m.words(b.out.All()))
		must(t, p.Submit(s))
		for _, s := range steps {
			s.play(m)
		}
		must(t, p.Wait(s))
		if !slices.Equal(toWords(s.Bytes(b.out)), m[b.out]) {
			t.Errorf("run %d: the output differs from the model", run)
		}
	}
	for i, k := range b.kept {
		if !slices.Equal(readWords(t, dev, k.All()), m[k]) {
			t.Errorf("buffer %d differs from the model", i)
		}
	}
	if stray, err := p.Temporaries().Strays(poison); err != nil || stray != nil {
		t.Errorf("wrote outside of %q, %v", stray, err)
	}
	return countBarriers(t, p), len(p.ops)
}

// countBarriers derives a program's barriers and checks word by word that no two dispatches between two of them conflict.
func countBarriers(t *testing.T, p *Program) (barriers int) {
	type word struct {
		at any
		i  int
	}
	type last struct{ read, write int } // the stretch between barriers, counted from 1
	seen, pending := map[word]last{}, hazards{}
	for _, o := range p.ops {
		spans := o.spans()
		if pending.needsBarrier(spans) {
			barriers++
		}
		for _, check := range []bool{true, false} {
			for _, s := range spans {
				for i := s.from / 4; i < s.to/4; i++ {
					l, now := seen[word{s.at, i}], barriers+1
					switch {
					case check && (l.write == now || s.write && l.read == now):
						t.Fatalf("%s: no barrier between it and what it conflicts with", o.label)
					case !check && s.write:
						seen[word{s.at, i}] = last{l.read, now}
					case !check:
						seen[word{s.at, i}] = last{now, l.write}
					}
				}
			}
		}
	}
	return barriers
}
