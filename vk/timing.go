// What a profiler asks of a program: its dispatches as they were planned, and how long each took on the device.

package vk

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Dispatch describes one dispatch of a program.
type Dispatch struct {
	Label, Shader string
	Stage, Layer  string // as Program.Stage and Program.Layer were when it was appended
	Work          int64  // Launch.Work
	Read, Written int64  // bytes of its arguments that the shader reads and writes, one that is bound twice counted once
}

// List describes the dispatches of a program in the order in which they run once it is planned.
func (p *Program) List() []Dispatch {
	list := make([]Dispatch, len(p.ops))
	for i, o := range p.ops {
		list[i] = Dispatch{
			Label: o.label, Shader: o.pipeline.name, Stage: o.stage, Layer: o.layer, Work: o.work,
			Read: o.bytes(reads), Written: o.bytes(writes),
		}
	}
	return list
}

// bytes adds up the bindings that are accessed in a way.
func (o *op) bytes(way access) (sum int64) {
	var seen []Range
	for i, r := range o.args {
		if o.pipeline.bindings[i]&way != 0 && !slices.Contains(seen, r) {
			seen = append(seen, r)
			if r.sparse > 0 {
				r.Bytes = min(r.Bytes, r.sparse)
			}
			sum += int64(r.Bytes)
		}
	}
	return sum
}

// Record records a built program anew, after Timing or FullSync were changed. Its memory stays as it is.
func (p *Program) Record() error {
	if err := p.Drain(); err != nil {
		return err
	}
	for i, r := range p.rec {
		r.destroy(p.dev)
		if err := p.record(i); err != nil {
			p.Free()
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return p.dev.messages()
}

// Latest is the slot of the last run.
func (p *Program) Latest() Slot { return Slot{p, (p.cur + slots - 1) % slots} }

// Span is when one dispatch ran, counted from the start of the program, and for how long.
type Span struct {
	Label, Shader string
	Start, Time   time.Duration
}

// Times returns the time of each dispatch of the last run in a slot, which must be waited for. The program must have been
// built with Timing. The time of dispatches that ran together is that of the last of them to end; the others have what is left.
// A dispatch's time has that of the barrier in front of it, and nothing of the pause between two submissions.
func (p *Program) Times(s Slot) ([]Span, error) {
	r := p.rec[s.index]
	if r == nil || !r.timed {
		return nil, fmt.Errorf("%s: no times (Timing was not set, no run was waited for, or the device %s has no timestamps)", p.Name, p.dev.Info.Name)
	}
	var parts []part
	var stretch []int // how many parts each has
	for _, s := range r.stretches {
		parts, stretch = append(parts, s.parts...), append(stretch, len(s.parts))
	}
	ticks := make([]uint64, len(parts)+len(stretch))
	result := vulkan.GetQueryPoolResults(p.dev.handle, r.queries, 0, uint32(len(ticks)), uint(8*len(ticks)), unsafe.Pointer(&ticks[0]), 8,
		vulkan.QueryResultFlags(vulkan.QueryResult64Bit))
	if err := check("vkGetQueryPoolResults", result); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return joined(parts, spansOf(ticks, stretch, p.dev.ticks, p.dev.Info.Limits.TimestampPeriod)), nil
}

// joined puts the spans of parts together: a dispatch starts with its first part and takes as long as all of them.
func joined(parts []part, of []Span) (spans []Span) {
	for i, part := range parts {
		if part.first == [3]int{} {
			spans = append(spans, Span{Label: part.label, Shader: part.pipeline.name, Start: of[i].Start})
		}
		spans[len(spans)-1].Time += of[i].Time
	}
	return spans
}

// spansOf reads the timestamps of a run: one before each stretch of so many dispatches or parts of them, and one after each. Of a
// timestamp the bits of mask are valid, and it starts over when they are full, as some devices' do after seconds.
func spansOf(ticks []uint64, stretch []int, mask uint64, period float64) (spans []Span) {
	at, elapsed := 0, uint64(0) // elapsed: ticks from the first to ticks[at]
	next := func() uint64 {
		step := (ticks[at+1] - ticks[at]) & mask
		at++
		elapsed += step
		return step
	}
	duration := func(ticks uint64) time.Duration { return time.Duration(float64(ticks) * period) }
	for i, n := range stretch {
		if i > 0 {
			next()
		}
		for range n {
			start := elapsed
			spans = append(spans, Span{Start: duration(start), Time: duration(next())})
		}
	}
	return spans
}
