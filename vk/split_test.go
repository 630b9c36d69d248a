// Dispatches that are too long for one submission: cut so that nothing is left out or done twice, and that nobody notices.

package vk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCut cuts dispatches on paper.
func TestCut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	cut := 0
	for range 2000 {
		o := &op{work: 1 + r.Int64N(1000)}
		for i := range o.groups {
			o.groups[i] = 1 + r.IntN(1+r.IntN(40))
		}
		limit := float64(1 + r.IntN(1200))
		parts := o.cut(limit)
		if uncut := len(parts) == 1; uncut && (o.cost() > limit && o.groups != [3]int{1, 1, 1} && o.groups[1] > 1) || !uncut && o.cost() <= limit {
			t.Fatalf("%v of cost %d, at most %g: %d parts", o.groups, o.work, limit, len(parts))
		}
		next, cost, axis := 0, 0.0, 0
		for i := range o.groups {
			if parts[0].count[i] != o.groups[i] {
				axis = i
			}
		}
		for _, part := range parts {
			want, first := o.groups, [3]int{}
			want[axis], first[axis] = part.count[axis], next
			if part.count != want || part.first != first || part.count[axis] < 1 || part.cost > limit*1.000001 && part.count[axis] > 1 {
				t.Fatalf("%v of cost %d, at most %g: %+v", o.groups, o.work, limit, parts)
			}
			next, cost = next+part.count[axis], cost+part.cost
		}
		if next != o.groups[axis] || int(cost+0.5) != int(o.work) || axis == 0 && len(parts) > 1 && o.groups[1] > 1 {
			t.Fatalf("%v of cost %d, at most %g, along axis %d: %+v", o.groups, o.work, limit, axis, parts)
		}
		if len(parts) > 1 {
			cut++
		}
	}
	if cut < 500 {
		t.Errorf("%d dispatches were cut", cut)
	}
}

// TestLongDispatchesAreCut runs grids of workgroups whole and cut along each axis: the same bits, and one dispatch to those who ask.
func TestLongDispatchesAreCut(t *testing.T) {
	dev := open(t)
	grid := shader(t, "grid")
	const long = 5 * submissionWork
	for _, groups := range [][3]int{{40, 1, 1}, {40, 1, 3}, {3, 20, 2}, {3, 2, 20}, {2, 1, 30}, {1, 1, 1}, {2, 1, 1}} {
		a := dev.NewArena("arena")
		defer a.Free()
		layer := groups[0] * groups[1]
		x := a.Reserve("x", 4*64*layer*groups[2])
		m := model{}
		must(t, a.Allocate())
		p := newOps(t, dev.NewProgram(fmt.Sprint(groups)))
		defer p.Free()
		p.fill(x.All(), 3)
		m.fill(x.All(), 3)
		for range 2 {
			p.Dispatch(Launch{Shader: grid, Push: uint32(layer), Groups: groups, Work: long, Label: "long"}, x.All())
			for i, w := 0, m.words(x.All()); i < len(w); i++ {
				w[i] += uint32(i) + 1
			}
		}
		p.mix(x.Slice(0, 256), x.Slice(0, 256), x.Slice(0, 256), 1, 0)
		m.mix(x.Slice(0, 256), x.Slice(0, 256), x.Slice(0, 256), 1, 0)
		must(t, p.Build())
		most := max(groups[1], groups[2])
		if groups[1] == 1 {
			most = max(groups[0], groups[2])
		}
		list := p.Submissions()
		if got, want := len(list), 2*min(6, most); got < want || got > want+2 || got != len(p.rec[0].commands.buffers) { // the bytes make them longer than 5
			t.Errorf("%v: %d submissions, want %d", groups, got, want)
		}
		for _, s := range list {
			if most > 5 && s.Estimate.Seconds() > submissionWork/weakDevice {
				t.Errorf("%v: %+v", groups, s)
			}
		}
		for _, timing := range []bool{false, true, false} {
			p.Timing = timing
			must(t, p.Record())
			must(t, p.Run())
			if got := readWords(t, dev, x.All()); !slices.Equal(got, m.words(x.All())) {
				t.Errorf("%v, timed %v: other results", groups, timing)
			}
		}
		if got := p.List(); len(got) != 4 || p.Dispatches() != 4 {
			t.Errorf("%v: %+v", groups, got)
		}
	}
}

// TestTimesOfCutDispatches: a dispatch takes as long as its parts, without the pauses between them.
func TestTimesOfCutDispatches(t *testing.T) {
	o := &op{pipeline: &pipeline{name: "shader"}, label: "long", groups: [3]int{3}}
	var parts []part
	for i := range 3 {
		parts = append(parts, part{op: o, first: [3]int{i}, count: [3]int{1}, last: i == 2})
	}
	parts = append(parts, part{op: &op{pipeline: o.pipeline, label: "short"}, last: true})
	got := joined(parts, []Span{{Start: 10, Time: 5}, {Start: 20, Time: 6}, {Start: 30, Time: 7}, {Start: 40, Time: 1}})
	want := []Span{{"long", "shader", 10, 18}, {"short", "shader", 40, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
