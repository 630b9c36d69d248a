// The generators: ResNet (Johnson et al. 2016) and U-Net (Ronneberger et al. 2015), as the official CycleGAN has them.

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
)

// The ways in which a ResNet generator enlarges.
const (
	UpsampleTransposed = "transposed" // the official one
	UpsampleResize     = "resize"
)

// GeneratorSpec is the shape of a generator: a ResNet, or a U-Net where Downs is not 0.
type GeneratorSpec struct {
	In, Out  int    // channels of the pictures
	NGF      int    // channels after the first convolution
	Blocks   int    // a ResNet's residual blocks
	Downs    int    // a U-Net's levels, from 5: unet_256 has 8, so that 256 pixels become one
	Norm     string // NormInstance, which is the default, NormBatch or NormNone
	Dropout  bool   // in training, of rate 0.5: in the residual blocks, or a U-Net's Downs-5 middle levels
	Upsample string // of a ResNet: UpsampleTransposed, which is the default, or UpsampleResize
	Winograd bool   // convolutions run by F(4,3) where that is faster: see [kernels.Winograd]
}

// reversed is the generator of the other direction.
func (s GeneratorSpec) reversed() GeneratorSpec {
	s.In, s.Out = s.Out, s.In
	return s
}

// Sizes: sides of pictures are multiples of multiple, and at least least pixels. A ResNet halves them twice, and a quarter has to
// reflect by one pixel. A U-Net halves them at each level, and what it joins on the way up has to be as large as on the way down.
func (s GeneratorSpec) Sizes() (multiple, least int) {
	if s.Downs > 0 {
		return 1 << s.Downs, 1 << s.Downs
	}
	return 4, 8
}

// NewGenerator lays out a generator; name is "G_A" or "G_B".
func NewGenerator(name string, s GeneratorSpec) *Network {
	g := &Network{Params: &Params{Net: name}, In: s.In, Out: s.Out}
	g.Multiple, g.Least = s.Sizes()
	b := newBuilder(g.Params, s.Norm)
	b.winograd = s.Winograd
	if s.Downs > 0 {
		g.body = b.unet(s, 0, "model.model.")
	} else {
		g.body = b.resnet(s)
	}
	g.dropouts = b.dropouts
	return g
}

// resnet is
//
//	conv 7x7 reflect 3 → NGF; conv 3x3 stride 2 → 2 NGF → 4 NGF; Blocks residual blocks;
//	transposed conv 3x3 stride 2 → 2 NGF → NGF; conv 7x7 reflect 3 → Out, tanh
//
// The first five are normed. With UpsampleResize each transposed convolution is enlargement by 2, nearest neighbour, and a
// convolution 3x3 reflect 1 (Odena et al. 2016, "Deconvolution and checkerboard artifacts"): every pixel has as many taps as its
// neighbours, where those of a transposed convolution have 1, 2, 2 and 4, which shows as a checkerboard.
func (b *builder) resnet(s GeneratorSpec) sequence {
	n, key := s.NGF, 0
	// next is the place of a module in the official Sequential, where padding, norm and activation have places too.
	next := func(skip int) int { key += skip; return key }
	conv := func(skip int, c kernels.Conv) module {
		return b.layer("model.", next(skip), c, true, kernels.ReLU, false)
	}
	body := sequence{
		conv(1, kernels.Conv{In: s.In, Out: n, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}),
		conv(3, kernels.Conv{In: n, Out: 2 * n, Kernel: 3, Stride: 2, Pad: 1}),
		conv(3, kernels.Conv{In: 2 * n, Out: 4 * n, Kernel: 3, Stride: 2, Pad: 1}),
	}
	next(2)
	for range s.Blocks {
		c := kernels.Conv{In: 4 * n, Out: 4 * n, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
		prefix, second := fmt.Sprintf("model.%d.conv_block.", next(1)), 5
		r := &residual{inner: sequence{b.layer(prefix, 1, c, true, kernels.ReLU, false)}}
		if s.Dropout {
			r.inner, second = append(r.inner, b.dropout()), 6
		}
		r.last = b.layer(prefix, second, c, true, kernels.None, false)
		body = append(body, r)
	}
	next(-2)
	for i := range 2 {
		in, out := 4*n>>i, 2*n>>i
		if s.Upsample == UpsampleResize {
			c := kernels.Conv{In: in, Out: out, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
			body = append(body, upsample{}, conv(5, c))
			continue
		}
		c := kernels.ConvTranspose{In: in, Out: out, Kernel: 3, Stride: 2, Pad: 1, OutPad: 1}
		body = append(body, b.layer("model.", next(3), c, true, kernels.ReLU, false))
	}
	last := kernels.Conv{In: n, Out: s.Out, Kernel: 7, Stride: 1, Pad: 3, Reflect: true}
	return append(body, b.layer("model.", next(4), last, false, kernels.Tanh, true))
}

// unet is a U-Net from a level down, 0 being the outermost: conv 4x4 stride 2, the deeper levels, transposed conv 4x4 stride 2.
// Channels double from NGF to at most 8 NGF. All is normed but the outermost level and the innermost way down.
func (b *builder) unet(s GeneratorSpec, level int, prefix string) sequence {
	outer, inner := s.NGF*min(1<<max(level-1, 0), 8), s.NGF*min(1<<level, 8) // channels outside and inside of the level
	down := kernels.Conv{In: outer, Out: inner, Kernel: 4, Stride: 2, Pad: 1}
	up := kernels.ConvTranspose{In: 2 * inner, Out: outer, Kernel: 4, Stride: 2, Pad: 1}
	// A level's Sequential is [LeakyReLU,] conv, [norm,] [deeper level,] ReLU, transposed conv, norm [, dropout] in the official
	// code. A layer here applies the activation with which the next module begins there, and skip that after a join.
	switch level {
	case 0:
		down.In, up.Out = s.In, s.Out
		first := b.layer(prefix, 0, down, false, kernels.LeakyReLU, false)
		deeper := &skip{b.unet(s, 1, prefix+"1.model.")}
		return sequence{first, deeper, b.layer(prefix, 3, up, false, kernels.Tanh, true)}
	case s.Downs - 1:
		up.In = inner
		first := b.layer(prefix, 1, down, false, kernels.ReLU, false)
		return sequence{first, b.layer(prefix, 3, up, true, kernels.None, false)}
	}
	first := b.layer(prefix, 1, down, true, kernels.LeakyReLU, false)
	deeper := &skip{b.unet(s, level+1, prefix+"3.model.")}
	body := sequence{first, deeper, b.layer(prefix, 5, up, true, kernels.None, false)}
	if s.Dropout && level >= 4 {
		body = append(body, b.dropout())
	}
	return body
}
