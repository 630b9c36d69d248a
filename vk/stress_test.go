// What only shows after many calls: memory that the garbage collector takes too early, memory that nobody gives back,
// allocations within a step. Timestamps and the splitting of submissions, too.

package vk

import (
	"os"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// TestGarbage makes hundreds of each call that takes a slice, while garbage is collected at almost every allocation and freed
// memory is overwritten. Descriptor sets written through the binding are caught by it about once in 400.
func TestGarbage(t *testing.T) {
	if !child() {
		rerun(t, "TestGarbage", "MALLOC_PERTURB_=165", "GODEBUG=gcstoptheworld=2")
		return
	}
	dev := open(t)
	a := dev.NewArena("arena")
	const n = 64
	x, y := a.Reserve("x", 4*n), a.Reserve("y", 4*n)
	must(t, a.Allocate())
	defer a.Free()
	p := newOps(t, dev.NewProgram("garbage"))
	tmp := p.Temp("t", 4*n)
	play := func(to player) {
		for i := range uint32(300) {
			to.mix(tmp.All(), x.All(), y.All(), 3, i)
			to.add(y.All(), tmp.All(), 2*i)
			to.add(x.All(), y.All(), 3*i)
		}
	}
	play(p)
	_, err := p.Plan()
	must(t, err)
	m := model{}
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	must(t, p.Build())
	defer p.Free()
	for round := range uint32(20) {
		for i, mem := range []*Mem{x, y} {
			m.fill(mem.All(), round+uint32(i))
			must(t, dev.Write(mem.All(), toBytes(m[mem])))
		}
		must(t, p.Run())
		play(m)
		for _, mem := range []*Mem{x, y} {
			if !slices.Equal(readWords(t, dev, mem.All()), m[mem]) {
				t.Fatalf("round %d: %s differs from the model", round, mem.Name)
			}
		}
	}
}

// TestLeaks repeats what a long training repeats and looks at the resident memory. The binding leaks 32 bytes and more for each
// structure that is not freed.
func TestLeaks(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // keeps records of its own
	}
	if resident(t) == 0 {
		t.Skip("proc")
	}
	dev := open(t)
	a := dev.NewArena("arena")
	x := a.Reserve("x", 1024)
	must(t, a.Allocate())
	defer a.Free()
	p := newOps(t, dev.NewProgram("small"))
	p.fill(x.All(), 1)
	must(t, p.Build())
	defer p.Free()
	c, err := dev.newCommands("test", 1)
	must(t, err)
	defer c.destroy(dev)

	for _, cycle := range []struct {
		name  string
		times int
		run   func() error
	}{
		{"submission", 10000, p.Run},
		{"recording", 100000, func() error {
			if err := begin(c.buffers[0], true); err != nil {
				return err
			}
			return end(c.buffers[0])
		}},
		{"buffer", 100000, func() error {
			buffer, memory, err := dev.newBuffer("test", 4096, 0, 0)
			if err == nil {
				dev.freeBuffer(buffer, memory)
			}
			return err
		}},
		{"program", 1500, func() error {
			p := newOps(t, dev.NewProgram("again"))
			p.fill(p.Temp("t", 64).All(), 1)
			err := p.Build()
			p.Free()
			return err
		}},
	} {
		warm := func(times int) int {
			for range times {
				must(t, cycle.run())
			}
			debug.FreeOSMemory()
			return resident(t)
		}
		before := warm(cycle.times / 5)
		grown := warm(cycle.times) - before
		t.Logf("%d times %s: %+d bytes resident", cycle.times, cycle.name, grown)
		if grown > 2<<20 {
			t.Errorf("%d times %s: resident memory grows by %d bytes", cycle.times, cycle.name, grown)
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // takes its messages after every run
	}
	dev := open(t)
	p := newOps(t, dev.NewProgram("step"))
	in, out, tmp := p.Host("in", 4096), p.Host("out", 4096), p.Temp("t", 4096)
	p.mix(tmp.All(), in.All(), in.All(), 3, 1)
	p.mix(out.All(), tmp.All(), in.All(), 3, 1)
	must(t, p.Build())
	defer p.Free()
	_, before := dev.Allocated()
	sum := 0
	allocs := testing.AllocsPerRun(100, func() {
		s, err := p.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		s.Bytes(in)[0]++
		if err := p.Submit(s); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(s); err != nil {
			t.Fatal(err)
		}
		sum += int(s.Bytes(out)[0])
	})
	if allocs != 0 {
		t.Errorf("%v Go allocations a step", allocs)
	}
	if _, after := dev.Allocated(); after != before {
		t.Errorf("%d Vulkan allocations in 100 steps", after-before)
	}
}

func TestTimes(t *testing.T) {
	dev := open(t)
	p := newOps(t, dev.NewProgram("timed"))
	p.Timing = true
	x, y := p.Temp("x", 4<<20), p.Temp("y", 4<<20)
	p.fill(x.All(), 1)
	p.Dispatch(Launch{Shader: p.mixShader, Spec: []uint32{3}, Push: uint32(1), Groups: groupsFor(y.All()), Label: "second"}, x.All(), x.All(), y.All())
	must(t, p.Build())
	defer p.Free()
	if dev.Info.Limits.TimestampPeriod == 0 {
		t.Skip("timestamps")
	}
	for range 3 { // the second slot, and a slot's second run
		s, err := p.Acquire()
		must(t, err)
		start := time.Now()
		must(t, p.Submit(s))
		if _, err := p.Times(s); err == nil {
			t.Error("times of a run that was not waited for")
		}
		must(t, p.Wait(s))
		wall := time.Since(start)
		spans, err := p.Times(s)
		must(t, err)
		if len(spans) != 2 || spans[0].Label != "fill" || spans[1].Label != "second" || spans[1].Shader != "mix" {
			t.Fatalf("%+v", spans)
		}
		if sum := spans[0].Time + spans[1].Time; spans[0].Time < 0 || spans[1].Time <= 0 || sum > wall {
			t.Errorf("dispatches of %v and %v within %v", spans[0].Time, spans[1].Time, wall)
		}
	}
}

func TestSubmissionsAreSplit(t *testing.T) {
	dev := open(t)
	var results [2][]uint32
	for i, work := range []int64{0, submissionWork / 2} {
		p := newOps(t, dev.NewProgram("long"))
		x, y, out := p.Temp("x", 4096), p.Temp("y", 4096), p.Host("out", 4096)
		p.fill(x.All(), 5)
		for j := range uint32(6) {
			src, dst := x, y
			if j%2 == 1 {
				src, dst = y, x
			}
			p.Dispatch(Launch{Shader: p.mixShader, Spec: []uint32{3}, Push: j, Groups: groupsFor(dst.All()), Work: work}, src.All(), src.All(), dst.All())
		}
		p.mix(out.All(), x.All(), x.All(), 1, 0)
		must(t, p.Build())
		defer p.Free()
		// Each dispatch moves some bytes too, so that two of half the work are just too much for one submission.
		if got, want := len(p.rec[0].commands.buffers), []int{1, 6}[i]; got != want {
			t.Errorf("%d submissions for dispatches of %d operations, want %d", got, work, want)
		}
		for range 3 {
			s, err := p.Acquire()
			must(t, err)
			must(t, p.Submit(s))
			must(t, p.Wait(s))
			results[i] = toWords(s.Bytes(out))
		}
	}
	if !slices.Equal(results[0], results[1]) {
		t.Error("split and whole programs differ")
	}
}
