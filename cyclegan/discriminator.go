// The discriminators: PatchGAN, a logit for every overlapping patch, and one that judges each pixel alone (Isola et al. 2017).

package cyclegan

import "cyclevk/kernels"

// DiscriminatorSpec is the shape of a discriminator.
type DiscriminatorSpec struct {
	In     int    // channels of the pictures
	NDF    int    // channels after the first convolution
	Layers int    // stride-2 layers of a PatchGAN: 3 sees patches of 70x70 pixels; 0 is the pixel discriminator
	Norm   string // NormInstance, which is the default, NormBatch or NormNone
}

// NewDiscriminator lays out a discriminator; name is "D_A" or "D_B".
func NewDiscriminator(name string, s DiscriminatorSpec) *Network {
	d := &Network{Params: &Params{Net: name}, In: s.In, Out: 1, Multiple: 1}
	b := newBuilder(d.Params, s.Norm)
	if s.Layers == 0 {
		d.body = b.pixel(s)
	} else {
		d.body = b.patch(s)
	}
	for d.Least = 1; !d.body.fits(d.Least); d.Least++ {
	}
	return d
}

// patch is
//
//	conv 4x4 stride 2 → NDF, LeakyReLU; Layers-1 times conv 4x4 stride 2, norm, LeakyReLU, doubling to at most 8 NDF;
//	conv 4x4 stride 1, norm, LeakyReLU; conv 4x4 stride 1 → 1
func (b *builder) patch(s DiscriminatorSpec) (body sequence) {
	key, in := 0, s.In
	add := func(out, stride int, normed bool, act kernels.Activation) {
		c := kernels.Conv{In: in, Out: out, Kernel: 4, Stride: stride, Pad: 1}
		body = append(body, b.layer("model.", key, c, normed, act, !normed))
		in = out
		key += 2 // a convolution and its activation, and a norm between them
		if normed {
			key++
		}
	}
	add(s.NDF, 2, false, kernels.LeakyReLU)
	for n := 1; n < s.Layers; n++ {
		add(s.NDF*min(1<<n, 8), 2, true, kernels.LeakyReLU)
	}
	add(s.NDF*min(1<<s.Layers, 8), 1, true, kernels.LeakyReLU)
	add(1, 1, false, kernels.None)
	return body
}

// pixel is conv 1x1 → NDF, LeakyReLU; conv 1x1 → 2 NDF, norm, LeakyReLU; conv 1x1 → 1
func (b *builder) pixel(s DiscriminatorSpec) sequence {
	conv := func(in, out int) kernels.Conv { return kernels.Conv{In: in, Out: out, Kernel: 1, Stride: 1} }
	return sequence{
		b.layer("net.", 0, conv(s.In, s.NDF), false, kernels.LeakyReLU, true),
		b.layer("net.", 2, conv(s.NDF, 2*s.NDF), true, kernels.LeakyReLU, false),
		b.layer("net.", 5, conv(2*s.NDF, 1), false, kernels.None, false),
	}
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
