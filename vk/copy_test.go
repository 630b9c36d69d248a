// Copies between arenas: in order with programs, and waited for only by the copy after.

package vk

import (
	"slices"
	"strings"
	"testing"
)

func TestCopy(t *testing.T) {
	dev := open(t)
	const n = 1 << 16
	a, b := dev.NewArena("a"), dev.NewArena("b")
	x, y, z := a.Reserve("x", 4*n), a.Reserve("y", 4*n), b.Reserve("z", 4*n)
	must(t, a.Allocate())
	defer a.Free()
	must(t, b.Allocate())
	defer b.Free()
	p := newOps(t, dev.NewProgram("between"))
	play := func(to player) { // changes what was copied, and what it was copied from
		to.add(z.All(), x.All(), 5)
		to.fill(x.All(), 7)
	}
	play(p)
	must(t, p.Build())
	defer p.Free()
	m := model{}
	for i, mem := range []*Mem{x, y, z} {
		m.fill(mem.All(), uint32(i))
		must(t, dev.Write(mem.All(), toBytes(m[mem])))
	}
	for range 3 { // nothing is waited for
		for _, c := range [][2]Range{{z.All(), x.All()}, {x.Slice(4*n/4, 4*n/2), y.Slice(0, 4*n/2)}, {y.Slice(0, 8), y.Slice(8, 8)}, {z.Slice(4, 400), x.Slice(1200, 400)}} {
			must(t, dev.Copy(c[0], c[1]))
			copy(m.words(c[0]), m.words(c[1]))
		}
		s, err := p.Acquire()
		must(t, err)
		must(t, p.Submit(s))
		play(m)
	}
	for _, mem := range []*Mem{x, y, z} {
		if !slices.Equal(readWords(t, dev, mem.All()), m[mem]) {
			t.Errorf("%s differs from the model", mem.Name)
		}
	}
	must(t, dev.Copy(z.All(), x.All())) // Close waits for it
	none := dev.NewArena("none").Reserve("none", 4*n)
	for name, c := range map[string]struct {
		dst, src Range
		want     string
	}{
		"sizes":            {x.Slice(0, 8), y.Slice(0, 12), "sizes differ"},
		"onto itself":      {x.All(), x.All(), "they overlap"},
		"over its end":     {x.Slice(4, 8), x.Slice(8, 8), "they overlap"},
		"over its start":   {x.Slice(8, 8), x.Slice(4, 8), "they overlap"},
		"past the end":     {x.Slice(4*n-4, 8), y.Slice(0, 8), "no such bytes"},
		"from past it":     {x.Slice(0, 8), y.Slice(4*n-4, 8), "no such bytes"},
		"not allocated":    {none.All(), x.All(), "not allocated"},
		"from nothing":     {x.All(), Range{}, "no buffer"},
		"of a host's copy": {x.Slice(0, 64), p.Host("h", 64).All(), "not allocated"},
	} {
		if err := dev.Copy(c.dst, c.src); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
