// The pictures that show how training goes: real, translated, reconstructed and identity, for both domains.

package cyclegan

import (
	"slices"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Preview is one sample by the official names of its pictures, which are RGB whatever the domains' channels are: grey is shown
// as it is, alpha is left out. Where the domains differ in channels there are no identity pictures.
type Preview struct {
	RealA, FakeB, RecA, IdtB *data.Image // idt_B = G_B(real_A): a picture of A should stay as it is
	RealB, FakeA, RecB, IdtA *data.Image
}

// Captions are the official names of Pictures.
func (v *Preview) Captions() []string {
	if v.IdtB == nil {
		return []string{"real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B"}
	}
	return []string{"real_A", "fake_B", "rec_A", "idt_B", "real_B", "fake_A", "rec_B", "idt_A"}
}

// Pictures are those that there are, in the order of Captions.
func (v *Preview) Pictures() []*data.Image {
	all := []*data.Image{v.RealA, v.FakeB, v.RecA, v.IdtB, v.RealB, v.FakeA, v.RecB, v.IdtA}
	return slices.DeleteFunc(all, func(m *data.Image) bool { return m == nil })
}

// preview is the forward program behind it, at a fixed size and batch 1.
type preview struct {
	*vk.Program
	h, w              int
	realA, realB      *shown
	fakeB, recA, idtB *shown
	fakeA, recB, idtA *shown
}

// shown is a picture that a preview hands in or back: samples of [H,W,C].
type shown struct {
	*vk.Mem
	data.Format
}

func (m *Model) newPreview() *preview {
	p, c := m.dev.NewProgram("preview"), &m.Config
	h, w := c.Size()
	picture := func(name string, channels int) *shown {
		return &shown{p.Host(name, kernels.PixelBytes(1, h, w, channels, c.Bits)), data.Format{C: channels, Bits: c.Bits}}
	}
	v := &preview{
		Program: p, h: h, w: w,
		realA: picture("real_A", c.InputNC), fakeB: picture("fake_B", c.OutputNC), recA: picture("rec_A", c.InputNC),
		realB: picture("real_B", c.OutputNC), fakeA: picture("fake_A", c.InputNC), recB: picture("rec_B", c.OutputNC),
	}
	if c.InputNC == c.OutputNC {
		v.idtB, v.idtA = picture("idt_B", c.InputNC), picture("idt_A", c.OutputNC)
	}
	half := func(gen, back *Network, real, fake, rec, idt *shown) {
		x := gen.Params.Element.NewTensor(p, "real", 1, h, w, real.C)
		kernels.Upload(p, real.All(), c.Bits, x)
		f := gen.Forward(p, x, Pass{}).Y
		kernels.Quantise(p, f, fake.All(), c.Bits)
		kernels.Quantise(p, back.Forward(p, f, Pass{}).Y, rec.All(), c.Bits)
		if idt != nil {
			kernels.Quantise(p, back.Forward(p, x, Pass{}).Y, idt.All(), c.Bits)
		}
	}
	half(m.GA, m.GB, v.realA, v.fakeB, v.recA, v.idtB)
	p.Phase() // one half after the other: less memory, and the training step needs more in any case
	half(m.GB, m.GA, v.realB, v.fakeA, v.recB, v.idtA)
	return v
}

func (v *preview) run(a, b []uint8) (*Preview, error) {
	s, err := v.Acquire()
	if err != nil {
		return nil, err
	}
	copy(s.Bytes(v.realA.Mem), a)
	copy(s.Bytes(v.realB.Mem), b)
	if err := v.Submit(s); err != nil {
		return nil, err
	}
	if err := v.Wait(s); err != nil {
		return nil, err
	}
	get := func(m *shown) *data.Image {
		if m == nil {
			return nil
		}
		picture := m.NewImage(v.w, v.h)
		copy(picture.Pix, s.Bytes(m.Mem))
		return picture
	}
	return &Preview{
		RealA: get(v.realA), FakeB: get(v.fakeB), RecA: get(v.recA), IdtB: get(v.idtB),
		RealB: get(v.realB), FakeA: get(v.fakeA), RecB: get(v.recB), IdtA: get(v.idtA),
	}, nil
}
