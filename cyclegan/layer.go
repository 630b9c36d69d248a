// The building block of all networks: convolution, norm where there is one, activation. And how they are laid out.

package cyclegan

import (
	"cmp"
	"fmt"
	"strings"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// The norms by their official option values.
const (
	NormInstance = "instance"
	NormBatch    = "batch"
	NormNone     = "none"
)

// PyTorch's defaults of both norms, and of batch norm.
const (
	normEps       = 1e-5
	batchMomentum = 0.1
)

// convolution is what kernels.Conv and kernels.ConvTranspose have in common.
type convolution interface {
	OutSize(n int) int
	WeightLen() int
	Pack([]float32) []float32
	Unpack([]float32) []float32
	Fuses(p *vk.Program, x, y kernels.Tensor) bool
	Forward(p *vk.Program, x kernels.Source, w, bias vk.Range, y kernels.Tensor, act kernels.Activation)
	ForwardStats(p *vk.Program, x kernels.Source, w, bias vk.Range, z kernels.Tensor, n kernels.Norm, stats vk.Range)
	DataGrad(p *vk.Program, dy kernels.Tensor, w vk.Range, dx kernels.Tensor, accumulate bool)
	WeightGrad(p *vk.Program, x kernels.Source, dy kernels.Tensor, dw vk.Range, accumulate bool)
}

// layer is y = act(norm(conv(x))).
type layer struct {
	conv   convolution
	out    int // channels
	norm   bool
	batch  *batchNorm // where the norm is one; else it is an instance norm
	act    kernels.Activation
	params *Params
	w      *Param
	b      *Param // nil where there is none; inert before an instance norm
}

// batchNorm is the parameters of one: gamma with beta behind it, and the running mean with the variance behind it.
type batchNorm struct{ affine, running *Param }

// builder lays out the layers of one network, in the order of PyTorch's state dict.
type builder struct {
	params   *Params
	norm     string
	dropouts int
	winograd bool // see GeneratorSpec
}

// newBuilder is one for a network with a norm, instance norm where it is empty.
func newBuilder(params *Params, norm string) *builder {
	return &builder{params: params, norm: cmp.Or(norm, NormInstance)}
}

// layer lays out a convolution under the key prefix + index. Where it is normed, the norm that the network has follows it,
// under the next number. The official bias rule: a convolution has a bias in networks with instance norm, or if it always has one.
func (b *builder) layer(prefix string, index int, c convolution, normed bool, act kernels.Activation, alwaysBias bool) *layer {
	l := &layer{conv: c, norm: normed && b.norm != NormNone, act: act, params: b.params}
	var shape []int
	switch c := c.(type) {
	case kernels.Conv:
		l.out, shape = c.Out, []int{c.Out, c.In, c.Kernel, c.Kernel}
		if b.winograd {
			l.conv = kernels.Winograd{Conv: c}
		}
	case kernels.ConvTranspose:
		l.out, shape = c.Out, []int{c.In, c.Out, c.Kernel, c.Kernel}
	}
	bias := alwaysBias || b.norm == NormInstance
	l.w, l.b = b.params.addConv(fmt.Sprint(prefix, index), shape, l.out, c, bias, l.norm && b.norm == NormInstance)
	if l.norm && b.norm == NormBatch {
		l.batch = b.params.addNorm(fmt.Sprint(prefix, index+1), l.out)
	}
	return l
}

// dropout lays out the next one.
func (b *builder) dropout() dropout {
	b.dropouts++
	return dropout(b.dropouts - 1)
}

func (l *layer) forward(p *vk.Program, in *Tape, pass Pass) *Tape {
	return l.forwardAdd(p, in, kernels.Tensor{}, pass)
}

// forwardAdd is forward with a residual tensor, where it has memory, that is added at the end.
func (l *layer) forwardAdd(p *vk.Program, in *Tape, residual kernels.Tensor, pass Pass) *Tape {
	defer within(p, l.name()+" forward")()
	x := in.Y
	y := x.Element.NewTensor(p, l.w.Name+" y", x.N, l.conv.OutSize(x.H), l.conv.OutSize(x.W), l.out)
	t := &Tape{in: in, output: &output{Y: y}, pass: pass}
	from, w, bias := in.source(p, l.conv, y), l.params.as(x.Element, l.w), vk.Range{}
	if l.b != nil && !l.b.Inert {
		bias = l.b.in(l.params.Weights)
	}
	if !l.norm {
		l.conv.Forward(p, from, w, bias, t.Y, l.act)
		if residual.Mem != nil {
			kernels.AddTo(p, residual, t.Y)
		}
		return t
	}
	t.z = t.Y.Like(p, l.w.Name+" z")
	n := l.normalisation(t)
	t.stats = p.Temp(l.w.Name+" stats", 4*n.StatsLen(t.z)).All()
	if pass.Eval && l.batch != nil {
		l.conv.Forward(p, from, w, bias, t.z, kernels.None)
		n.EvalStats(p, t.z, l.batch.running.pairIn(l.params.Running), t.stats)
	} else {
		l.conv.ForwardStats(p, from, w, bias, t.z, n, t.stats)
	}
	apply := func(p *vk.Program, pass string, y kernels.Tensor) kernels.Tensor {
		defer within(p, l.name()+pass)()
		n.Forward(p, t.z, t.stats, l.affine(l.params.Weights), residual, y)
		return y
	}
	if residual.Mem != nil {
		apply(p, " forward", y)
		return t
	}
	t.make = func(p *vk.Program) { apply(p, " forward", y) }
	t.again = func(p *vk.Program) kernels.Tensor { return apply(p, " forward again", y.Like(p, l.w.Name+" y again")) }
	if l.batch == nil {
		t.pending = kernels.Normed{Tensor: t.z, Stats: t.stats, Act: l.act}
	}
	return t
}

func (l *layer) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	l.backwardBy(p, t, dy, dy, dx, addTo, weights)
}

// backwardBy is backward by way of dz, the gradient before norm and activation. It may be dy, which is lost then.
func (l *layer) backwardBy(p *vk.Program, t *Tape, dy, dz, dx kernels.Tensor, addTo bool, weights gradMode) {
	defer within(p, l.name()+" backward")()
	switch {
	case l.norm:
		var daffine vk.Range
		if weights != frozen {
			daffine = l.affine(l.params.Grads)
		}
		l.normalisation(t).Backward(p, t.z, t.stats, l.affine(l.params.Weights), dy, dz, daffine, weights == accumulate)
	case l.act != kernels.None:
		kernels.ActGrad(p, l.act, t.Y, dy, dz)
	default:
		dz = dy
	}
	if weights != frozen {
		p.Layer = l.name() + " weight gradient"
		l.conv.WeightGrad(p, t.in.kept(p, l.conv, dz), dz, l.w.in(l.params.Grads), weights == accumulate)
		if l.b != nil && !l.b.Inert {
			kernels.BiasGrad(p, dz, l.b.in(l.params.Grads), weights == accumulate)
		}
	}
	if dx.Mem != nil {
		p.Layer = l.name() + " data gradient"
		l.conv.DataGrad(p, dz, l.params.as(dz.Element, l.w), dx, addTo)
	}
}

// name is the layer's, by the keys of checkpoints: "G_A.model.10.conv_block.1".
func (l *layer) name() string { return l.params.Net + "." + strings.TrimSuffix(l.w.Name, ".weight") }

// within tells profiles what is appended until leave is called.
func within(p *vk.Program, layer string) (leave func()) {
	before := p.Layer
	p.Layer = layer
	return func() { p.Layer = before }
}

// normalisation is the kernels of the layer's norm in a pass.
func (l *layer) normalisation(t *Tape) kernels.Norm {
	n := kernels.Norm{ImagesPerGroup: 1, Eps: normEps, Act: l.act}
	if l.batch != nil {
		n.ImagesPerGroup = t.pass.Images
	}
	return n
}

// affine is gamma and beta in the weights or the gradients; nothing for an instance norm.
func (l *layer) affine(m *vk.Mem) vk.Range {
	if l.batch == nil {
		return vk.Range{}
	}
	return l.batch.affine.pairIn(m)
}
