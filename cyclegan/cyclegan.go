// Package cyclegan is CycleGAN (Zhu, Park, Isola, Efros, ICCV 2017, arXiv 1703.10593) with the numbers of the official
// PyTorch implementation: two generators, two discriminators, their losses and the training step, as programs of kernels.
//
// Names follow the official code: G_A translates A to B, G_B translates B to A, D_A judges pictures of B, D_B those of A.
package cyclegan

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// Loss is one loss of a step by its official name, such as "cycle_A".
type Loss struct {
	Name  string
	Value float32
}

// Losses are the losses of one step in the order in which they are logged, with their weights, so that the generators' total
// is the sum of G, cycle and idt.
type Losses []Loss

// Generators is the total that the generators minimise.
func (l Losses) Generators() (total float64) {
	for _, x := range l {
		if !x.OfDiscriminator() {
			total += float64(x.Value)
		}
	}
	return total
}

// OfDiscriminator tells whether a discriminator minimises this loss, and not the generators.
func (l Loss) OfDiscriminator() bool { return strings.HasPrefix(l.Name, "D_") }

func floatBytes(v []float32) []byte {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}

func bytesFloats(b []byte) []float32 { return appendFloats(nil, b) }

func appendFloats(v []float32, b []byte) []float32 {
	n := len(v)
	v = slices.Grow(v, len(b)/4)[:n+len(b)/4]
	for i := range v[n:] {
		v[n+i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}
