// Recordings: a program as command buffers, one set a slot, replayed without any work on the host but the submission.

package vk

/*
#include "native.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// recording is one slot of a program.
type recording struct {
	commands  *commands
	pool      C.uint64_t // descriptor pool
	queries   vulkan.QueryPool
	marks     *marks    // nil where they are off
	stretches []stretch // one for each command buffer
	pending   bool      // submitted and not waited for
	timed     bool      // a run has ended, so that its timestamps can be read
}

// Slot is one of the two copies of a program's host buffers, free for the host to read and to fill.
type Slot struct {
	program *Program
	index   int
}

// Index is 0 or 1.
func (s Slot) Index() int { return s.index }

// Slot is one of the program's slots by index; its host buffers may be read once what ran in it was waited for.
func (p *Program) Slot(i int) Slot { return Slot{p, i} }

// Bytes is the slot's copy of a host buffer.
func (s Slot) Bytes(m *Mem) []byte { return m.host[s.index].bytes }

// Build plans the program, allocates its temporaries and records it. The arenas that it uses must be allocated.
func (p *Program) Build() error {
	if _, err := p.Plan(); err != nil {
		return err
	}
	if p.rec[0] != nil {
		return fmt.Errorf("%s: built already", p.Name)
	}
	if err := p.build(); err != nil {
		p.Free()
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

func (p *Program) build() error {
	if err := p.arena.Allocate(); err != nil {
		return err
	}
	for _, h := range p.hosts {
		for i := range h.host {
			b, err := p.dev.newHost(fmt.Sprintf("%s, slot %d, %s", p.Name, i, h.Name), h.Size)
			if err != nil {
				return fmt.Errorf("host buffer %s (%s): %w", h.Name, mib(h.Size), err)
			}
			h.host[i] = b
			p.dev.allocated += h.Size
		}
	}
	for i := range p.rec {
		if err := p.record(i); err != nil {
			return err
		}
	}
	return p.dev.messages()
}

// record writes slot i's command buffers: one for each stretch of the program that may be submitted at once.
//
// Every replay ends with a full barrier, as every transfer does. So the state in which one ends is the state in which the next
// begins (nothing pending), whatever runs in between: the other slot, another program, a transfer.
func (p *Program) record(i int) error {
	r := &recording{stretches: p.split()}
	p.rec[i] = r
	parts, buffers := 0, 0
	for _, s := range r.stretches {
		for _, part := range s.parts {
			parts, buffers = parts+1, buffers+len(part.args)
			if err := part.pipeline.create(p.dev); err != nil {
				return err
			}
		}
	}
	device := unsafe.Pointer(p.dev.handle)
	if err := check("vkCreateDescriptorPool", int32(C.cv_create_descriptor_pool(device, C.uint32_t(max(1, parts)), C.uint32_t(max(1, buffers)), &r.pool))); err != nil {
		return err
	}
	if p.Timing && p.dev.Info.Limits.TimestampPeriod > 0 {
		info := &vulkan.QueryPoolCreateInfo{
			SType: vulkan.StructureTypeQueryPoolCreateInfo, QueryType: vulkan.QueryTypeTimestamp, QueryCount: uint32(parts + len(r.stretches)),
		}
		var queries vulkan.QueryPool
		err := check("vkCreateQueryPool", vulkan.CreateQueryPool(p.dev.handle, info, nil, &queries))
		info.Free()
		r.queries = queries
		if err != nil {
			return err
		}
	}
	var err error
	if r.marks, err = p.newMarks(i); err != nil {
		return err
	}
	if r.commands, err = p.dev.newCommands(fmt.Sprintf("%s, slot %d", p.Name, i), len(r.stretches)); err != nil {
		return err
	}
	query, recorded := uint32(0), 0
	for n, s := range r.stretches {
		cmd := r.commands.buffers[n]
		if err := begin(cmd, false); err != nil {
			return err
		}
		if n == 0 && r.queries != nil {
			vulkan.CmdResetQueryPool(cmd, r.queries, 0, uint32(parts+len(r.stretches)))
		}
		p.stamp(cmd, r, &query)
		for _, part := range s.parts {
			if part.waits || p.FullSync {
				cmdBarrier(cmd, false)
			}
			if err := p.dispatch(cmd, r, part, i); err != nil {
				return err
			}
			p.stamp(cmd, r, &query)
			if part.last {
				recorded++
				r.marks.record(cmd, recorded)
			}
		}
		if n == len(r.stretches)-1 {
			cmdBarrier(cmd, true)
		}
		if err := end(cmd); err != nil {
			return err
		}
	}
	return nil
}

// dispatch records one dispatch, or a part of it.
func (p *Program) dispatch(cmd vulkan.CommandBuffer, r *recording, o part, slot int) error {
	bindings := make([]C.cv_binding, len(o.args))
	for i, a := range o.args {
		buffer, offset, bytes := a.block, a.offset+a.Offset, a.Bytes
		if a.kind == hostSlot {
			bindings[i].buffer, offset = handle64(a.host[slot].buffer), a.Offset
		} else if buffer == nil || buffer.buffer == nil {
			return fmt.Errorf("shader %s: buffer %s is not allocated", o.pipeline.name, a.Name)
		} else {
			bindings[i].buffer = handle64(buffer.buffer)
			bytes = min(bytes+p.Overbind, buffer.size-offset, p.dev.Info.Limits.MaxStorageBufferRange)
		}
		bindings[i].offset, bindings[i]._range = C.uint64_t(offset), C.uint64_t(bytes)
	}
	c := &o.pipeline.c
	var set C.uint64_t
	result := C.cv_descriptor_set(unsafe.Pointer(p.dev.handle), r.pool, c.set_layout, &bindings[0], C.uint32_t(len(bindings)), &set)
	if err := check("vkAllocateDescriptorSets", int32(result)); err != nil {
		return err
	}
	p.dev.beginLabel(cmd, o.op)
	C.cv_cmd_bind(unsafe.Pointer(cmd), c.pipeline, c.layout, set)
	if len(o.push) > 0 {
		vulkan.CmdPushConstants(cmd, handle[vulkan.PipelineLayout](c.layout), vulkan.ShaderStageFlags(vulkan.ShaderStageComputeBit), 0,
			uint32(len(o.push)), unsafe.Pointer(&o.push[0]))
	}
	if n := o.count; n == o.groups {
		vulkan.CmdDispatch(cmd, uint32(n[0]), uint32(n[1]), uint32(n[2]))
	} else {
		C.cv_cmd_dispatch_base(unsafe.Pointer(cmd), C.uint32_t(o.first[0]), C.uint32_t(o.first[1]), C.uint32_t(o.first[2]),
			C.uint32_t(n[0]), C.uint32_t(n[1]), C.uint32_t(n[2]))
	}
	p.dev.endLabel(cmd)
	return nil
}

// stamp writes the next timestamp, where the program is timed.
func (p *Program) stamp(cmd vulkan.CommandBuffer, r *recording, query *uint32) {
	if r.queries == nil {
		return
	}
	vulkan.CmdWriteTimestamp(cmd, vulkan.PipelineStageBottomOfPipeBit, r.queries, *query)
	*query++
}

// Acquire waits until a slot is free and returns it: its host buffers hold what the run before last wrote, and may be filled.
func (p *Program) Acquire() (Slot, error) {
	s := Slot{p, p.cur}
	return s, p.wait(s.index)
}

// Submit starts a run with what the slot's host buffers hold, and turns to the other slot.
func (p *Program) Submit(s Slot) error {
	if err := p.wait(s.index); err != nil { // nothing to wait for, unless the slot was not acquired
		return err
	}
	r := p.rec[s.index]
	r.timed = false
	r.marks.start(p.dev)
	if err := r.commands.submit(p.dev); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	r.pending = true
	p.cur = (s.index + 1) % slots
	return nil
}

// Wait waits for the run that was submitted in a slot; its host buffers then hold that run's results.
func (p *Program) Wait(s Slot) error { return p.wait(s.index) }

func (p *Program) wait(i int) error {
	r := p.rec[i]
	if r == nil {
		return fmt.Errorf("%s: not built", p.Name)
	}
	if !r.pending {
		return nil
	}
	if err := r.commands.wait(p.dev); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	r.marks.stop(p.dev)
	r.pending, r.timed = false, r.queries != nil
	return p.dev.messages()
}

// Drain waits for every run.
func (p *Program) Drain() error {
	for i := range p.rec {
		if err := p.wait(i); err != nil {
			return err
		}
	}
	return nil
}

// Run is one run of the program, waited for.
func (p *Program) Run() error {
	s, err := p.Acquire()
	if err == nil {
		if err = p.Submit(s); err == nil {
			err = p.Wait(s)
		}
	}
	return err
}

// Free waits for the device and frees the program with its temporaries.
func (p *Program) Free() {
	if !p.dev.idle() { // a run that failed halfway may still be running
		return
	}
	for i, r := range p.rec {
		if r != nil {
			r.destroy(p.dev)
			p.rec[i] = nil
		}
	}
	for _, h := range p.hosts {
		for i, b := range h.host {
			if b != nil {
				p.dev.freeHost(b)
				p.dev.allocated -= h.Size
				h.host[i] = nil
			}
		}
	}
	p.arena.Free()
}

// destroy frees a recording that is not in use.
func (r *recording) destroy(d *Device) {
	if r.commands != nil {
		r.commands.destroy(d)
	}
	vulkan.DestroyDescriptorPool(d.handle, handle[vulkan.DescriptorPool](r.pool), nil)
	if r.queries != nil {
		vulkan.DestroyQueryPool(d.handle, r.queries, nil)
	}
	if r.marks != nil {
		r.marks.stop(d)
		d.freeHost(r.marks.hostBuffer)
	}
}
