// How tensors are held: as fp32, or as 16 bits for half the memory and half the traffic. Kernels compute in fp32 either way: see
// shaders/inc/real.glsl.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"cyclevk/vk"
)

// Element is the type of a tensor's elements. The value of those of 16 bits is the specialisation constant that
// shaders/inc/real.glsl switches on.
type Element uint32

// The types of elements. Each is stored to the nearest, ties to even.
const (
	Float32  Element = iota
	Float16          // IEEE 754 binary16: 11 bits of precision, up to 65504
	BFloat16         // the upper half of an fp32: 8 bits of precision, fp32's range
)

var elements = [...]string{Float32: "fp32", Float16: "fp16", BFloat16: "bf16"}

func (e Element) String() string { return elements[e] }

// ParseElement is String's inverse.
func ParseElement(name string) (Element, error) {
	if e := slices.Index(elements[:], name); e >= 0 {
		return Element(e), nil
	}
	return 0, fmt.Errorf("precision %q: use one of %q", name, elements)
}

// Size is the bytes of an element.
func (e Element) Size() int {
	if e == Float32 {
		return 4
	}
	return 2
}

// Bytes is the size of a tensor of a shape.
func (e Element) Bytes(n, h, w, c int) int { return e.Size() * n * h * w * Stride(c) }

// unit is the unit roundoff.
func (e Element) unit() float64 {
	switch e {
	case Float16:
		return 0x1p-11
	case BFloat16:
		return 0x1p-8
	}
	return U
}

// Half is x as 16 bits of a type.
func (e Element) Half(x float32) uint16 {
	b := math.Float32bits(x)
	switch magnitude := b &^ (1 << 31); {
	case magnitude > 0x7f800000: // a NaN stays one
		if e == BFloat16 {
			return uint16(b>>16 | 0x40)
		}
		return uint16(b>>16&0x8000 | 0x7e00)
	case e == BFloat16:
		return uint16((b + 0x7fff + b>>16&1) >> 16)
	case magnitude >= 0x477ff000: // 65520
		return uint16(b>>16&0x8000 | 0x7c00)
	case magnitude < 0x38800000: // 2^-14: the numbers below are multiples of 2^-24
		return uint16(b>>16&0x8000) | uint16(math.RoundToEven(math.Ldexp(float64(math.Float32frombits(magnitude)), 24)))
	default:
		return uint16(b>>16&0x8000 | (magnitude-112<<23+0xfff+magnitude>>13&1)>>13)
	}
}

// Single is Half's inverse.
func (e Element) Single(h uint16) float32 {
	bits := uint32(h)
	if e == BFloat16 {
		return math.Float32frombits(bits << 16)
	}
	sign, magnitude := bits&0x8000<<16, bits&0x7fff
	switch {
	case magnitude >= 0x7c00: // infinities and NaNs
		return math.Float32frombits(sign | magnitude<<13 | 0x7f800000)
	case magnitude < 0x400:
		return float32(math.Copysign(math.Ldexp(float64(magnitude), -24), float64(int32(sign)|1)))
	}
	return math.Float32frombits(sign | magnitude<<13 + 112<<23)
}

// Encode is values as the device holds them.
func (e Element) Encode(values []float32) []byte {
	b := make([]byte, 0, e.Size()*len(values))
	for _, v := range values {
		if e == Float32 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		} else {
			b = binary.LittleEndian.AppendUint16(b, e.Half(v))
		}
	}
	return b
}

// Decode is Encode's inverse.
func (e Element) Decode(b []byte) []float32 {
	values := make([]float32, len(b)/e.Size())
	for i := range values {
		if e == Float32 {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		} else {
			values[i] = e.Single(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
	return values
}

// sameElements makes the program fail where the tensors of a call hold elements of different types.
func sameElements(p *vk.Program, call string, tensors ...Tensor) bool {
	for _, t := range tensors[1:] {
		if t.Element != tensors[0].Element {
			p.Fail(fmt.Errorf("%s: %s is %s and %s is %s: use one type", call, tensors[0], tensors[0].Element, t, t.Element))
			return false
		}
	}
	return true
}

// launchAs appends a dispatch of a shader in its variant for a type of elements.
func launchAs(p *vk.Program, e Element, l vk.Launch, shader string, args ...vk.Range) {
	if e != Float32 {
		shader += "_half"
		with := func(spec []uint32) []uint32 { return append(slices.Clone(spec), uint32(e)) }
		l.Spec = with(l.Spec)
		for i, v := range l.Variants {
			l.Variants[i].Spec = with(v.Spec)
		}
	}
	launch(p, l, shader, args...)
}
