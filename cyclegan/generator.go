// The ResNet generator (Johnson et al. 2016, as the official CycleGAN has it).

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// GeneratorSpec is the shape of a ResNet generator.
type GeneratorSpec struct {
	In, Out int // channels of the pictures
	NGF     int // channels after the first convolution
	Blocks  int // residual blocks
}

// Generator maps pictures [N,H,W,In] in [-1,1] to pictures [N,H,W,Out]; H and W are multiples of 4.
//
//	conv 7x7 reflect 3 → NGF; conv 3x3 stride 2 → 2 NGF → 4 NGF; Blocks residual blocks;
//	transposed conv 3x3 stride 2 → 2 NGF → NGF; conv 7x7 reflect 3 → Out, tanh
type Generator struct {
	Spec   GeneratorSpec
	Params *Params

	head, tail []*layer // before and after the residual blocks
	blocks     [][2]*layer
}

// NewGenerator lays out a generator; name is "G_A" or "G_B".
func NewGenerator(name string, s GeneratorSpec) *Generator {
	g := &Generator{Spec: s, Params: &Params{Net: name}}
	key := 0
	// Keys follow the official Sequential, in which padding, norm and activation take numbers too.
	conv := func(name string, c kernels.Conv, norm bool, act kernels.Activation) *layer {
		l := &layer{conv: c, out: c.Out, norm: norm, act: act, params: g.Params}
		l.w, l.b = g.Params.addConv(name, []int{c.Out, c.In, c.Kernel, c.Kernel}, c.Out, c, true, norm)
		return l
	}
	model := func(skip int) string { key += skip; return fmt.Sprintf("model.%d", key) }

	n := s.NGF
	g.head = []*layer{
		conv(model(1), kernels.Conv{In: s.In, Out: n, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}, true, kernels.ReLU),
		conv(model(3), kernels.Conv{In: n, Out: 2 * n, Kernel: 3, Stride: 2, Pad: 1}, true, kernels.ReLU),
		conv(model(3), kernels.Conv{In: 2 * n, Out: 4 * n, Kernel: 3, Stride: 2, Pad: 1}, true, kernels.ReLU),
	}
	model(2)
	for range s.Blocks {
		c := kernels.Conv{In: 4 * n, Out: 4 * n, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
		m := model(1)
		g.blocks = append(g.blocks, [2]*layer{
			conv(m+".conv_block.1", c, true, kernels.ReLU),
			conv(m+".conv_block.5", c, true, kernels.None),
		})
	}
	model(1)
	for i := range 2 {
		c := kernels.ConvTranspose{In: 4 * n >> i, Out: 2 * n >> i, Kernel: 3, Stride: 2, Pad: 1, OutPad: 1}
		l := &layer{conv: c, out: c.Out, norm: true, act: kernels.ReLU, params: g.Params}
		l.w, l.b = g.Params.addConv(model(3*i), []int{c.In, c.Out, 3, 3}, c.Out, c, true, true)
		g.tail = append(g.tail, l)
	}
	g.tail = append(g.tail, conv(model(4), kernels.Conv{In: n, Out: s.Out, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}, false, kernels.Tanh))
	return g
}

// generatorTape is what one forward pass leaves for its backward.
type generatorTape struct {
	head, tail []tape
	blocks     [][2]tape
	y          kernels.Tensor // the translated pictures
}

// Forward appends the translation of x to a program and returns it with what a backward pass needs.
func (g *Generator) Forward(p *vk.Program, x kernels.Tensor) *generatorTape {
	t := &generatorTape{}
	for _, l := range g.head {
		s := l.forward(p, x, kernels.Tensor{})
		t.head, x = append(t.head, s), s.y
	}
	for _, b := range g.blocks {
		s0 := b[0].forward(p, x, kernels.Tensor{})
		s1 := b[1].forward(p, s0.y, x) // x + f(x), no activation after the sum
		t.blocks, x = append(t.blocks, [2]tape{s0, s1}), s1.y
	}
	for _, l := range g.tail {
		s := l.forward(p, x, kernels.Tensor{})
		t.tail, x = append(t.tail, s), s.y
	}
	t.y = x
	return t
}

// Backward appends Forward's reverse: from dy, the gradient of the translated pictures, to the gradients of the weights and,
// where dx has memory, of the input. dy keeps its values.
func (g *Generator) Backward(p *vk.Program, t *generatorTape, dy, dx kernels.Tensor, weights gradMode) {
	for i := len(g.tail) - 1; i >= 0; i-- {
		l, s := g.tail[i], t.tail[i]
		d := s.x.Like(p, l.w.Name+" dx")
		l.backward(p, s, dy, d, false, weights)
		dy = d
	}
	for i := len(g.blocks) - 1; i >= 0; i-- {
		b, s := g.blocks[i], t.blocks[i]
		d := s[1].x.Like(p, b[1].w.Name+" dx")
		b[1].backward(p, s[1], dy, d, false, weights)
		b[0].backward(p, s[0], d, dy, true, weights) // dy becomes dy + df(x)
	}
	for i := len(g.head) - 1; i >= 0; i-- {
		l, s := g.head[i], t.head[i]
		d := dx
		if i > 0 {
			d = s.x.Like(p, l.w.Name+" dx")
		}
		l.backward(p, s, dy, d, false, weights)
		dy = d
	}
}
