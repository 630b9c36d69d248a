// The pictures that show how training goes: real, translated, reconstructed and identity, for both domains.

package cyclegan

import (
	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Preview is one sample by the official names of its pictures.
type Preview struct {
	RealA, FakeB, RecA, IdtB *data.Image // idt_B = G_B(real_A): a picture of A should stay as it is
	RealB, FakeA, RecB, IdtA *data.Image
}

// preview is the forward program behind it, at a fixed size and batch 1.
type preview struct {
	*vk.Program
	size              int
	realA, realB      *vk.Mem
	fakeB, recA, idtB *vk.Mem
	fakeA, recB, idtA *vk.Mem
}

func (m *Model) newPreview() *preview {
	p, size := m.dev.NewProgram("preview"), m.Config.CropSize
	picture := func(name string) *vk.Mem { return p.Host(name, kernels.PixelBytes(1, size, size, 3)) }
	v := &preview{
		Program: p, size: size,
		realA: picture("real_A"), fakeB: picture("fake_B"), recA: picture("rec_A"), idtB: picture("idt_B"),
		realB: picture("real_B"), fakeA: picture("fake_A"), recB: picture("rec_B"), idtA: picture("idt_A"),
	}
	half := func(gen, back *Network, real, fake, rec, idt *vk.Mem) {
		x := kernels.NewTensor(p, "real", 1, size, size, 3)
		kernels.Upload(p, real.All(), x)
		f := gen.Forward(p, x, Pass{}).Y
		kernels.Quantise(p, f, fake.All())
		kernels.Quantise(p, back.Forward(p, f, Pass{}).Y, rec.All())
		kernels.Quantise(p, back.Forward(p, x, Pass{}).Y, idt.All())
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
	copy(s.Bytes(v.realA), a)
	copy(s.Bytes(v.realB), b)
	if err := v.Submit(s); err != nil {
		return nil, err
	}
	if err := v.Wait(s); err != nil {
		return nil, err
	}
	get := func(m *vk.Mem) *data.Image {
		return &data.Image{W: v.size, H: v.size, Pix: append([]uint8(nil), s.Bytes(m)[:v.size*v.size*3]...)}
	}
	return &Preview{
		RealA: get(v.realA), FakeB: get(v.fakeB), RecA: get(v.recA), IdtB: get(v.idtB),
		RealB: get(v.realB), FakeA: get(v.fakeA), RecB: get(v.recB), IdtA: get(v.idtA),
	}, nil
}
