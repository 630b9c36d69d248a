// The values of tensors as fp32, from every floating type that weights are saved in.

package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Float32s are the values of a tensor of a floating type: F32 as they are, F16 and BF16 exactly, F64 rounded to nearest.
func (t *Tensor) Float32s() ([]float32, error) {
	var value func(b []byte) float32
	switch t.DType {
	case "F32":
		value = func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case "F64":
		value = func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	case "F16":
		value = func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }
	case "BF16":
		value = func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }
	default:
		return nil, fmt.Errorf("tensor %s is %s: only F32, F64, F16 and BF16 are read as float32", t.Name, t.DType)
	}
	size := sizes[t.DType]
	out := make([]float32, len(t.Data)/size)
	for i := range out {
		out[i] = value(t.Data[i*size:])
	}
	return out, nil
}

// half is the value of an IEEE 754 binary16: a sign, 5 bits of exponent biased by 15, 10 bits of fraction.
func half(h uint16) float32 {
	exponent, fraction := int(h>>10&0x1f), uint32(h&0x3ff)
	var magnitude float32
	switch exponent {
	case 0: // subnormal
		magnitude = float32(math.Ldexp(float64(fraction), -24))
	case 31: // infinity or NaN, which keeps its payload
		magnitude = math.Float32frombits(0xff<<23 | fraction<<13)
	default:
		magnitude = float32(math.Ldexp(float64(1<<10|fraction), exponent-25))
	}
	return math.Float32frombits(math.Float32bits(magnitude) | uint32(h>>15)<<31)
}
