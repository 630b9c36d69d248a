// Arenas: that plans keep what is alive apart and share the rest, and that what is planned is what is allocated.

package vk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// paper is a device that exists on paper only: enough to plan on.
func paper(limits Limits) *Device {
	return &Device{Info: DeviceInfo{Name: "paper", Limits: limits}, pipelines: map[string]*pipeline{}}
}

// minima are the limits that every Vulkan 1.1 device has at least.
var minima = Limits{
	MaxStorageBufferRange: 128 << 20, MaxAllocation: 1 << 30, MaxPushConstants: 128, MaxStorageBuffers: 4, MaxSharedMemory: 16384,
	MaxGroupCount: [3]int{65535, 65535, 65535}, MaxInvocations: 128, MaxGroupSize: [3]int{128, 128, 64}, StorageBufferAlignment: 256,
}

func TestPlanKeepsLivesApart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	shared := 0
	for trial := range 200 {
		limits := minima
		limits.MaxAllocation = 64 << 10
		guard := []int{0, 256, 1000}[trial%3]
		arenas := [2]*Arena{}
		for i := range arenas {
			arenas[i] = paper(limits).NewArena("random")
			arenas[i].Guard = guard
		}
		sum := 0
		for i := range 40 {
			m := Mem{Name: fmt.Sprint(i), Size: 4 * (1 + r.IntN(3000)), kind: memKind(r.IntN(2)), first: r.IntN(20)}
			m.last = m.first + r.IntN(6)
			sum += align(m.Size) + 2*align(guard)
			for _, a := range arenas {
				again := m
				a.mems = append(a.mems, &again)
			}
		}
		a := arenas[0]
		total, err := a.Bytes()
		must(t, err)
		_, err = arenas[1].Bytes()
		must(t, err)
		if total < sum {
			shared++
		}
		size := 0
		for _, b := range a.blocks {
			size += b.size
			if b.size > limits.MaxAllocation {
				t.Fatalf("a block of %d bytes: the device allocates %d at once", b.size, limits.MaxAllocation)
			}
		}
		if size != total {
			t.Fatalf("Bytes is %d, the blocks hold %d", total, size)
		}
		for i, m := range a.mems {
			if m.offset%Alignment != 0 || m.offset < guard || m.offset+m.Size+guard > m.block.size {
				t.Fatalf("%s at %d in a block of %d, guard %d", m.Name, m.offset, m.block.size, guard)
			}
			if n := arenas[1].mems[i]; n.offset != m.offset || slices.Index(arenas[1].blocks, n.block) != slices.Index(a.blocks, m.block) {
				t.Fatalf("two plans of the same buffers differ at %s", m.Name)
			}
			for _, n := range a.mems[:i] {
				together := m.kind == persistent || n.kind == persistent || m.first <= n.last && n.first <= m.last
				if together && m.block == n.block && m.offset-guard < n.offset+n.Size+guard && n.offset-guard < m.offset+m.Size+guard {
					t.Fatalf("%s and %s are alive at the same time and share bytes", m.Name, n.Name)
				}
			}
		}
	}
	if shared < 150 {
		t.Errorf("only %d of 200 plans reuse memory", shared)
	}
}

func TestPlanReusesAndSplits(t *testing.T) {
	a := paper(minima).NewArena("chain")
	for i := range 10 { // a chain: each is read by the next step only
		a.mems = append(a.mems, &Mem{Name: "t", Size: 1 << 20, kind: temporary, first: i, last: i + 1})
	}
	if n, err := a.Bytes(); err != nil || n != 2<<20 {
		t.Errorf("a chain of buffers of 1 MiB takes %d bytes, %v: two are enough", n, err)
	}

	limits := minima
	limits.MaxAllocation = 4 << 30
	a = paper(limits).NewArena("large")
	for range 5 {
		a.Reserve("w", 400<<20)
	}
	if _, err := a.Bytes(); err != nil || len(a.blocks) != 3 {
		t.Errorf("5 buffers of 400 MiB: %d blocks, %v: two fit in a block of 1 GiB", len(a.blocks), err)
	}

	a = paper(minima).NewArena("too large")
	a.Reserve("small", 4)
	a.Reserve("giant", 1<<30+4)
	if _, err := a.Bytes(); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "giant") || !strings.Contains(err.Error(), "paper") {
		t.Errorf("1 GiB + 4 in one buffer: %v", err)
	}
}

func TestPlannedIsAllocated(t *testing.T) {
	dev := open(t)
	before, _ := dev.Allocated()
	a := dev.NewArena("weights")
	w := a.Reserve("w", 12345)
	a.Reserve("empty", 0)
	want, err := a.Bytes()
	must(t, err)
	must(t, a.Allocate())
	must(t, a.Allocate()) // again is nothing

	o := newOps(t, dev.NewProgram("sum"))
	o.fill(o.Host("h", 1000).All(), 1)
	o.fill(o.Temp("x", 5000).All(), 1)
	o.fill(w.All(), 2)
	planned, err := o.Plan()
	must(t, err)
	must(t, o.Build())
	if got, _ := dev.Allocated(); got-before != want+planned {
		t.Errorf("%d bytes allocated, %d + %d planned", got-before, want, planned)
	}
	must(t, o.Run())
	o.Free()
	a.Free()
	if got, _ := dev.Allocated(); got != before {
		t.Errorf("%d bytes left after Free", got-before)
	}
}

// TestStrays pokes a byte into every gap and guard, and into none.
func TestStrays(t *testing.T) {
	dev := open(t)
	const word = 0x7FC0DEAD
	a := dev.NewArena("guarded")
	a.Guard = 1000
	small, large := a.Reserve("small", 300), a.Reserve("large", 9000)
	must(t, a.Allocate())
	defer a.Free()
	poke := func(m *Mem, at int) {
		must(t, dev.copyPieces(m.block, m.offset+at, 1, func(piece []byte, _ int) { piece[0] = 1 }, nil))
	}
	for _, c := range []struct {
		m    *Mem
		at   int
		want []string
	}{
		{small, 0, nil},
		{small, 299, nil},
		{large, 8999, nil},
		{small, 300, []string{"small"}},
		{small, -1, []string{"small"}},
		{large, 9000, []string{"large"}},
		{large, -1000, []string{"large"}},
	} {
		must(t, a.Fill(word))
		poke(c.m, c.at)
		got, err := a.Strays(word)
		must(t, err)
		if !slices.Equal(got, c.want) {
			t.Errorf("byte %d of %s written: strays %q, want %q", c.at, c.m.Name, got, c.want)
		}
	}

	// A short temporary over a long one of another time: what it leaves of its last cell belongs to the long one.
	p := newOps(t, dev.NewProgram("aliased"))
	long, short := p.Temp("long", 1024), p.Temp("short", 300)
	p.fill(long.All(), 1)
	p.Phase()
	p.fill(short.All(), 2)
	must(t, p.Build())
	defer p.Free()
	if long.offset != short.offset {
		t.Fatal("the temporaries do not share bytes")
	}
	must(t, p.Temporaries().Fill(word))
	must(t, p.Run())
	if got, err := p.Temporaries().Strays(word); err != nil || got != nil {
		t.Errorf("strays %q, %v", got, err)
	}
}

func TestTransfers(t *testing.T) {
	dev := open(t)
	a := dev.NewArena("large")
	m := a.Reserve("m", 2*stagingBytes+1000)
	must(t, a.Allocate())
	defer a.Free()
	must(t, a.Fill(0xA5A5A5A5))
	data := make([]byte, stagingBytes+77) // more than a piece, not whole words
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	part := m.Slice(256, stagingBytes+100)
	must(t, dev.Write(part, data))
	must(t, dev.Zero(m.Slice(8, 4)))
	all := make([]byte, m.Size)
	must(t, dev.Read(m.All(), all))
	for i, b := range all {
		want := byte(0xA5)
		if i >= 256 && i < 256+len(data) {
			want = data[i-256]
		} else if i >= 8 && i < 12 {
			want = 0
		}
		if b != want {
			t.Fatalf("byte %d is %#x, want %#x", i, b, want)
		}
	}
}
