// Errors: each misuse is refused in one line that names it, and a Vulkan call may fail anywhere without a crash.

package vk

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestErrorCauses(t *testing.T) {
	for _, c := range []struct {
		result int32
		cause  error
		text   string
	}{
		{-4, ErrDeviceLost, "vkQueueSubmit: VK_ERROR_DEVICE_LOST"},
		{-2, ErrOutOfDeviceMemory, "vkQueueSubmit: VK_ERROR_OUT_OF_DEVICE_MEMORY"},
		{2, ErrTimeout, "vkQueueSubmit: VK_TIMEOUT"},
		{-3, nil, "vkQueueSubmit: VK_ERROR_INITIALIZATION_FAILED"},
		{-77, nil, "vkQueueSubmit: VkResult -77"},
	} {
		err := fmt.Errorf("step: %w", check("vkQueueSubmit", c.result))
		for _, cause := range []error{ErrDeviceLost, ErrOutOfDeviceMemory, ErrTimeout, ErrNoDriver} {
			if errors.Is(err, cause) != (cause == c.cause) {
				t.Errorf("result %d: errors.Is(%q, %q) is wrong", c.result, err, cause)
			}
		}
		if err.Error() != "step: "+c.text {
			t.Errorf("result %d: %q, want %q", c.result, err, c.text)
		}
	}
	if err := check("vkQueueSubmit", int32(0)); err != nil {
		t.Error(err)
	}
}

// TestMisuse plans programs that are wrong, on paper.
func TestMisuse(t *testing.T) {
	add, fill, face := shader(t, "add"), shader(t, "fill"), shader(t, "interface")
	spec := []uint32{0, 8, 1, 4}
	noDescriptors := minima
	noDescriptors.MaxStorageBuffers = 1
	noPush := minima
	noPush.MaxPushConstants = 2
	roomy := minima
	roomy.MaxStorageBuffers = 8
	noShared := roomy
	noShared.MaxSharedMemory = 64
	facePush := [11]uint32{}
	for _, c := range []struct {
		name   string
		limits Limits
		build  func(p *Program, x, y *Mem)
		want   []string // that the error must hold; none where there is none
	}{
		{"nothing wrong", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.All(), y.All()) }, nil},
		{"one buffer of two", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.All()) }, []string{"shader add", "2 buffers", "1 given"}},
		{"no push constants", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add}, x.All(), y.All()) }, []string{"shader add", "4 bytes of push constants", "0 given"}},
		{"long push constants", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add, Push: uint64(1)}, x.All(), y.All()) }, []string{"8 given"}},
		{"push constants without a size", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add, Push: 1}, x.All(), y.All()) }, []string{"shader add", "push constants"}},
		{"specialisation constants", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Spec: []uint32{1}, Push: uint32(1)}, x.All(), y.All())
		}, []string{"shader add", "0 specialisation constants", "1 given"}},
		{"unaligned", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.Slice(4, 16), y.All())
		}, []string{"offset 4 of x", "256"}},
		{"past the end", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.Slice(256, 1000), y.All())
		}, []string{"bytes 256 to 1256 of x", "1024"}},
		{"before the start", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.Slice(-256, 512), y.All())
		}, []string{"bytes -256 to 256 of x"}},
		{"empty", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.Slice(0, 0), y.All())
		}, []string{"bytes 0 to 0 of x"}},
		{"no buffer", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add, Push: uint32(1)}, Range{}, y.All()) }, []string{"buffer 0", "no buffer"}},
		{"many groups", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Push: uint32(1), Groups: [3]int{65536}}, x.All(), y.All())
		}, []string{"65536", "65535"}},
		{"unwritten", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.All(), p.Temp("temp", 64).All())
		}, []string{"shader add", "temp", "before anything wrote it"}},
		{"another program's", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: fill, Push: uint32(1)}, p.dev.NewProgram("other").Temp("temp", 64).All())
		}, []string{"temp", "program other"}},
		{"after planning", minima, func(p *Program, x, y *Mem) {
			_, err := p.Plan()
			p.Fail(err)
			p.Dispatch(Launch{Shader: fill, Push: uint32(1)}, x.All())
		}, []string{"shader fill", "planned"}},
		{"large binding", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: fill, Push: uint32(1)}, p.Temp("giant", 128<<20+4).All())
		}, []string{"giant", "128.1 MiB", "128.0 MiB", "--crop_size"}},
		{"large host buffer", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: fill, Push: uint32(1)}, p.Host("giant", 128<<20+4).All())
		}, []string{"giant", "paper"}},
		{"not SPIR-V", minima, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: Shader{"text", []byte("hello, world")}}, x.All())
		}, []string{"shader text", "not SPIR-V"}},
		{"few descriptors", noDescriptors, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: add, Push: uint32(1)}, x.All(), y.All()) }, []string{"shader add", "binds 2", "more than the device allows: 1 on paper"}},
		{"small push constants", noPush, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: fill, Push: uint32(1)}, x.All()) }, []string{"shader fill", "4 bytes of push constants", "2 on paper"}},
		{"minimal storage buffers", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: face, Spec: spec}, x.All()) }, []string{"shader interface", "6 storage buffers", "4 on paper"}},
		{"a group that fits", roomy, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: face, Spec: []uint32{0, 8, 8, 4}, Push: facePush}, x.All(), y.All(), y.All(), x.All(), x.All(), y.All())
		}, nil},
		{"many invocations", roomy, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: face, Spec: []uint32{0, 8, 9, 4}}, x.All())
		}, []string{"shader interface", "[8 2 9]", "128 in all"}},
		{"a long group", roomy, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: face, Spec: []uint32{0, 1, 65, 4}}, x.All())
		}, []string{"shader interface", "[1 2 65]", "[128 128 64]"}},
		{"a vast group", roomy, func(p *Program, x, y *Mem) {
			p.Dispatch(Launch{Shader: face, Spec: []uint32{0, 1 << 31, 1 << 31, 4}}, x.All())
		}, []string{"shader interface", "[128 128 64]"}},
		{"shared memory", noShared, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: face, Spec: spec}, x.All()) }, []string{"shader interface", "100 bytes of shared memory", "64 on paper"}},
		{"capability", minima, func(p *Program, x, y *Mem) { p.Dispatch(Launch{Shader: shader(t, "shuffle")}, x.All()) }, []string{"shader shuffle", "capability 65", "paper"}},
	} {
		dev := paper(c.limits)
		p, a := dev.NewProgram("prog"), dev.NewArena("arena")
		c.build(p, a.Reserve("x", 1024), a.Reserve("y", 1024))
		_, err := p.Plan()
		switch {
		case c.want == nil && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != nil && (err == nil || !errors.Is(p.Err(), err) && p.Err().Error() != err.Error()):
			t.Errorf("%s: Plan returns %v, Err %v", c.name, err, p.Err())
		case c.want != nil:
			for _, word := range append(c.want, "prog: ") {
				if !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: %q does not name %q in one line", c.name, err, word)
				}
			}
		}
	}
}

// TestMisuseOnDevice is what only a device can refuse.
func TestMisuseOnDevice(t *testing.T) {
	dev := open(t)
	a, unallocated := dev.NewArena("arena"), dev.NewArena("unallocated")
	x, u := a.Reserve("x", 1024), unallocated.Reserve("u", 1024)
	_, err := unallocated.Bytes()
	must(t, err)
	must(t, a.Allocate())
	defer a.Free()
	program := func(build func(o ops)) *Program {
		o := newOps(t, dev.NewProgram("prog"))
		build(o)
		return o.Program
	}
	good := program(func(o ops) { o.fill(x.All(), 1) })
	must(t, good.Build())
	defer good.Free()
	slot, err := good.Acquire()
	must(t, err)
	acquire := func(p *Program) error {
		_, err := p.Acquire()
		return err
	}
	times := func(p *Program) error {
		_, err := p.Times(slot)
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"dispatch on an arena that is not allocated", program(func(o ops) { o.fill(u.All(), 1) }).Build(), "buffer u is not allocated"},
		{"write there", dev.Write(u.All(), make([]byte, 4)), "of u, which has 1024: not allocated"},
		{"read there", dev.Read(u.All(), make([]byte, 4)), "not allocated"},
		{"zero there", dev.Zero(u.All()), "not allocated"},
		{"fill it", unallocated.Fill(1), "fill unallocated: not allocated"},
		{"write too much", dev.Write(x.Slice(0, 16), make([]byte, 17)), "17 bytes are too many"},
		{"write past the end", dev.Write(x.Slice(1020, 8), make([]byte, 4)), "bytes 1020 to 1028 of x, which has 1024"},
		{"read nothing", dev.Read(Range{}, make([]byte, 4)), "no buffer"},
		{"zero half a word", dev.Zero(x.Slice(2, 4)), "not whole words"},
		{"build twice", good.Build(), "built already"},
		{"acquire before building", acquire(dev.NewProgram("early")), "early: not built"},
		{"run before building", dev.NewProgram("early").Run(), "early: not built"},
		{"times of no run", times(good), "prog: no times"},
		{"build what failed", program(func(o ops) { o.Fail(errors.New("cause")) }).Build(), "prog: cause"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.want)
		}
	}
	must(t, good.Run()) // none of which harms what was right
	if err := times(good); err == nil || !strings.Contains(err.Error(), "Timing") {
		t.Errorf("times without Timing: %v", err)
	}
}

// TestFailingCalls makes each Vulkan call of a program's life fail in turn.
func TestFailingCalls(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // reports the objects of calls that were made to look as if they had failed
	}
	_ = open(t)
	life := func() error {
		dev, err := Open("")
		if err != nil {
			return err
		}
		a, p := dev.NewArena("arena"), newOps(t, dev.NewProgram("prog"))
		defer func() { _ = dev.Close() }()
		defer a.Free()
		defer p.Free()
		x := a.Reserve("x", 1024)
		p.Timing = true
		p.fill(p.Temp("t", 512).All(), 1)
		p.mix(x.All(), x.All(), p.Host("h", 512).All(), 3, 1)
		for _, step := range []func() error{
			a.Allocate, p.Build, p.Record, func() error { return dev.Write(x.All(), make([]byte, 4)) }, p.Run, p.Run,
			func() error { _, err := p.Times(Slot{p.Program, 0}); return err }, p.Drain,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	}
	var calls []string
	defer Inject(func(call string, result int32) int32 { calls = append(calls, call); return result })()
	must(t, life())
	t.Logf("%d calls", len(calls))
	for n, failing := range calls {
		for result, cause := range map[int32]error{resultDeviceLost: ErrDeviceLost, resultOutOfDeviceMemory: ErrOutOfDeviceMemory} {
			failAt(n, result)
			if err := life(); !errors.Is(err, cause) || !strings.Contains(err.Error(), failing+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, call %d of %d, made to fail with %d: %v", failing, n, len(calls), result, err)
			}
		}
	}
}

// failAt makes call n, from 0 on, look as if it had failed.
func failAt(n int, result int32) (restore func()) {
	return Inject(func(_ string, real int32) int32 {
		if n--; n == -1 {
			return result
		}
		return real
	})
}

// TestFailingInstance is TestFailingCalls for the calls that a process makes once.
func TestFailingInstance(t *testing.T) {
	if !child() {
		rerun(t, "TestFailingInstance", "CYCLEVK_VALIDATE=")
		return
	}
	var calls []string
	restore := Inject(func(call string, result int32) int32 { calls = append(calls, call); return result })
	defer restore()
	if _, err := newInstance(); errors.Is(err, ErrNoDriver) {
		t.Skip(err)
	}
	for n, failing := range calls {
		for result, cause := range map[int32]error{DeviceLost: ErrDeviceLost, OutOfDeviceMemory: ErrOutOfDeviceMemory} {
			failAt(n, result)
			if _, err := newInstance(); !errors.Is(err, cause) || !strings.Contains(err.Error(), failing+": ") {
				t.Errorf("%s, call %d of %d, made to fail with %d: %v", failing, n, len(calls), result, err)
			}
		}
	}
	restore()
	_ = open(t) // works all the same
}

// TestTimeout: a wait that takes too long says what to do, nothing of what may still be in use is freed, and another device works.
func TestTimeout(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // reports what is left to the end of the process
	}
	_ = open(t)
	t.Setenv("CYCLEVK_TIMEOUT", "90s")
	dev, err := Open("")
	must(t, err)
	a, p := dev.NewArena("arena"), newOps(t, dev.NewProgram("prog"))
	x := a.Reserve("x", 1024)
	p.fill(x.All(), 1)
	must(t, a.Allocate())
	must(t, p.Build())
	must(t, p.Run())
	restore := Inject(func(call string, result int32) int32 {
		if call == "vkWaitForFences" {
			return Timeout
		}
		return result
	})
	defer restore()
	for name, err := range map[string]error{"run": p.Run(), "read": dev.Read(x.All(), make([]byte, 4))} {
		if !errors.Is(err, ErrTimeout) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []string{"vkWaitForFences: VK_TIMEOUT", dev.Info.Name, "1m30s", "--crop_size", "CYCLEVK_TIMEOUT"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
	p.Free()
	a.Free()
	must(t, dev.Close())
	if bytes, _ := dev.Allocated(); bytes == 0 {
		t.Error("memory that a hung device may still use was freed")
	}
	restore()
	_ = open(t)
	for _, wrong := range []string{"soon", "-1s", "0", "30"} {
		t.Setenv("CYCLEVK_TIMEOUT", wrong)
		if _, err := Open(""); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("CYCLEVK_TIMEOUT=%q", wrong)) {
			t.Errorf("CYCLEVK_TIMEOUT=%s: %v", wrong, err)
		}
	}
}

// TestFreeMemory: what is free is a part of what there is.
func TestFreeMemory(t *testing.T) {
	dev := open(t)
	before := dev.Free()
	if before <= 0 || before > dev.Info.Memory {
		t.Errorf("%d bytes free of %d", before, dev.Info.Memory)
	}
}
