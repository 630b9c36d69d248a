// The bank: the weights of all models on the device, one arena each, and one network of each shape that runs with a copy of them. So a
// switch is one copy from device memory to device memory between two frames, and a checkpoint can be uploaded while another runs.

package live

import (
	"errors"
	"fmt"
	"slices"

	"cyclevk/cyclegan"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// pieceBytes is how much of a checkpoint is uploaded between two frames: it takes a few milliseconds.
const pieceBytes = 8 << 20

var directions = []string{"AtoB", "BtoA"}

// bank holds the models.
type bank struct {
	dev     *vk.Device
	element kernels.Element // in which the networks compute
	models  []Model
	entries []*entry
	gens    []*generator
	now     *entry // whose weights the network of its shape has
	wanted  *entry // what between turns to
	pieces  int    // bytes of a checkpoint that are uploaded between two frames at most
	reloads uint64 // that are complete
}

// generator is a network of one shape, with the weights that run.
type generator struct {
	spec  cyclegan.GeneratorSpec
	net   *cyclegan.Network
	arena *vk.Arena
	round *vk.Program // of weights of fp32 to those that run; nil where these are fp32
	has   *entry
	is    int // the version of it
}

// entry is one direction of a model.
type entry struct {
	model     int
	direction string
	gen       *generator
	net       *cyclegan.Network // for its layout
	arena     *vk.Arena
	trained   trained // its checkpoint
	version   int     // counts those that it had
	pending   []write // what is left to upload of a newer one
	next      trained // that one
}

// write is bytes on their way to the device.
type write struct {
	to   vk.Range
	data []byte
}

func newBank(dev *vk.Device, models []Model, element kernels.Element) (*bank, error) {
	b := &bank{dev: dev, element: element, models: models, pieces: pieceBytes}
	if len(models) == 0 {
		return nil, errors.New("no model: give one with --model")
	}
	for i, m := range models {
		if err := b.add(i, m); err != nil {
			b.free()
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	if err := b.use(0, models[0].Direction); err != nil {
		b.free()
		return nil, err
	}
	return b, nil
}

// add uploads the directions of a model.
func (b *bank) add(index int, m Model) error {
	for _, direction := range directions {
		name, err := cyclegan.GeneratorOf(direction)
		if err != nil {
			return err
		}
		if _, there := m.Checkpoint.Nets[name]; !there {
			continue
		}
		spec, err := m.Checkpoint.Config.GeneratorSpec(name)
		if err != nil {
			return err
		}
		for _, channels := range []int{spec.In, spec.Out} {
			if channels != 1 && channels != 3 {
				return fmt.Errorf("its generator %s takes pictures of %d channels and makes %d: a camera's are grey or RGB, 1 or 3; use `cyclegan translate`",
					name, spec.In, spec.Out)
			}
		}
		e := &entry{model: index, direction: direction}
		b.entries = append(b.entries, e)
		if e.gen, err = b.generator(name, spec); err == nil {
			err = b.fill(e, name, m.Checkpoint)
		}
		if err != nil {
			return err
		}
	}
	_, err := b.entry(index, m.Direction)
	return err
}

// generator is the network of a shape.
func (b *bank) generator(name string, spec cyclegan.GeneratorSpec) (*generator, error) {
	for _, g := range b.gens {
		if g.spec == spec {
			return g, nil
		}
	}
	g := &generator{spec: spec, net: cyclegan.NewGenerator(name, spec), arena: b.dev.NewArena("weights that run")}
	b.gens = append(b.gens, g)
	g.net.Params.Element = b.element
	g.net.Params.Reserve(g.arena)
	if err := g.arena.Allocate(); err != nil || b.element == kernels.Float32 {
		return g, err
	}
	g.round = b.dev.NewProgram("rounding of weights")
	g.net.Params.Narrow(g.round)
	return g, g.round.Build()
}

// fill gives an entry its memory and the weights of a checkpoint.
func (b *bank) fill(e *entry, name string, c *cyclegan.Checkpoint) error {
	e.net, e.arena = cyclegan.NewGenerator(name, e.gen.spec), b.dev.NewArena(name+" weights")
	e.net.Params.Reserve(e.arena)
	if err := e.arena.Allocate(); err != nil {
		return err
	}
	writes, err := e.pack(c, b.pieces)
	if err != nil {
		return err
	}
	for _, w := range writes {
		if err := b.dev.Write(w.to, w.data); err != nil {
			return err
		}
	}
	e.trained, e.version = trainedOf(c), 1
	return nil
}

// activate copies an entry's weights to the network that runs, after what was submitted before.
func (b *bank) activate(e *entry) error {
	from, to := e.net.Params, e.gen.net.Params
	err := b.dev.Copy(to.Weights.All(), from.Weights.All())
	if err == nil && from.Running != nil {
		err = b.dev.Copy(to.Running.All(), from.Running.All())
	}
	if err == nil && e.gen.round != nil {
		var s vk.Slot
		if s, err = e.gen.round.Acquire(); err == nil {
			err = e.gen.round.Submit(s)
		}
	}
	if err == nil {
		e.gen.has, e.gen.is = e, e.version
	}
	return err
}

// pack is a checkpoint's weights as the entry's memory holds them, in pieces.
func (e *entry) pack(c *cyclegan.Checkpoint, piece int) (writes []write, err error) {
	ps := e.net.Params
	spec, err := c.Config.GeneratorSpec(ps.Net)
	if err != nil {
		return nil, err
	}
	if spec != e.gen.spec {
		return nil, fmt.Errorf("%s: %s is another network than before (%+v, %+v)", c.Path, ps.Net, spec, e.gen.spec)
	}
	for _, m := range []*vk.Mem{ps.Running, ps.Weights} {
		if m == nil {
			continue
		}
		data, err := ps.Pack(m, c.Nets[ps.Net].Weights)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Path, err)
		}
		for at := 0; at < len(data); at += piece {
			n := min(piece, len(data)-at)
			writes = append(writes, write{m.Slice(at, n), data[at : at+n]})
		}
	}
	return writes, nil
}

// entry finds a direction of a model.
func (b *bank) entry(model int, direction string) (*entry, error) {
	if model < 0 || model >= len(b.models) {
		return nil, fmt.Errorf("there is no model %d: there are %d", model+1, len(b.models))
	}
	for _, e := range b.entries {
		if e.model == model && e.direction == direction {
			return e, nil
		}
	}
	if _, err := cyclegan.GeneratorOf(direction); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("model %s has no generator for %s: take the other direction", b.models[model].Name, direction)
}

// use names the model whose weights between turns to.
func (b *bank) use(model int, direction string) error {
	e, err := b.entry(model, direction)
	if err == nil {
		b.wanted = e
	}
	return err
}

// trained is how far a checkpoint has come.
type trained struct{ step, epoch int }

func trainedOf(c *cyclegan.Checkpoint) trained { return trained{c.Step, c.Epoch} }

// checkpoint is a newer one of a model, ready to be uploaded.
type checkpoint struct {
	trained
	writes map[*entry][]write
}

// pack makes a checkpoint of a model ready. It calls nothing of the device, so it may run beside anything.
func (b *bank) pack(model int, c *cyclegan.Checkpoint) (*checkpoint, error) {
	out := &checkpoint{trained: trainedOf(c), writes: map[*entry][]write{}}
	for _, e := range b.entries {
		if e.model == model {
			writes, err := e.pack(c, b.pieces)
			if err != nil {
				return nil, err
			}
			out.writes[e] = writes
		}
	}
	return out, nil
}

// reload begins to upload a checkpoint, which between goes on with.
func (b *bank) reload(c *checkpoint) {
	for e, writes := range c.writes {
		e.pending, e.next = writes, c.trained
	}
}

// between does what may only be done between two frames: the next piece of a checkpoint, and the switch to weights that are whole.
// more says that there are pieces left.
func (b *bank) between() (switched, more bool, err error) {
	written := false
	for _, e := range append([]*entry{b.wanted}, b.entries...) { // first what is seen
		if len(e.pending) > 0 && !written {
			w := e.pending[0]
			if err := b.dev.Write(w.to, w.data); err != nil {
				return false, false, err
			}
			written = true
			if e.pending = e.pending[1:]; len(e.pending) == 0 {
				e.trained = e.next
				e.version++
			}
		}
		more = more || len(e.pending) > 0
	}
	if written && !more {
		b.reloads++
	}
	e := b.wanted
	if len(e.pending) > 0 || e == b.now && e.gen.has == e && e.gen.is == e.version {
		return false, more, nil
	}
	if e.gen.has != e || e.gen.is != e.version {
		if err := b.activate(e); err != nil {
			return false, more, err
		}
	}
	b.now = e
	return true, more, nil
}

// wants is what use was told last.
func (b *bank) wants() (model int, direction string) { return b.wanted.model, b.wanted.direction }

// playing is what runs.
func (b *bank) playing() Playing {
	return Playing{b.models[b.now.model].Name, b.now.direction, b.now.trained.step, b.now.trained.epoch, b.reloads}
}

// fitTo is how frames of w x h come to a canvas that every model takes.
func (b *bank) fitTo(w, h, size int) kernels.Fit {
	multiple, least := 1, 1
	for _, g := range b.gens { // powers of two
		m, l := g.spec.Sizes()
		multiple, least = max(multiple, m), max(least, l)
	}
	return fitTo(w, h, size, multiple, least)
}

func (b *bank) free() {
	for _, e := range slices.Backward(b.entries) {
		if e.arena != nil {
			e.arena.Free()
		}
	}
	for _, g := range b.gens {
		if g.round != nil {
			g.round.Free()
		}
		g.arena.Free()
	}
}
