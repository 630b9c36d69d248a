// Parameters: the weights of one network, their gradients and Adam's moments, on the device and as PyTorch names them.

package cyclegan

import (
	"fmt"
	"math/rand/v2"
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

// Params are the parameters of one network in one buffer each: the weights, and for training the gradients and Adam's first
// and second moments, all laid out alike.
type Params struct {
	Net  string // "G_A", "G_B", "D_A" or "D_B"
	List []*Param

	Weights, Grads, M, V *vk.Mem

	bytes int
}

// add appends a parameter that takes a number of floats on the device.
func (ps *Params) add(p *Param) *Param {
	p.offset = ps.bytes
	ps.bytes += (4*p.floats + vk.Alignment - 1) &^ (vk.Alignment - 1)
	ps.List = append(ps.List, p)
	return p
}

// addConv declares a convolution's weight and, where it has one, its bias.
func (ps *Params) addConv(name string, shape []int, channels int, c convolution, bias, inert bool) (w, b *Param) {
	w = ps.add(&Param{Name: name + ".weight", Shape: shape, floats: c.WeightLen(), pack: c.Pack, unpack: c.Unpack})
	if bias {
		b = ps.add(&Param{
			Name: name + ".bias", Shape: []int{channels}, Inert: inert, floats: kernels.Stride(channels),
			pack: func(v []float32) []float32 {
				return append(slices.Clone(v), make([]float32, kernels.Stride(channels)-channels)...)
			},
			unpack: func(v []float32) []float32 { return slices.Clone(v[:channels]) },
		})
	}
	return w, b
}

// reserve declares the buffers in an arena.
func (ps *Params) reserve(a *vk.Arena, training bool) {
	ps.Weights = a.Reserve(ps.Net+" weights", ps.bytes)
	if training {
		ps.Grads = a.Reserve(ps.Net+" gradients", ps.bytes)
		ps.M = a.Reserve(ps.Net+" Adam m", ps.bytes)
		ps.V = a.Reserve(ps.Net+" Adam v", ps.bytes)
	}
}

// in is a parameter's part of one of the buffers.
func (p *Param) in(m *vk.Mem) vk.Range { return m.Slice(p.offset, 4*p.floats) }

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

// InitState draws weights from N(0, gain) and sets biases to zero, as the official code does by default. Each tensor has a
// random stream of its own, keyed by the seed, the network and its place.
func (ps *Params) InitState(seed uint64, gain float64) State {
	s := State{}
	for i, p := range ps.List {
		v := make([]float32, p.Len())
		if len(p.Shape) > 1 {
			r := rand.New(rand.NewPCG(seed, streamKey(ps.Net, i)))
			for j := range v {
				v[j] = float32(gain * r.NormFloat64())
			}
		}
		s[p.Name] = v
	}
	return s
}

// streamKey is a stable number for a name and an index (FNV-1a).
func streamKey(name string, i int) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for j := range len(name) {
		h = (h ^ uint64(name[j])) * prime
	}
	for range 8 {
		h = (h ^ uint64(i&0xff)) * prime
		i >>= 8
	}
	return h
}

// upload writes a state into one of the buffers. Every tensor must be there with its exact length.
func (ps *Params) upload(dev *vk.Device, m *vk.Mem, s State) error {
	image := make([]float32, ps.bytes/4)
	for _, p := range ps.List {
		v, ok := s[p.Name]
		if !ok || len(v) != p.Len() {
			return fmt.Errorf("%s: tensor %s has %d values, the network needs %v", ps.Net, p.Name, len(v), p.Shape)
		}
		copy(image[p.offset/4:], p.pack(v))
	}
	return dev.Write(m.All(), floatBytes(image))
}

// read copies one of the buffers from the device.
func (ps *Params) read(dev *vk.Device, m *vk.Mem) ([]byte, error) {
	raw := make([]byte, ps.bytes)
	return raw, dev.Read(m.All(), raw)
}

// unpack turns the bytes of one of the buffers into a state.
func (ps *Params) unpack(raw []byte) State {
	image := bytesFloats(raw)
	s := State{}
	for _, p := range ps.List {
		s[p.Name] = p.unpack(image[p.offset/4 : p.offset/4+p.floats])
	}
	return s
}
