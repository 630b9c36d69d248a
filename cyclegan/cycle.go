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

	Eval bool // see [Translator]

	// The program for the last shape.
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
// generator takes the first one's numbers, not the translation in 8 bits.
func (t *Cycle) Run(x *data.Image) (fake, rec *data.Image, err error) {
	padded := t.there.fit(x)
	if err := t.prepare(shape{padded.H, padded.W, x.Bits}); err != nil {
		return nil, nil, err
	}
	s, err := t.program.Acquire()
	if err != nil {
		return nil, nil, err
	}
	copy(s.Bytes(t.in), padded.Pix)
	if err := t.program.Submit(s); err != nil {
		return nil, nil, err
	}
	if err := t.program.Wait(s); err != nil {
		return nil, nil, err
	}
	for _, out := range []struct {
		from *vk.Mem
		c    int
		into **data.Image
	}{{t.fake, t.there.Out, &fake}, {t.rec, t.back.Out, &rec}} {
		y := data.Format{C: out.c, Bits: x.Bits}.NewImage(padded.W, padded.H)
		copy(y.Pix, s.Bytes(out.from))
		if *out.into, err = y.Crop(0, 0, x.W, x.H); err != nil {
			return nil, nil, err
		}
	}
	return fake, rec, nil
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
	if err := p.Build(); err != nil {
		return err
	}
	t.program, t.shape = p, of
	return nil
}
