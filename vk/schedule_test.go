// Scheduling and barriers as pure functions of what dispatches read and write.

package vk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// use is one argument of a dispatch that exists on paper.
type use struct {
	Range
	access
}

func dispatch(p *Program, uses ...use) *op {
	o := &op{pipeline: &pipeline{shaderInterface: &shaderInterface{}}, phase: p.phase, late: p.late, label: fmt.Sprint(len(p.ops))}
	for _, u := range uses {
		o.args = append(o.args, u.Range)
		o.pipeline.bindings = append(o.pipeline.bindings, u.access)
	}
	p.ops = append(p.ops, o)
	return o
}

// conflict is op.conflicts by another route: word by word.
func conflict(a, b *op) bool {
	type word struct {
		m *Mem
		i int
	}
	touched := map[word]access{}
	for i, r := range a.args {
		for w := r.Offset / 4; w < (r.Offset+r.Bytes)/4; w++ {
			touched[word{r.Mem, w}] |= a.pipeline.bindings[i]
		}
	}
	for i, r := range b.args {
		for w := r.Offset / 4; w < (r.Offset+r.Bytes)/4; w++ {
			if before := touched[word{r.Mem, w}]; before != 0 && (before|b.pipeline.bindings[i])&writes != 0 {
				return true
			}
		}
	}
	return false
}

func TestSchedule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	together, held := 0, 0
	for range 100 {
		p := paper(minima).NewProgram("random")
		var mems []*Mem
		for range 6 {
			mems = append(mems, &Mem{Size: 64})
		}
		for range 40 {
			if r.IntN(12) == 0 {
				p.Phase()
			}
			var uses []use
			for range 1 + r.IntN(3) {
				from := 4 * r.IntN(12)
				uses = append(uses, use{mems[r.IntN(6)].Slice(from, 4+4*r.IntN(4)), access(1 + r.IntN(3))})
			}
			p.late = r.IntN(4) == 0
			dispatch(p, uses...)
		}
		written := slices.Clone(p.ops)
		p.schedule()
		if len(p.ops) != len(written) {
			t.Fatalf("%d dispatches of %d", len(p.ops), len(written))
		}
		place := map[*op]int{}
		for i, o := range p.ops {
			place[o] = i
			if i > 0 && (o.level < p.ops[i-1].level || o.phase < p.ops[i-1].phase) {
				t.Fatal("levels or phases out of order")
			}
		}
		for j, b := range written {
			waits, waited := b.level == 0, true
			if b.late {
				waits = true
				waited = !slices.ContainsFunc(written, func(a *op) bool { return a.phase == b.phase && a.level > b.level })
				for _, c := range written[j+1:] {
					waited = waited || c.level == b.level+1 && conflict(b, c)
				}
				held++
			}
			for _, a := range written[:j] {
				switch {
				case conflict(a, b) && (a.level >= b.level || place[a] >= place[b]):
					t.Fatalf("dispatch %s (level %d) conflicts with %s (level %d) before it", b.label, b.level, a.label, a.level)
				case a.late && conflict(a, b), a.level == b.level-1 && (conflict(a, b) || a.phase < b.phase):
					waits = true
				case a.level == b.level:
					together++
				}
			}
			if !waits || !waited {
				t.Fatalf("dispatch %s (late: %v) waits at level %d for nothing, or could wait longer", b.label, b.late, b.level)
			}
		}
	}
	if together == 0 || held == 0 {
		t.Errorf("%d pairs of dispatches were brought together, %d were held back", together, held)
	}
}

func TestBarriersAreNeededAndEnough(t *testing.T) {
	x, y := &Mem{Size: 1024, block: &block{}}, &Mem{Size: 1024, block: &block{}}
	z := &Mem{Size: 512, block: x.block, offset: 512} // over the second half of x
	h := &Mem{Size: 64, kind: hostSlot, host: [slots]*hostBuffer{{}, {}}}
	r, w, rw := reads, writes, reads|writes
	for _, c := range []struct {
		name string
		ops  [][]use
		want []bool
	}{
		{"reads together", [][]use{{{x.All(), r}}, {{x.All(), r}}}, []bool{false, false}},
		{"read after write", [][]use{{{x.All(), w}}, {{x.All(), r}}}, []bool{false, true}},
		{"write after read", [][]use{{{x.All(), r}}, {{x.All(), w}}}, []bool{false, true}},
		{"write after write", [][]use{{{x.All(), w}}, {{x.All(), w}}}, []bool{false, true}},
		{"update twice", [][]use{{{x.All(), rw}}, {{x.All(), rw}}}, []bool{false, true}},
		{"two buffers", [][]use{{{x.All(), w}}, {{y.All(), w}}}, []bool{false, false}},
		{"two halves", [][]use{{{x.Slice(0, 256), w}}, {{x.Slice(256, 256), w}}}, []bool{false, false}},
		{"two halves, the second first", [][]use{{{x.Slice(256, 256), w}}, {{x.Slice(0, 256), w}}}, []bool{false, false}},
		{"one byte shared", [][]use{{{x.Slice(0, 257), w}}, {{x.Slice(256, 256), r}}}, []bool{false, true}},
		{"shared bytes of two buffers", [][]use{{{x.All(), w}}, {{z.All(), w}}}, []bool{false, true}},
		{"apart in one block", [][]use{{{x.Slice(0, 512), w}}, {{z.All(), w}}}, []bool{false, false}},
		{"host buffers", [][]use{{{h.All(), w}}, {{h.All(), r}}}, []bool{false, true}},
		{"one barrier for two waits", [][]use{{{x.All(), w}}, {{y.All(), w}}, {{x.All(), r}}, {{y.All(), r}}}, []bool{false, false, true, false}},
		{"a chain", [][]use{{{x.All(), w}}, {{x.All(), r}, {y.All(), w}}, {{y.All(), r}, {x.All(), w}}}, []bool{false, true, true}},
		{"a second barrier", [][]use{{{x.All(), w}}, {{x.All(), r}}, {{x.All(), w}}}, []bool{false, true, true}},
	} {
		p, pending := paper(minima).NewProgram(c.name), hazards{}
		var got []bool
		for _, uses := range c.ops {
			got = append(got, pending.needsBarrier(dispatch(p, uses...).spans()))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: barriers %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReadBeforeWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  func(p *Program, m *Mem)
		ok   bool
	}{
		{"never written", func(p *Program, m *Mem) { dispatch(p, use{m.All(), reads}) }, false},
		{"updated first", func(p *Program, m *Mem) { dispatch(p, use{m.All(), reads | writes}) }, false},
		{"written", func(p *Program, m *Mem) {
			dispatch(p, use{m.All(), writes})
			dispatch(p, use{m.All(), reads})
		}, true},
		{"written later", func(p *Program, m *Mem) {
			dispatch(p, use{m.All(), reads})
			dispatch(p, use{m.All(), writes})
		}, false},
		{"written in parts", func(p *Program, m *Mem) {
			dispatch(p, use{m.Slice(512, 512), writes})
			dispatch(p, use{m.Slice(0, 512), writes})
			dispatch(p, use{m.All(), reads})
		}, true},
		{"another part", func(p *Program, m *Mem) {
			dispatch(p, use{m.Slice(0, 512), writes})
			dispatch(p, use{m.Slice(512, 512), reads})
		}, false},
		{"a part missing", func(p *Program, m *Mem) {
			dispatch(p, use{m.Slice(0, 256), writes})
			dispatch(p, use{m.Slice(512, 512), writes})
			dispatch(p, use{m.All(), reads})
		}, false},
	} {
		p := paper(minima).NewProgram(c.name)
		c.ops(p, p.Temp("t", 1024))
		if _, err := p.Plan(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// BenchmarkPlan orders and plans a program of the size of a training step.
func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		p := paper(minima).NewProgram("step")
		weights := &Mem{Size: 64 << 20}
		var before []*Mem
		for i := range 3000 {
			m := p.Temp("t", 4<<(i%12))
			m.kind = temporary
			uses := []use{{m.All(), writes}, {weights.Slice(i%100*4096, 4096), reads}}
			for _, m := range before[max(0, len(before)-2):] {
				uses = append(uses, use{m.All(), reads})
			}
			if i > 1500 { // the way back reads what the way there wrote
				uses = append(uses, use{before[3000-i].All(), reads})
			}
			dispatch(p, uses...)
			before = append(before, m)
		}
		if _, err := p.Plan(); err != nil {
			b.Fatal(err)
		}
		pending := hazards{}
		for _, o := range p.ops {
			pending.needsBarrier(o.spans())
		}
	}
}
