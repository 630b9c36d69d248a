// Conversions to fp32, held against arithmetic that goes the other way.

package safetensors

import (
	"encoding/binary"
	"math"
	"testing"
)

// Every half is the value that its bits stand for: (-1)^s 2^(e-15) (1 + f/1024), or 2^-14 f/1024 where e is 0.
func TestHalvesAreExact(t *testing.T) {
	for h := range 1 << 16 {
		tensor := Tensor{DType: "F16", Data: binary.LittleEndian.AppendUint16(nil, uint16(h))}
		v, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		s, e, f := h>>15, h>>10&31, float64(h&1023)/1024
		want := math.Pow(2, float64(e-15)) * (1 + f)
		switch {
		case e == 0:
			want = math.Pow(2, -14) * f
		case e == 31 && f == 0:
			want = math.Inf(1)
		case e == 31:
			want = math.NaN()
		}
		if s == 1 {
			want = -want
		}
		if got := float64(v[0]); got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (s == 1) {
			t.Fatalf("half %#04x is %g, want %g", h, v[0], want)
		}
	}
}

func TestOtherTypesToFloat32(t *testing.T) {
	le := binary.LittleEndian
	for _, x := range []float32{0, 1, -2.5, 3e38, 1e-40, float32(math.Inf(-1))} {
		bits := math.Float32bits(x)
		for dtype, c := range map[string]struct {
			data []byte
			want float32
		}{
			"F32":  {le.AppendUint32(nil, bits), x},
			"F64":  {le.AppendUint64(nil, math.Float64bits(float64(x))), x},
			"BF16": {le.AppendUint16(nil, uint16(bits>>16)), math.Float32frombits(bits &^ 0xffff)},
		} {
			tensor := Tensor{DType: dtype, Data: c.data}
			if v, err := tensor.Float32s(); err != nil || v[0] != c.want {
				t.Errorf("%s of %g is %v, %v", dtype, x, v, err)
			}
		}
	}
}
