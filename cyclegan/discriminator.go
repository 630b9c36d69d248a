// The PatchGAN discriminator (Isola et al. 2017): a logit for every overlapping patch.

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
)

// DiscriminatorSpec is the shape of a PatchGAN.
type DiscriminatorSpec struct {
	In     int // channels of the pictures
	NDF    int // channels after the first convolution
	Layers int // stride-2 layers: 3 sees patches of 70x70 pixels
}

// NewDiscriminator lays out a discriminator; name is "D_A" or "D_B".
//
//	conv 4x4 stride 2 → NDF, LeakyReLU; Layers-1 times conv 4x4 stride 2, norm, LeakyReLU, doubling to at most 8 NDF;
//	conv 4x4 stride 1, norm, LeakyReLU; conv 4x4 stride 1 → 1
func NewDiscriminator(name string, s DiscriminatorSpec) *Network {
	d := &Network{Params: &Params{Net: name}, In: s.In, Out: 1, Multiple: 1}
	key, in := 0, s.In
	add := func(out, stride int, norm bool, act kernels.Activation) {
		c := kernels.Conv{In: in, Out: out, Kernel: 4, Stride: stride, Pad: 1}
		l := &layer{conv: c, out: out, norm: norm, act: act, params: d.Params}
		l.w, l.b = d.Params.addConv(fmt.Sprintf("model.%d", key), []int{out, in, 4, 4}, out, c, true, norm)
		d.body = append(d.body, l)
		in = out
		key += 2 // a convolution and its activation, and a norm between them
		if norm {
			key++
		}
	}
	add(s.NDF, 2, false, kernels.LeakyReLU)
	for n := 1; n < s.Layers; n++ {
		add(s.NDF*min(1<<n, 8), 2, true, kernels.LeakyReLU)
	}
	add(s.NDF*min(1<<s.Layers, 8), 1, true, kernels.LeakyReLU)
	add(1, 1, false, kernels.None)
	for d.Least = 1; !d.body.fits(d.Least); d.Least++ {
	}
	return d
}

// fits: every convolution of a row of layers finds a place for its kernel on pictures of n x n, and every norm has more than one
// value to look at.
func (s sequence) fits(n int) bool {
	for _, m := range s {
		l := m.(*layer)
		n = l.conv.OutSize(n)
		if n < 1 || l.norm && n < 2 {
			return false
		}
	}
	return true
}
