// There and back: a picture translated by one generator, and the translation by the other, as test pages show them.

package cyclegan

import (
	"fmt"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Cycle runs both generators of a checkpoint, one after the other, on pictures of any size.
type Cycle struct {
	dev         *vk.Device
	arena       *vk.Arena
	there, back *Network

	// See [Translator].
	MaxMemory int
	Progress  func(share float64) error // of one of the two translations
	Eval      bool

	// The program for the last shape; nil where that needs more memory than there is.
	shape
	program       *vk.Program
	in, fake, rec *vk.Mem
}

// NewCycle loads the generators of a checkpoint, the first one being that of a direction, "AtoB" or "BtoA".
func NewCycle(dev *vk.Device, c *Checkpoint, direction string) (*Cycle, error) {
	name, err := GeneratorOf(direction)
	if err != nil {
		return nil, err
	}
	other := map[string]string{"G_A": "G_B", "G_B": "G_A"}[name]
	t := &Cycle{dev: dev, arena: dev.NewArena("generators")}
	for _, g := range []struct {
		name string
		into **Network
	}{{name, &t.there}, {other, &t.back}} {
		spec, err := c.Config.GeneratorSpec(g.name)
		if err != nil {
			return nil, err
		}
		*g.into = NewGenerator(g.name, spec)
		(*g.into).Params.reserve(t.arena, false)
	}
	if err := t.arena.Allocate(); err != nil {
		return nil, err
	}
	for _, g := range []*Network{t.there, t.back} {
		if err := g.Params.uploadWeights(dev, c.Nets[g.Params.Net].Weights); err != nil {
			t.Close()
			return nil, err
		}
	}
	return t, nil
}

// Close frees the device memory.
func (t *Cycle) Close() {
	if t.program != nil {
		t.program.Free()
	}
	t.arena.Free()
}

// Run returns the translation of a picture, padded and cropped back as Translate does, and its reconstruction. The second
// generator takes the first one's numbers, not the translation in 8 bits; where the program for both needs more memory than there
// is, it takes them in 16 bits.
func (t *Cycle) Run(x *data.Image) (fake, rec *data.Image, err error) {
	padded := t.there.fit(x)
	if err := t.prepare(shape{padded.H, padded.W, x.Bits}); err != nil {
		return nil, nil, err
	}
	if t.program != nil {
		fake, rec, err = t.run(padded)
	} else {
		fake, rec, err = t.inTurn(padded)
	}
	for _, y := range []**data.Image{&fake, &rec} {
		if err == nil {
			*y, err = (*y).Crop(0, 0, x.W, x.H)
		}
	}
	return fake, rec, err
}

// run runs the program.
func (t *Cycle) run(x *data.Image) (fake, rec *data.Image, err error) {
	s, err := t.program.Acquire()
	if err != nil {
		return nil, nil, err
	}
	copy(s.Bytes(t.in), x.Pix)
	if err := t.program.Submit(s); err != nil {
		return nil, nil, err
	}
	if err := t.program.Wait(s); err != nil {
		return nil, nil, err
	}
	picture := func(channels int, from *vk.Mem) *data.Image {
		y := data.Format{C: channels, Bits: x.Bits}.NewImage(x.W, x.H)
		copy(y.Pix, s.Bytes(from))
		return y
	}
	return picture(t.there.Out, t.fake), picture(t.back.Out, t.rec), nil
}

// inTurn runs the generators one after the other, in tiles where that is needed. 16 bits hold 8 bits exactly, and truncate to
// what 8 bits would have been.
func (t *Cycle) inTurn(x *data.Image) (fake, rec *data.Image, err error) {
	translate := func(gen *Network, x *data.Image) (*data.Image, error) {
		one := &Translator{MaxMemory: t.MaxMemory, Progress: t.Progress, Eval: t.Eval, dev: t.dev, gen: gen}
		defer one.freeProgram()
		return one.Translate(x)
	}
	if fake, err = translate(t.there, x.Convert(data.Format{Bits: 16})); err != nil {
		return nil, nil, err
	}
	if rec, err = translate(t.back, fake); err != nil {
		return nil, nil, err
	}
	return fake.Convert(data.Format{Bits: x.Bits}), rec.Convert(data.Format{Bits: x.Bits}), nil
}

// prepare builds the program for a padded picture.
func (t *Cycle) prepare(of shape) error {
	if t.shape == of {
		return nil
	}
	if t.program != nil {
		t.program.Free()
	}
	t.program, t.shape = nil, shape{}
	p := t.dev.NewProgram(fmt.Sprintf("there and back %dx%d", of.w, of.h))
	picture := func(name string, channels int) *vk.Mem {
		return p.Host(name, kernels.PixelBytes(1, of.h, of.w, channels, of.bits))
	}
	t.in, t.fake, t.rec = picture("picture", t.there.In), picture("fake", t.there.Out), picture("rec", t.back.Out)
	x := kernels.NewTensor(p, "picture", 1, of.h, of.w, t.there.In)
	kernels.Upload(p, t.in.All(), of.bits, x)
	y := t.there.Forward(p, x, Pass{Eval: t.Eval}).Y
	kernels.Quantise(p, y, t.fake.All(), of.bits)
	kernels.Quantise(p, t.back.Forward(p, y, Pass{Eval: t.Eval}).Y, t.rec.All(), of.bits)
	switch err := buildWithin(p, room(t.dev, t.MaxMemory)); {
	case err == nil:
		t.program = p
	case !tooLarge(err):
		return err
	}
	t.shape = of
	return nil
}
