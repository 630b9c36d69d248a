// What a module makes, and the forms in which others take it: there in memory, still to be normed by the convolution that loads it, or made a
// second time for backward.

package cyclegan

import (
	"cyclevk/kernels"
	"cyclevk/vk"
)

// output is y = f(x), [N,H',W',Out].
type output struct {
	Y kernels.Tensor // to be read by way of made, since until then it may be a shape and no more

	// make appends what makes Y: a layer's norm waits with it until somebody needs Y. nil where it is made.
	make func(p *vk.Program)
	// pending stands for Y where a convolution can norm z as it loads it; without memory elsewhere.
	pending kernels.Normed
	// again appends what makes Y of the rest of the tape once more, to the bit, so that Y itself need not be kept for backward; nil
	// where it is kept.
	again func(p *vk.Program) kernels.Tensor
}

// given is what a network gets.
func given(x kernels.Tensor) *Tape { return &Tape{output: &output{Y: x}} }

// made is Y, with its numbers.
func (o *output) made(p *vk.Program) kernels.Tensor {
	if o.make != nil {
		o.make(p)
		o.make = nil
	}
	return o.Y
}

// source is Y for a convolution to y, in forward: as it is, where it has been made.
func (o *output) source(p *vk.Program, c convolution, y kernels.Tensor) kernels.Source {
	if o.make != nil && o.fuses(p, c, y) {
		return o.pending
	}
	return o.made(p)
}

// fuses says whether a convolution to y norms what is pending.
func (o *output) fuses(p *vk.Program, c convolution, y kernels.Tensor) bool {
	return o.pending.Mem != nil && c.Fuses(p, o.pending.Tensor, y)
}

// kept is Y for a convolution's weight gradient, in backward.
func (o *output) kept(p *vk.Program, c convolution, y kernels.Tensor) kernels.Source {
	if o.again != nil && o.fuses(p, c, y) {
		return o.pending
	}
	return o.remade(p)
}

// remade is Y in backward.
func (o *output) remade(p *vk.Program) kernels.Tensor {
	if o.again == nil {
		return o.Y
	}
	defer p.Late()()
	return o.again(p)
}
