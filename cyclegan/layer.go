// The building block of all networks: convolution, norm where there is one, activation.

package cyclegan

import (
	"cyclevk/kernels"
	"cyclevk/vk"
)

// normEps is the epsilon of PyTorch's InstanceNorm2d.
const normEps = 1e-5

// convolution is what kernels.Conv and kernels.ConvTranspose have in common.
type convolution interface {
	OutSize(n int) int
	WeightLen() int
	Pack([]float32) []float32
	Unpack([]float32) []float32
	Forward(p *vk.Program, x kernels.Tensor, w, bias vk.Range, y kernels.Tensor, act kernels.Activation)
	DataGrad(p *vk.Program, dy kernels.Tensor, w vk.Range, dx kernels.Tensor, accumulate bool)
	WeightGrad(p *vk.Program, x, dy kernels.Tensor, dw vk.Range, accumulate bool)
}

// layer is y = act(norm(conv(x))), with a bias where no norm follows.
type layer struct {
	conv   convolution
	out    int // channels
	norm   bool
	act    kernels.Activation
	params *Params
	w, b   *Param
}

func (l *layer) forward(p *vk.Program, x kernels.Tensor, pass Pass) *Tape {
	return l.forwardAdd(p, x, kernels.Tensor{}, pass)
}

// forwardAdd is forward with a residual tensor, where it has memory, that is added after the norm.
func (l *layer) forwardAdd(p *vk.Program, x, residual kernels.Tensor, _ Pass) *Tape {
	t := &Tape{x: x, Y: kernels.NewTensor(p, l.w.Name+" y", x.N, l.conv.OutSize(x.H), l.conv.OutSize(x.W), l.out)}
	w := l.w.in(l.params.Weights)
	if !l.norm {
		l.conv.Forward(p, x, w, l.b.in(l.params.Weights), t.Y, l.act)
		return t
	}
	t.z = t.Y.Like(p, l.w.Name+" z")
	n := l.normalisation()
	t.stats = p.Temp(l.w.Name+" stats", 4*n.StatsLen(t.z)).All()
	l.conv.Forward(p, x, w, vk.Range{}, t.z, kernels.None)
	n.Stats(p, t.z, t.stats)
	n.Forward(p, t.z, t.stats, vk.Range{}, residual, t.Y)
	return t
}

func (l *layer) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	dz := dy
	switch {
	case l.norm:
		dz = dy.Like(p, l.w.Name+" dz")
		l.normalisation().Backward(p, t.z, t.stats, vk.Range{}, dy, dz, vk.Range{}, false)
	case l.act != kernels.None:
		dz = dy.Like(p, l.w.Name+" dz")
		kernels.ActGrad(p, l.act, t.Y, dy, dz)
	}
	if weights != frozen {
		l.conv.WeightGrad(p, t.x, dz, l.w.in(l.params.Grads), weights == accumulate)
		if !l.norm {
			kernels.BiasGrad(p, dz, l.b.in(l.params.Grads), weights == accumulate)
		}
	}
	if dx.Mem != nil {
		l.conv.DataGrad(p, dz, l.w.in(l.params.Weights), dx, addTo)
	}
}

func (l *layer) normalisation() kernels.Norm {
	return kernels.Norm{ImagesPerGroup: 1, Eps: normEps, Act: l.act}
}
