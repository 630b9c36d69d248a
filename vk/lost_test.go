// A lost device, by results that are injected: the error says how far the dispatches had come, and what the driver knows.

package vk

import (
	"errors"
	"strings"
	"testing"
)

// lose makes the device look lost from now on, once before was called.
func lose(before func()) (restore func()) {
	return Inject(func(call string, result int32) int32 {
		if call == "vkWaitForFences" || call == "vkQueueSubmit" {
			before()
			return DeviceLost
		}
		return result
	})
}

func TestLostDevice(t *testing.T) {
	if !child() {
		rerun(t, "TestLostDevice", "CYCLEVK_VALIDATE=", debugVariable+"=1")
		return
	}
	dev := open(t)
	p, a, _ := labelled(t, dev)
	defer a.Free()
	defer p.Free()
	must(t, p.Build())
	for range 3 {
		must(t, p.Run())
	}
	for i, r := range p.rec {
		if n := int(r.marks.count().Load()); n != len(p.ops) || len(dev.running) > 0 {
			t.Errorf("slot %d: %d of %d dispatches counted, %d recordings running", i, n, len(p.ops), len(dev.running))
		}
	}
	dev.fault = func() string { return "page fault; invalid write at 0x1000" }
	for _, c := range []struct {
		finished uint32
		want     []string
	}{
		{0, []string{"step had come to dispatch 1 of 2: fill, G_A.model.1, backward (shader fill []"}},
		{1, []string{"dispatch 2 of 2: mixed, G_A.model.1, backward (shader mix [3])", "the last that finished is fill, G_A.model.1, backward (shader fill []"}},
		{2, []string{"no dispatch with a mark was running"}},
	} {
		s, err := p.Acquire()
		must(t, err)
		must(t, p.Submit(s))
		restore := lose(func() { p.rec[s.index].marks.count().Store(c.finished) })
		err = p.Wait(s)
		restore()
		must(t, p.Wait(s))
		if !errors.Is(err, ErrDeviceLost) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d finished: %v", c.finished, err)
			continue
		}
		for _, want := range append(c.want, "step: vkWaitForFences: VK_ERROR_DEVICE_LOST; the driver says: page fault; invalid write at 0x1000; ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%d finished: no %q in %v", c.finished, want, err)
			}
		}
		if c.finished == 0 && strings.Contains(err.Error(), "last that finished") {
			t.Errorf("none finished: %v", err)
		}
	}
	// A run that is timed has no marks; what is submitted later, or transferred, meets the same loss.
	p.Timing = true
	must(t, p.Record())
	if p.rec[0].marks != nil {
		t.Error("marks in a timed program")
	}
	p.Timing = false
	must(t, p.Record())
	s, err := p.Acquire()
	must(t, err)
	must(t, p.Submit(s))
	dev.idle()
	p.rec[s.index].marks.count().Store(1)
	defer lose(func() {})()
	for name, err := range map[string]error{"submit": p.Submit(Slot{p.Program, 1 - s.index}), "transfer": dev.Write(a.mems[0].All(), make([]byte, 4))} {
		if !errors.Is(err, ErrDeviceLost) || !strings.Contains(err.Error(), "vkQueueSubmit") || !strings.Contains(err.Error(), "dispatch 2 of 2: mixed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLostWithoutMarks: the error says how to learn more. A device that hangs is no different.
func TestLostWithoutMarks(t *testing.T) {
	if !child() {
		rerun(t, "TestLostWithoutMarks", "CYCLEVK_VALIDATE=", debugVariable+"=")
		return
	}
	dev := open(t)
	p, a, _ := labelled(t, dev)
	defer a.Free()
	defer p.Free()
	must(t, p.Build())
	restore := lose(func() {})
	err := p.Run()
	restore()
	for _, want := range []string{"--validate", debugVariable + "=1"} {
		if !errors.Is(err, ErrDeviceLost) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestFaultAddress(t *testing.T) {
	for _, c := range []struct {
		kind               uint32
		address, precision uint64
		want               string
	}{
		{0, 0x1234, 1, ""},
		{1, 0x1234, 1, "invalid read at 0x1234"},
		{2, 0x1234, 4096, "invalid write in 0x1000 to 0x1fff"},
		{3, 0x1234, 0, "invalid execution at 0x1234"},
		{6, 0x1234, 16, "instruction pointer of the fault in 0x1230 to 0x123f"},
		{7, 0x1234, 1, ""},
	} {
		if got := faultAddress(c.kind, c.address, c.precision); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
