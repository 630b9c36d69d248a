// What networks are made of beside layers: sums and concatenations with what went in, dropout, enlargement.

package cyclegan

import (
	"cyclevk/kernels"
	"cyclevk/vk"
)

// residual is y = x + last(inner(x)), with no activation after the sum.
type residual struct {
	inner sequence
	last  *layer
}

func (r *residual) forward(p *vk.Program, in *Tape, pass Pass) *Tape {
	x := in.made(p) // what is there need not be normed as it is loaded
	inner := r.inner.forward(p, in, pass)
	last := r.last.forwardAdd(p, inner, x, pass)
	return &Tape{in: in, output: last.output, parts: []*Tape{inner, last}}
}

func (r *residual) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	inner, last := t.parts[0], t.parts[1]
	d := inner.Y.Like(p, inner.Y.Mem.Name+" gradient")
	r.last.backwardBy(p, last, dy, dy.Like(p, r.last.w.Name+" dz"), d, false, weights)
	passOn(p, dy, dx, addTo)
	r.inner.backward(p, inner, d, dx, true, weights) // dx becomes dy + df(x)
}

// passOn makes dx what dy is, or adds dy to it, unless they are one or dx has no memory.
func passOn(p *vk.Program, dy, dx kernels.Tensor, addTo bool) {
	switch {
	case dx.Mem == nil || dx.Range == dy.Range:
	case addTo:
		kernels.AddTo(p, dy, dx)
	default:
		kernels.Copy(p, dy, dx)
	}
}

// skip is y = ReLU(cat(x, inner(x))): a level of a U-Net, with the activation that the way up applies first. x comes activated
// already: the official code's LeakyReLU works in place, so what it joins is not the layer's output but LeakyReLU of it.
type skip struct {
	inner sequence
}

func (s *skip) forward(p *vk.Program, in *Tape, pass Pass) *Tape {
	x, inner := in.made(p), s.inner.forward(p, in, pass)
	y := x.Element.NewTensor(p, x.Mem.Name+" joined", x.N, x.H, x.W, x.C+inner.Y.C)
	kernels.Concat(p, kernels.ReLU, x, inner.made(p), y)
	return &Tape{in: in, output: &output{Y: y}, parts: []*Tape{inner}}
}

func (s *skip) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	inner := t.parts[0]
	d := inner.Y.Like(p, inner.Y.Mem.Name+" gradient")
	kernels.ConcatGrad(p, kernels.ReLU, t.Y, dy, t.x().C, d, false)
	if dx.Mem != nil {
		kernels.ConcatGrad(p, kernels.ReLU, t.Y, dy, 0, dx, addTo)
	}
	s.inner.backward(p, inner, d, dx, true, weights)
}

// dropRate is the official code's probability of dropping an element.
const dropRate = 0.5

// dropout drops elements in training and doubles the others. Its value is its number within the network.
type dropout int

func (d dropout) forward(p *vk.Program, in *Tape, pass Pass) *Tape {
	t := &Tape{in: in, output: in.output, pass: pass}
	if pass.Seed.Mem == nil {
		return t
	}
	x := in.made(p)
	t.output = &output{Y: x.Like(p, x.Mem.Name+" dropped")}
	kernels.Dropout(p, x, t.Y, dropRate, pass.Seed, d.mask(pass), pass.First)
	if in.again != nil {
		t.again = func(p *vk.Program) kernels.Tensor {
			y := in.again(p)
			kernels.Dropout(p, y, y, dropRate, pass.Seed, d.mask(pass), pass.First)
			return y
		}
	}
	return t
}

func (d dropout) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, _ gradMode) {
	if t.pass.Seed.Mem == nil {
		passOn(p, dy, dx, addTo)
		return
	}
	if dx.Mem == nil {
		return
	}
	to := dx
	if addTo && dx.Range != dy.Range {
		to = dx.Like(p, dx.Mem.Name+" part")
	}
	kernels.Dropout(p, dy, to, dropRate, t.pass.Seed, d.mask(t.pass), t.pass.First)
	if to.Range != dx.Range {
		kernels.AddTo(p, to, dx)
	}
}

// mask is the number of the mask that is drawn.
func (d dropout) mask(pass Pass) uint32 { return uint32(pass.Call)<<16 + uint32(d) }

// upsample doubles the sides by repeating pixels.
type upsample struct{}

func (upsample) forward(p *vk.Program, in *Tape, _ Pass) *Tape {
	x := in.made(p)
	t := &Tape{in: in, output: &output{Y: x.Element.NewTensor(p, x.Mem.Name+" enlarged", x.N, 2*x.H, 2*x.W, x.C)}}
	kernels.Upsample(p, x, t.Y)
	t.again = func(p *vk.Program) kernels.Tensor {
		y := t.Y.Like(p, t.Y.Mem.Name+" again")
		kernels.Upsample(p, in.remade(p), y)
		return y
	}
	return t
}

func (upsample) backward(p *vk.Program, _ *Tape, dy, dx kernels.Tensor, addTo bool, _ gradMode) {
	if dx.Mem != nil {
		kernels.UpsampleGrad(p, dy, dx, addTo)
	}
}
