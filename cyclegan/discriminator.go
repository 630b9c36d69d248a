// The PatchGAN discriminator (Isola et al. 2017): a logit for every overlapping patch.

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// DiscriminatorSpec is the shape of a PatchGAN.
type DiscriminatorSpec struct {
	In     int // channels of the pictures
	NDF    int // channels after the first convolution
	Layers int // stride-2 layers: 3 sees patches of 70x70 pixels
}

// Discriminator maps pictures [N,H,W,In] to logits [N,H',W',1].
//
//	conv 4x4 stride 2 → NDF, LeakyReLU; Layers-1 times conv 4x4 stride 2, norm, LeakyReLU, doubling to at most 8 NDF;
//	conv 4x4 stride 1, norm, LeakyReLU; conv 4x4 stride 1 → 1
type Discriminator struct {
	Spec   DiscriminatorSpec
	Params *Params

	layers []*layer
}

// NewDiscriminator lays out a discriminator; name is "D_A" or "D_B".
func NewDiscriminator(name string, s DiscriminatorSpec) *Discriminator {
	d := &Discriminator{Spec: s, Params: &Params{Net: name}}
	key, in := 0, s.In
	add := func(out, stride int, norm bool, act kernels.Activation) {
		c := kernels.Conv{In: in, Out: out, Kernel: 4, Stride: stride, Pad: 1}
		l := &layer{conv: c, out: out, norm: norm, act: act, params: d.Params}
		l.w, l.b = d.Params.addConv(fmt.Sprintf("model.%d", key), []int{out, in, 4, 4}, out, c, true, norm)
		d.layers = append(d.layers, l)
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
	return d
}

// MinSize is the smallest side of a picture that leaves at least one logit.
func (d *Discriminator) MinSize() int {
	n := 1
	for !d.fits(n) {
		n++
	}
	return n
}

// fits: every convolution's padded input holds its kernel, and the last norm has more than one value to look at.
func (d *Discriminator) fits(n int) bool {
	for _, l := range d.layers {
		if n+2 < 4 || l.norm && l.conv.OutSize(n) < 2 {
			return false
		}
		n = l.conv.OutSize(n)
	}
	return n >= 1
}

// Forward appends the judgement of x and returns what a backward pass needs; the logits are the last tape's y.
func (d *Discriminator) Forward(p *vk.Program, x kernels.Tensor) []tape {
	var t []tape
	for _, l := range d.layers {
		s := l.forward(p, x, kernels.Tensor{})
		t, x = append(t, s), s.y
	}
	return t
}

// logits is the result of a forward pass.
func logits(t []tape) kernels.Tensor { return t[len(t)-1].y }

// Backward appends Forward's reverse: from dy, the gradient of the logits, to the gradients of the weights and, where dx has
// memory, to that of the pictures, which is added to dx where addTo is set.
func (d *Discriminator) Backward(p *vk.Program, t []tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	for i := len(d.layers) - 1; i >= 0; i-- {
		l, s := d.layers[i], t[i]
		if i == 0 {
			l.backward(p, s, dy, dx, addTo, weights)
			return
		}
		g := s.x.Like(p, l.w.Name+" dx")
		l.backward(p, s, dy, g, false, weights)
		dy = g
	}
}
