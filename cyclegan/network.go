// A network: modules in a row, their parameters, and what pictures they take. generator.go and discriminator.go lay out the
// official ones; here is what they share.

package cyclegan

import (
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Network maps pictures [N,H,W,In] in [-1,1] to pictures [N,H,W,Out], or to logits [N,H',W',1] where it is a discriminator.
type Network struct {
	Params *Params
	In     int // channels
	Out    int
	// Pictures have sides that are multiples of Multiple and at least Least pixels long.
	Multiple, Least int

	body sequence
}

// Pass is what a forward pass needs to know beside its input.
type Pass struct {
	// Images is how many pictures a call of the official code holds: a pass may hold those of several, one after the other.
	// 0 stands for all.
	Images int
}

// module is a part of a network: a *layer, a *residual or a sequence. Whoever needs to know what a network computes
// walks its body by a type switch over these.
type module interface {
	// forward appends y = f(x) and returns what a backward pass needs.
	forward(p *vk.Program, x kernels.Tensor, pass Pass) *Tape
	// backward appends forward's reverse: from dy, the gradient of y, to the gradients of the weights and, where dx has memory,
	// to that of x, which is added to dx where addTo is set. dy keeps its values, unless dx is dy: only a *residual allows that.
	backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode)
}

// Tape is what a module's forward leaves for its backward: x is [N,H,W,In]; Y, and z before a layer's norm, are [N,H',W',Out].
type Tape struct {
	Y     kernels.Tensor
	x, z  kernels.Tensor
	stats vk.Range
	parts []*Tape // of the modules inside
}

// gradMode says what a backward pass does with the gradients of the weights.
type gradMode int

const (
	frozen     gradMode = iota // leaves them alone
	overwrite                  // sets them
	accumulate                 // adds to them
)

// Forward appends the network's pass over x to a program. The result is the tape's Y; with the rest Backward goes the way back.
func (n *Network) Forward(p *vk.Program, x kernels.Tensor, pass Pass) *Tape {
	if pass.Images == 0 {
		pass.Images = x.N
	}
	return n.body.forward(p, x, pass)
}

// Backward appends Forward's reverse: from dy, the gradient of Y, to the gradients of the weights and, where dx has memory, to
// that of the pictures, which is added to dx where addTo is set. dy keeps its values.
func (n *Network) Backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	n.body.backward(p, t, dy, dx, addTo, weights)
}

// sequence is modules one after the other.
type sequence []module

func (s sequence) forward(p *vk.Program, x kernels.Tensor, pass Pass) *Tape {
	t := &Tape{x: x, Y: x}
	for _, m := range s {
		part := m.forward(p, t.Y, pass)
		t.parts, t.Y = append(t.parts, part), part.Y
	}
	return t
}

func (s sequence) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	for i := len(s) - 1; i >= 0; i-- {
		d, add := dx, addTo
		if i > 0 {
			d, add = t.parts[i].x, false
			if _, ok := s[i].(*residual); ok && i < len(s)-1 {
				d = dy // ours by then
			} else {
				d = d.Like(p, d.Mem.Name+" gradient")
			}
		}
		s[i].backward(p, t.parts[i], dy, d, add, weights)
		dy = d
	}
}

// residual is y = x + last(inner(x)), with no activation after the sum.
type residual struct {
	inner sequence
	last  *layer
}

func (r *residual) forward(p *vk.Program, x kernels.Tensor, pass Pass) *Tape {
	inner := r.inner.forward(p, x, pass)
	last := r.last.forwardAdd(p, inner.Y, x, pass)
	return &Tape{x: x, Y: last.Y, parts: []*Tape{inner, last}}
}

func (r *residual) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	inner, last := t.parts[0], t.parts[1]
	d := last.x.Like(p, last.x.Mem.Name+" gradient")
	r.last.backward(p, last, dy, d, false, weights)
	if dx.Mem != nil && dx.Range != dy.Range { // else dx holds dy already
		if addTo {
			kernels.AddTo(p, dy, dx)
		} else {
			kernels.Copy(p, dy, dx)
		}
	}
	r.inner.backward(p, inner, d, dx, true, weights)
}
