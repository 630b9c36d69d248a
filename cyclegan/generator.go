// The ResNet generator (Johnson et al. 2016, as the official CycleGAN has it).

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
)

// GeneratorSpec is the shape of a ResNet generator.
type GeneratorSpec struct {
	In, Out int // channels of the pictures
	NGF     int // channels after the first convolution
	Blocks  int // residual blocks
}

// reversed is the generator of the other direction.
func (s GeneratorSpec) reversed() GeneratorSpec {
	s.In, s.Out = s.Out, s.In
	return s
}

// NewGenerator lays out a generator; name is "G_A" or "G_B".
//
//	conv 7x7 reflect 3 → NGF; conv 3x3 stride 2 → 2 NGF → 4 NGF; Blocks residual blocks;
//	transposed conv 3x3 stride 2 → 2 NGF → NGF; conv 7x7 reflect 3 → Out, tanh
func NewGenerator(name string, s GeneratorSpec) *Network {
	g := &Network{Params: &Params{Net: name}, In: s.In, Out: s.Out, Multiple: 4, Least: 8}
	key := 0
	// Keys follow the official Sequential, in which padding, norm and activation take numbers too.
	conv := func(name string, c kernels.Conv, norm bool, act kernels.Activation) *layer {
		l := &layer{conv: c, out: c.Out, norm: norm, act: act, params: g.Params}
		l.w, l.b = g.Params.addConv(name, []int{c.Out, c.In, c.Kernel, c.Kernel}, c.Out, c, true, norm)
		return l
	}
	model := func(skip int) string { key += skip; return fmt.Sprintf("model.%d", key) }

	n := s.NGF
	g.body = sequence{
		conv(model(1), kernels.Conv{In: s.In, Out: n, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}, true, kernels.ReLU),
		conv(model(3), kernels.Conv{In: n, Out: 2 * n, Kernel: 3, Stride: 2, Pad: 1}, true, kernels.ReLU),
		conv(model(3), kernels.Conv{In: 2 * n, Out: 4 * n, Kernel: 3, Stride: 2, Pad: 1}, true, kernels.ReLU),
	}
	model(2)
	for range s.Blocks {
		c := kernels.Conv{In: 4 * n, Out: 4 * n, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
		m := model(1)
		g.body = append(g.body, &residual{
			inner: sequence{conv(m+".conv_block.1", c, true, kernels.ReLU)},
			last:  conv(m+".conv_block.5", c, true, kernels.None),
		})
	}
	model(1)
	for i := range 2 {
		c := kernels.ConvTranspose{In: 4 * n >> i, Out: 2 * n >> i, Kernel: 3, Stride: 2, Pad: 1, OutPad: 1}
		l := &layer{conv: c, out: c.Out, norm: true, act: kernels.ReLU, params: g.Params}
		l.w, l.b = g.Params.addConv(model(3*i), []int{c.In, c.Out, 3, 3}, c.Out, c, true, true)
		g.body = append(g.body, l)
	}
	g.body = append(g.body, conv(model(4), kernels.Conv{In: n, Out: s.Out, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}, false, kernels.Tanh))
	return g
}
