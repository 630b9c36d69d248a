// A lost device: what the driver says of the fault, and how far the dispatches had come.
//
// With marks on, each dispatch is followed by a transfer that waits for the dispatches so far and counts them in host memory, which
// outlives the device. The transfers order no dispatches, but drivers may run fewer of these together.

package vk

// #include "native.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

const faultExtension = "VK_EXT_device_fault"

// marks count the dispatches of one recording that have finished.
type marks struct {
	*hostBuffer
	program *Program
}

// count is the word that the device writes.
func (m *marks) count() *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&m.bytes[0])) }

// newMarks makes the marks of a recording; nil where they are off, and for a program that is timed, since they take time.
func (p *Program) newMarks(slot int) (*marks, error) {
	if !p.dev.in.marks || p.Timing {
		return nil, nil
	}
	h, err := p.dev.newHost(fmt.Sprintf("%s, slot %d, marks", p.Name, slot), 4)
	if err != nil {
		return nil, err
	}
	return &marks{h, p}, nil
}

// record counts one more dispatch; m may be nil, here and below.
func (m *marks) record(cmd vulkan.CommandBuffer, finished int) {
	if m != nil {
		C.cv_cmd_mark(unsafe.Pointer(cmd), handle64(m.buffer), C.uint32_t(finished))
	}
}

// start begins a run, and stop ends it.
func (m *marks) start(d *Device) {
	if m != nil {
		m.count().Store(0)
		d.running = append(d.running, m)
	}
}

func (m *marks) stop(d *Device) {
	if m != nil {
		d.running = slices.DeleteFunc(d.running, func(r *marks) bool { return r == m })
	}
}

// explain adds what is known to the error of a device that was lost or that hangs.
func (d *Device) explain(err error) error {
	lost := errors.Is(err, ErrDeviceLost)
	if !lost && !errors.Is(err, ErrTimeout) {
		return err
	}
	if lost && d.fault != nil {
		if text := d.fault(); text != "" {
			err = fmt.Errorf("%w; the driver says: %s", err, text)
		}
	}
	return fmt.Errorf("%w; %s", err, d.position())
}

// position says at which dispatch the programs that were handed over had come.
func (d *Device) position() string {
	if !d.in.marks {
		return "to learn at which dispatch, run it again with --validate or " + debugVariable + "=1"
	}
	for _, m := range d.running {
		ops, n := m.program.ops, int(m.count().Load())
		if n >= len(ops) {
			continue
		}
		text := fmt.Sprintf("%s had come to dispatch %d of %d: %s (shader %s %v)", m.program.Name, n+1, len(ops), ops[n], ops[n].pipeline.name, ops[n].pipeline.spec)
		if n > 0 {
			text += fmt.Sprintf("; the last that finished is %s (shader %s %v)", ops[n-1], ops[n-1].pipeline.name, ops[n-1].pipeline.spec)
		}
		return text
	}
	return "no dispatch with a mark was running"
}

// queryFault is what the driver says of the fault, in one line; empty where it says nothing.
func (d *Device) queryFault() string {
	var c C.cv_fault
	if check("vkGetDeviceFaultInfoEXT", C.cv_device_fault(unsafe.Pointer(d.handle), &c)) != nil {
		return ""
	}
	var parts []string
	add := func(text string) {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			parts = append(parts, text)
		}
	}
	add(C.GoString(&c.description[0]))
	for _, a := range c.addresses[:c.address_count] {
		add(faultAddress(uint32(a._type), uint64(a.address), uint64(a.precision)))
	}
	for i := range c.vendors[:c.vendor_count] {
		v := &c.vendors[i]
		add(fmt.Sprintf("%s, code %#x, data %#x", C.GoString(&v.description[0]), uint64(v.code), uint64(v.data)))
	}
	return strings.Join(parts, "; ")
}

// faultAddress describes an address, which is known to a multiple of precision, a power of two. Kinds are VkDeviceFaultAddressTypeEXT's.
func faultAddress(kind uint32, address, precision uint64) string {
	kinds := []string{
		"", "invalid read", "invalid write", "invalid execution", "instruction pointer", "invalid instruction pointer", "instruction pointer of the fault",
	}
	if kind == 0 || kind >= uint32(len(kinds)) {
		return ""
	}
	precision = max(1, precision)
	low := address &^ (precision - 1)
	if precision == 1 {
		return fmt.Sprintf("%s at %#x", kinds[kind], address)
	}
	return fmt.Sprintf("%s in %#x to %#x", kinds[kind], low, low+precision-1)
}
