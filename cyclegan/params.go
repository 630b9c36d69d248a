// Parameters: the weights of one network, their gradients and Adam's moments, on the device and as PyTorch names them.

package cyclegan

import (
	"fmt"
	"slices"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// Param is one weight tensor of a network.
type Param struct {
	Name  string // the key in PyTorch's state dict, such as "model.1.weight"
	Shape []int  // PyTorch's shape

	// Inert marks a bias before an instance norm. The norm takes it away again, so its true gradient is zero: it is neither
	// applied nor trained, and exported as it was.
	Inert bool

	kind           paramKind
	offset, floats int // on the device: bytes into each of Params' buffers, and the packed length
	pack, unpack   func([]float32) []float32
}

// Len is the number of values in PyTorch's shape.
func (p *Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// paramKind says how a tensor starts.
type paramKind int

const (
	convWeight paramKind = iota
	zero                 // biases, batch norm's beta, running means
	gamma                // batch norm's
	one                  // running variances
)

// Params are the tensors of one network. Those that are trained have one buffer each for the weights and, in training, the
// gradients and Adam's first and second moments, all laid out alike. Batch norm's running statistics have one of their own.
type Params struct {
	Net     string          // "G_A", "G_B", "D_A" or "D_B"
	Element kernels.Element // in which the network computes; set before memory is reserved
	List    []*Param        // the trained ones, in PyTorch's order
	Tracked []*Param        // running means and variances, in PyTorch's order

	Weights, Grads, M, V *vk.Mem // of List, fp32
	Half                 *vk.Mem // Weights once more, rounded to Element; nil where that is fp32
	Running              *vk.Mem // of Tracked; nil where there are none

	bytes, runningBytes int
}

// add appends a parameter that takes a number of floats on the device.
func (ps *Params) add(p *Param) *Param {
	p.offset = ps.bytes
	ps.bytes = aligned(p.offset + 4*p.floats)
	ps.List = append(ps.List, p)
	return p
}

// aligned is where the next range may begin, so that it can be bound in the copy of 16 bits, too.
func aligned(bytes int) int { return (bytes + 2*vk.Alignment - 1) &^ (2*vk.Alignment - 1) }

// channelParam describes a tensor of one value a channel, padded on the device.
func channelParam(name string, channels int, kind paramKind) *Param {
	stride := kernels.Stride(channels)
	return &Param{
		Name: name, Shape: []int{channels}, kind: kind, floats: stride,
		pack:   func(v []float32) []float32 { return append(slices.Clone(v), make([]float32, stride-channels)...) },
		unpack: func(v []float32) []float32 { return slices.Clone(v[:channels]) },
	}
}

// addConv declares a convolution's weight and, where it has one, its bias.
func (ps *Params) addConv(name string, shape []int, channels int, c convolution, bias, inert bool) (w, b *Param) {
	w = ps.add(&Param{Name: name + ".weight", Shape: shape, floats: c.WeightLen(), pack: c.Pack, unpack: c.Unpack})
	if bias {
		b = ps.add(channelParam(name+".bias", channels, zero))
		b.Inert = inert
	}
	return w, b
}

// addNorm declares a batch norm's parameters and running statistics, each the two rows that kernels.Norm takes.
func (ps *Params) addNorm(name string, channels int) *batchNorm {
	gamma, beta := channelParam(name+".weight", channels, gamma), channelParam(name+".bias", channels, zero)
	mean, variance := channelParam(name+".running_mean", channels, zero), channelParam(name+".running_var", channels, one)
	gamma.offset, mean.offset = ps.bytes, ps.runningBytes
	beta.offset, variance.offset = gamma.offset+4*gamma.floats, mean.offset+4*mean.floats
	ps.bytes, ps.runningBytes = aligned(beta.offset+4*beta.floats), aligned(variance.offset+4*variance.floats)
	ps.List, ps.Tracked = append(ps.List, gamma, beta), append(ps.Tracked, mean, variance)
	return &batchNorm{gamma, mean}
}

// reserve declares the buffers in an arena.
func (ps *Params) reserve(a *vk.Arena, training bool) {
	ps.Weights = a.Reserve(ps.Net+" weights", ps.bytes)
	if ps.Element != kernels.Float32 {
		ps.Half = a.Reserve(fmt.Sprint(ps.Net, " weights in ", ps.Element), ps.bytes/2)
	}
	if ps.Tracked != nil {
		ps.Running = a.Reserve(ps.Net+" running statistics", ps.runningBytes)
	}
	if training {
		ps.Grads = a.Reserve(ps.Net+" gradients", ps.bytes)
		ps.M = a.Reserve(ps.Net+" Adam m", ps.bytes)
		ps.V = a.Reserve(ps.Net+" Adam v", ps.bytes)
	}
}

// Reserve declares the buffers of a network that is not trained in an arena.
func (ps *Params) Reserve(a *vk.Arena) { ps.reserve(a, false) }

// Narrow appends the rounding of the weights to their copy of 16 bits, for those who change them on the device.
func (ps *Params) Narrow(p *vk.Program) {
	if ps.Half == nil {
		return
	}
	const part = 1 << 26 // bytes that every device binds
	for at := 0; at < ps.bytes; at += part {
		r := ps.Weights.Slice(at, min(part, ps.bytes-at))
		row := kernels.Tensor{Range: r, N: 1, H: 1, W: r.Bytes / 16, C: 4}
		to := row
		to.Range, to.Element = halved(ps.Half, r), ps.Element
		kernels.Convert(p, row, to)
	}
}

// in is a parameter's part of one of the buffers.
func (p *Param) in(m *vk.Mem) vk.Range { return m.Slice(p.offset, 4*p.floats) }

// as is a parameter's weights, as tensors of a type take them.
func (ps *Params) as(e kernels.Element, p *Param) vk.Range {
	if e == kernels.Float32 {
		return p.in(ps.Weights)
	}
	return halved(ps.Half, p.in(ps.Weights))
}

// halved is the part of a copy in 16 bits that a range of fp32 has.
func halved(m *vk.Mem, r vk.Range) vk.Range { return m.Slice(r.Offset/2, r.Bytes/2) }

// pairIn is the two rows that begin with a parameter: gamma and beta, or a running mean and variance.
func (p *Param) pairIn(m *vk.Mem) vk.Range { return m.Slice(p.offset, 8*p.floats) }

// layout is what lies in one of the buffers, and the buffer's size.
func (ps *Params) layout(m *vk.Mem) (list []*Param, bytes int) {
	if m == ps.Running {
		return ps.Tracked, ps.runningBytes
	}
	return ps.List, ps.bytes
}

// Count is the number of parameters, as PyTorch counts them.
func (ps *Params) Count() int {
	n := 0
	for _, p := range ps.List {
		n += p.Len()
	}
	return n
}

// State is a network's tensors by name, unpadded, in PyTorch's shapes and order.
type State map[string][]float32

// uploadWeights writes the weights and the running statistics.
func (ps *Params) uploadWeights(dev *vk.Device, s State) error {
	if ps.Running != nil {
		if err := ps.upload(dev, ps.Running, s); err != nil {
			return err
		}
	}
	return ps.upload(dev, ps.Weights, s)
}

// upload writes a state into one of the buffers.
func (ps *Params) upload(dev *vk.Device, m *vk.Mem, s State) error {
	raw, err := ps.Pack(m, s)
	if err != nil {
		return err
	}
	if m == ps.Weights && ps.Half != nil {
		if err := dev.Write(ps.Half.All(), ps.Element.Encode(bytesFloats(raw))); err != nil {
			return err
		}
	}
	return dev.Write(m.All(), raw)
}

// Pack is what one of the buffers, Weights or Running, holds of a state. Every tensor must be there with its exact length.
func (ps *Params) Pack(m *vk.Mem, s State) ([]byte, error) {
	list, bytes := ps.layout(m)
	image := make([]float32, bytes/4)
	for _, p := range list {
		v, ok := s[p.Name]
		if !ok || len(v) != p.Len() {
			return nil, fmt.Errorf("%s: tensor %s has %d values, the network needs %v", ps.Net, p.Name, len(v), p.Shape)
		}
		copy(image[p.offset/4:], p.pack(v))
	}
	return floatBytes(image), nil
}

// read copies one of the buffers from the device.
func (ps *Params) read(dev *vk.Device, m *vk.Mem) ([]byte, error) {
	_, bytes := ps.layout(m)
	raw := make([]byte, bytes)
	return raw, dev.Read(m.All(), raw)
}

// unpack turns the bytes of a buffer of a list of parameters into a state.
func unpack(list []*Param, raw []byte) State {
	s := State{}
	var image []float32 // of one parameter
	for _, p := range list {
		image = appendFloats(image[:0], raw[p.offset:p.offset+4*p.floats])
		s[p.Name] = p.unpack(image)
	}
	return s
}
