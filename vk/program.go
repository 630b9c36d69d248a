// A program: dispatches over virtual buffers, in the order in which they are written down. Order, lifetimes, memory and
// barriers are derived when it is built.

package vk

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// slots is how many copies of a program's host buffers and command buffers alternate, so that the host fills one while the
// device works on the other.
const slots = 2

// Program is a sequence of dispatches that is recorded once and replayed. While it is written, the first error sticks and
// is returned by Build, so that calls need no checks of their own.
type Program struct {
	Name      string
	FullSync  bool // a full barrier before every dispatch: the reference that derived barriers are tested against
	Timing    bool // measure each dispatch with timestamps: see Times
	GuardZone int  // bytes left unused around every temporary, for tests
	Overbind  int  // bytes bound past every buffer in an arena, for tests: drivers drop what a shader writes past a binding, unseen

	// What is appended from now on belongs to, for profiles: a stage of the program, and a pass over a layer of a network.
	Stage, Layer string

	dev   *Device
	arena *Arena   // of the temporaries
	under *Program // see Share
	ops   []*op
	hosts []*Mem
	phase int
	late  bool // see Late
	err   error

	submission float64 // see Device.Submission

	rec [slots]*recording
	cur int
}

// op is one dispatch.
type op struct {
	pipeline *pipeline
	groups   [3]int
	push     []byte
	args     []Range
	work     int64
	label    string
	stage    string
	layer    string
	phase    int
	level    int
	late     bool   // see Program.Late
	waiting  []*op  // of a late one: what waits for it
	launch   Launch // as it was written down, before tuning chose a variant
}

// NewProgram starts an empty program.
func (d *Device) NewProgram(name string) *Program {
	return &Program{Name: name, dev: d, arena: d.NewArena("temporaries"), submission: cmp.Or(d.Submission, submissionWork)}
}

// Share puts the program's temporaries where those of another are, to which nothing is appended any more once this one is planned. Of two
// programs on a device one runs at a time, and what temporaries hold ends with its run. The other is to be freed last.
func (p *Program) Share(with *Program) { p.under, p.arena.under = with, with.arena }

// Device is the device that the program runs on.
func (p *Program) Device() *Device { return p.dev }

// Err is the first error so far.
func (p *Program) Err() error { return p.err }

// Fail makes the program fail with err, unless it has failed already.
func (p *Program) Fail(err error) {
	if p.err == nil && err != nil {
		p.err = fmt.Errorf("%s: %w", p.Name, err)
	}
}

// Temp declares a temporary: device memory that holds nothing outside of the program and may share its bytes with other
// temporaries. The size is in bytes.
func (p *Program) Temp(name string, size int) *Mem {
	m := &Mem{Name: name, Size: words(size), kind: temporary, program: p, first: -1}
	p.arena.mems = append(p.arena.mems, m)
	return m
}

// Host declares a host-visible buffer, one copy for each slot: see Slot.Bytes. It holds what the host hands to one run of
// the program (images, learning rate) and what one run hands back (losses).
func (p *Program) Host(name string, size int) *Mem {
	m := &Mem{Name: name, Size: words(size), kind: hostSlot, program: p}
	p.hosts = append(p.hosts, m)
	return m
}

// Phase ends a stretch of the program: no dispatch moves from one phase to another. Within a phase, independent
// dispatches are brought together so that they run at the same time.
func (p *Program) Phase() { p.phase++ }

// Late holds what is appended until asBefore is called back until just before something needs it: for what is computed a second time so
// that it need not be kept, and would else be there from the start of its phase.
func (p *Program) Late() (asBefore func()) {
	before := p.late
	p.late = true
	return func() { p.late = before }
}

// Launch is one dispatch of a shader. One that takes long is cut into several, of some of the workgroups each, all numbered as before. So
// shaders read gl_NumWorkGroups for nothing but the length of a row: gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x.
type Launch struct {
	Shader Shader
	Spec   []uint32 // specialisation constants 0, 1, …
	Push   any      // a struct of 32-bit values, laid out as the shader's push constants; nil for none
	Groups [3]int   // workgroups in x, y, z; a zero counts as 1
	Work   int64    // arithmetic operations where they outweigh the traffic: for splitting submissions and for Program.Work
	Label  string   // what this dispatch is for, as shown by profiles

	Variants []Variant // other constants and workgroups that give the same bits, for Device.Tuning to choose from
}

// Dispatch appends a dispatch. Arguments are bound in order; whether each is read or written is what the shader declares.
func (p *Program) Dispatch(l Launch, args ...Range) {
	if p.err != nil {
		return
	}
	if p.arena.placed {
		p.Fail(fmt.Errorf("shader %s: dispatched after the program was planned", l.Shader.Name))
		return
	}
	var push []byte
	if l.Push != nil {
		var err error
		if push, err = binary.Append(nil, binary.LittleEndian, l.Push); err != nil {
			p.Fail(fmt.Errorf("shader %s: push constants: %w", l.Shader.Name, err))
			return
		}
	}
	written := l
	l = p.dev.Tuning.choose(l, push)
	o := &op{groups: l.Groups, push: push, args: slices.Clone(args), work: l.Work, label: l.Label, stage: p.Stage, layer: p.Layer, phase: p.phase, late: p.late, launch: written}
	var err error
	if o.pipeline, err = p.dev.pipeline(l.Shader, l.Spec, o.cost() > p.submission); err != nil {
		p.Fail(err)
		return
	}
	if o.label == "" {
		o.label = l.Shader.Name
	}
	p.Fail(o.check(p))
	p.ops = append(p.ops, o)
}

// check holds a dispatch against its shader's interface, the program and the device's limits.
func (o *op) check(p *Program) error {
	name, limits := fmt.Sprintf("shader %s (%s)", o.pipeline.name, o.label), p.dev.Info.Limits
	if len(o.args) != len(o.pipeline.bindings) {
		return fmt.Errorf("%s binds %d buffers, %d given", name, len(o.pipeline.bindings), len(o.args))
	}
	if len(o.push) != o.pipeline.pushBytes {
		return fmt.Errorf("%s takes %d bytes of push constants, %d given", name, o.pipeline.pushBytes, len(o.push))
	}
	for i := range o.groups {
		o.groups[i] = max(1, o.groups[i])
		if o.groups[i] > limits.MaxGroupCount[i] {
			return fmt.Errorf("%s: %v workgroups, %w: %v on %s", name, o.groups, ErrTooLarge, limits.MaxGroupCount, p.dev.Info.Name)
		}
	}
	for i, r := range o.args {
		if err := r.check(); err != nil {
			return fmt.Errorf("%s: buffer %d is %s: %w", name, i, r, err)
		}
		switch {
		case r.program != nil && r.program != p:
			return fmt.Errorf("%s: %s belongs to the program %s", name, r.Name, r.program.Name)
		case r.Bytes > limits.MaxStorageBufferRange:
			return fmt.Errorf("%s: %s needs %s in one binding, %w: %s on %s: use a smaller --crop_size, --batch_size or --ngf",
				name, r.Name, mib(r.Bytes), ErrTooLarge, mib(limits.MaxStorageBufferRange), p.dev.Info.Name)
		case r.Offset%Alignment != 0:
			return fmt.Errorf("%s: offset %d of %s is not a multiple of %d", name, r.Offset, r.Name, Alignment)
		}
	}
	return nil
}

// touch is what a dispatch does to a part of a buffer.
type touch struct {
	by *op
	Range
	access
}

// schedule orders the dispatches by level: within its phase, each runs as soon as everything that it waits for has run, which is
// what touches the same bytes before it, where either writes them. Dispatches of one level are independent. Late ones then go down
// to the level before that of the first that waits for them, or to the last of their phase.
func (p *Program) schedule() {
	touched := map[*Mem][]touch{}
	floor, top, phase := 0, -1, 0
	last := map[int]int{} // level of each phase
	for _, o := range p.ops {
		if o.phase != phase {
			phase, floor = o.phase, top+1
		}
		o.level = floor
		for i, r := range o.args {
			for _, before := range touched[r.Mem] {
				if !before.by.late && before.by.level < o.level || (before.access|o.pipeline.bindings[i])&writes == 0 || !before.overlaps(r) {
					continue
				}
				o.level = max(o.level, before.by.level+1)
				if before.by.late {
					before.by.waiting = append(before.by.waiting, o)
				}
			}
		}
		for i, r := range o.args {
			touched[r.Mem] = append(touched[r.Mem], touch{o, r, o.pipeline.bindings[i]})
		}
		top = max(top, o.level)
		last[phase] = top
	}
	for _, o := range slices.Backward(p.ops) {
		if o.late {
			o.level = last[o.phase]
			for _, w := range o.waiting {
				o.level = min(o.level, w.level-1)
			}
		}
	}
	ordered := make([]*op, 0, len(p.ops))
	byLevel := make([][]*op, top+1)
	for _, o := range p.ops {
		byLevel[o.level] = append(byLevel[o.level], o)
	}
	for _, ops := range byLevel {
		ordered = append(ordered, ops...)
	}
	p.ops = ordered
}

// lifetimes finds the levels between which each temporary is alive, and refuses a program that reads bytes of one before
// anything wrote them.
func (p *Program) lifetimes() error {
	written := map[*Mem][]Range{}
	for _, o := range p.ops {
		for i, r := range o.args {
			if r.kind == temporary && o.pipeline.bindings[i]&reads != 0 && !covered(r, written[r.Mem]) {
				return fmt.Errorf("shader %s (%s) reads %s before anything wrote it", o.pipeline.name, o.label, r.Name)
			}
		}
		for i, r := range o.args {
			if r.kind != temporary {
				continue
			}
			if o.pipeline.bindings[i]&writes != 0 {
				written[r.Mem] = append(written[r.Mem], r)
			}
			if r.first < 0 {
				r.first = o.level
			}
			r.last = o.level
		}
	}
	p.arena.mems = slices.DeleteFunc(p.arena.mems, func(m *Mem) bool { return m.first < 0 })
	return nil
}

// covered reports whether parts of a buffer, in any order, hold every byte of r.
func covered(r Range, parts []Range) bool {
	from, to := r.Offset, r.Offset+r.Bytes
	for grown := true; grown && from < to; {
		grown = false
		for _, p := range parts {
			if p.Offset <= from && p.Offset+p.Bytes > from {
				from, grown = p.Offset+p.Bytes, true
			}
		}
	}
	return from >= to
}

// Plan orders the program and lays out its temporaries, without allocating anything, and returns the bytes of device memory
// and host buffers that Build will take. Nothing can be appended afterwards.
func (p *Program) Plan() (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	if !p.arena.placed {
		if p.under != nil {
			if _, p.err = p.under.Plan(); p.err != nil {
				return 0, p.err
			}
		}
		p.schedule()
		if err := p.lifetimes(); err != nil {
			p.Fail(err)
			return 0, p.err
		}
		p.arena.Guard = p.GuardZone
	}
	n, err := p.arena.Bytes()
	if err != nil {
		p.Fail(err)
		return 0, p.err
	}
	for _, h := range p.hosts {
		n += slots * h.Size
	}
	return n, nil
}

// Dispatches is how many dispatches the program has.
func (p *Program) Dispatches() int { return len(p.ops) }

// Work is the sum of the dispatches' work, in arithmetic operations.
func (p *Program) Work() (sum int64) {
	for _, o := range p.ops {
		sum += o.work
	}
	return sum
}

// Temporaries is the arena of the program's temporaries, for tests that fill and inspect it.
func (p *Program) Temporaries() *Arena { return p.arena }
