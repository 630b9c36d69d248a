// Which of a device's cooperative matrices kernels multiply.

package kernels

import (
	"errors"
	"strings"
	"testing"

	"cyclevk/vk"
)

func TestMatrixShape(t *testing.T) {
	shape := func(m, n, k int, factors, sum string) vk.Matrix {
		return vk.Matrix{M: m, N: n, K: k, A: factors, B: factors, C: sum, Sum: sum, Subgroup: true}
	}
	workgroup, mixed := shape(64, 64, 64, "f16", "f32"), shape(16, 16, 16, "f16", "f32")
	workgroup.Subgroup, mixed.C = false, "f16"
	offered := vk.Features{CooperativeMatrix: true, Float16: true}
	for name, c := range map[string]struct {
		features vk.Features
		shapes   []vk.Matrix
		want     string // or in the error
	}{
		"fp32 sums first":     {offered, []vk.Matrix{shape(16, 16, 16, "f16", "f16"), shape(8, 8, 8, "f16", "f32")}, "8x8x8 f16*f16+f32=f32"},
		"the largest":         {offered, []vk.Matrix{shape(16, 8, 8, "f16", "f32"), shape(16, 8, 16, "f16", "f32"), shape(8, 8, 16, "f16", "f32")}, "16x8x16 f16*f16+f32=f32"},
		"fp16 sums":           {offered, []vk.Matrix{shape(16, 16, 16, "u8", "u32"), shape(8, 8, 4, "f16", "f16")}, "8x8x4 f16*f16+f16=f16"},
		"of subgroups":        {offered, []vk.Matrix{workgroup, shape(8, 8, 8, "f16", "f32")}, "8x8x8 f16*f16+f32=f32"},
		"of one type of sums": {offered, []vk.Matrix{mixed, shape(8, 8, 8, "f16", "f32")}, "8x8x8 f16*f16+f32=f32"},
		"integers alone":      {offered, []vk.Matrix{shape(16, 16, 16, "i8", "i32")}, "matrices of fp16"},
		"no fp16":             {vk.Features{CooperativeMatrix: true}, []vk.Matrix{shape(8, 8, 8, "f16", "f32")}, "matrices of fp16"},
		"none":                {vk.Features{Float16: true}, nil, "VK_KHR_cooperative_matrix, not a feature of the device: card"},
	} {
		m, err := MatrixShape(vk.DeviceInfo{Name: "card", Features: c.features, Matrices: c.shapes}, Float16)
		if err != nil && (!errors.Is(err, vk.ErrUnsupported) || !strings.Contains(err.Error(), c.want)) || err == nil && m.String() != c.want {
			t.Errorf("%s: %s, %v, want %q", name, m, err, c.want)
		}
	}
}
