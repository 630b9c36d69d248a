// What a program takes and when; programs that share their memory; and how a bound on it is kept.

package vk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestUsage: each stage by what is alive in it, and less of it where a second computation may wait.
func TestUsage(t *testing.T) {
	const kib = 1 << 10
	for _, late := range []bool{false, true} {
		p := paper(minima).NewProgram("there and back")
		in := p.Host("in", 100)
		var there, back [4]*Mem
		p.Stage = "there"
		for i := range there {
			there[i] = p.Temp("there", 4*kib)
			dispatch(p, use{in.All(), reads}, use{there[i].All(), writes}).stage = p.Stage
		}
		p.Phase()
		p.Stage = "back"
		sum := p.Temp("sum", kib)
		dispatch(p, use{sum.All(), writes}).stage = p.Stage
		for i := range back {
			p.late = late
			back[i] = p.Temp("again", 16*kib)
			dispatch(p, use{there[i].All(), reads}, use{back[i].All(), writes}).stage = p.Stage
			p.late = false
			dispatch(p, use{back[i].All(), reads}, use{sum.All(), reads | writes}).stage = p.Stage
		}
		u, err := p.Usage()
		must(t, err)
		all := (1 + 4*16 + 4*4) * kib
		want := Usage{Temporaries: all, Host: 2 * 100, Alive: all, Stages: []StageUsage{{"there", 16 * kib}, {"back", all}}}
		if late { // one after the other: two are alive while one is read and the next is written
			want.Alive = (1 + 2*16 + 3*4) * kib
			want.Temporaries, want.Stages[1].Alive = want.Alive, want.Alive
		}
		if fmt.Sprint(u) != fmt.Sprint(want) {
			t.Errorf("late %v: %+v, want %+v", late, u, want)
		}
	}
}

// TestShare runs two programs in one memory, in turns: neither needs what it left there.
func TestShare(t *testing.T) {
	dev := open(t)
	for _, size := range []int{1000, 9000} { // of the guest's temporary, beside the host's of 5000
		before, _ := dev.Allocated()
		arena, m := dev.NewArena("kept"), model{}
		kept := [2]*Mem{arena.Reserve("a", 4000), arena.Reserve("b", 4000)}
		host, guest := dev.NewProgram("host"), dev.NewProgram("guest")
		guest.Share(host)
		var steps [2][]step
		for i, p := range []*Program{host, guest} {
			temp := p.Temp("t", []int{5000, size}[i])
			o := newOps(t, p)
			for _, s := range []step{{kind: 0, dst: temp.All(), shift: uint32(i)}, {kind: 2, dst: kept[i].All(), a: temp.Slice(0, 400), shift: 3}} {
				s.play(o)
				steps[i] = append(steps[i], s)
			}
		}
		extra, err := guest.Plan() // before the other, which it makes grow
		must(t, err)
		planned, err := host.Plan()
		must(t, err)
		if most := align(max(5000, size)); extra != 0 || planned != most {
			t.Errorf("the guest takes %d bytes of its own, the host %d: want 0 and %d", extra, planned, most)
		}
		must(t, arena.Allocate())
		must(t, guest.Build())
		must(t, host.Build())
		for i, k := range kept {
			m.fill(k.All(), uint32(i))
			must(t, dev.Write(k.All(), toBytes(m[k])))
		}
		for _, i := range []int{0, 1, 1, 0, 1} {
			must(t, []*Program{host, guest}[i].Run())
			for _, s := range steps[i] {
				s.play(m)
			}
		}
		for i, k := range kept {
			if !slices.Equal(readWords(t, dev, k.All()), m[k]) {
				t.Errorf("buffer %d differs from the model", i)
			}
		}
		guest.Free()
		host.Free()
		arena.Free()
		if after, _ := dev.Allocated(); after != before {
			t.Errorf("%d bytes left", after-before)
		}
	}
}

// TestMemoryLimit: the bound holds for the sum of arenas in device memory, and only for these; what is freed counts no more.
func TestMemoryLimit(t *testing.T) {
	t.Setenv(memoryVariable, "2")
	dev := open(t)
	if dev.Info.Memory != 2<<20 || dev.Free() != 2<<20 {
		t.Errorf("a device of %d bytes, %d free", dev.Info.Memory, dev.Free())
	}
	arenas := func(size int, host bool) *Arena {
		a := dev.NewArena("bounded")
		a.Host = host
		a.Reserve("m", size)
		return a
	}
	first, exact, more := arenas(1<<20, false), arenas(1<<20, false), arenas(4, false)
	must(t, first.Allocate())
	must(t, exact.Allocate())
	err := more.Allocate()
	if !errors.Is(err, ErrOutOfDeviceMemory) || !strings.Contains(err.Error(), memoryVariable) || !strings.Contains(err.Error(), "2.0 MiB") {
		t.Errorf("over the bound: %v", err)
	}
	elsewhere := arenas(4<<20, true)
	must(t, elsewhere.Allocate())
	exact.Free()
	must(t, more.Allocate())
	for _, a := range []*Arena{first, more, elsewhere} {
		a.Free()
	}
	if bytes, _ := dev.Allocated(); bytes != 0 || dev.Free() != 2<<20 {
		t.Errorf("%d bytes held after all was freed, %d free", bytes, dev.Free())
	}
	for _, text := range []string{"0", "2G", "-1", "99999999999"} {
		t.Setenv(memoryVariable, text)
		if d, err := Open(""); err == nil || !strings.Contains(err.Error(), memoryVariable) {
			t.Errorf("%s=%s: %v, %v", memoryVariable, text, d, err)
		}
	}
}
