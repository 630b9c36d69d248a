// The peak of cooperative matrices: multiplications of small matrices by whole subgroups, as fast as the device can.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// matrixChains is how many sums a subgroup of shaders/peak_matrix.comp works on at once.
const matrixChains = 4

// componentOf names types of elements as vk.Matrix does.
var componentOf = [...]string{Float32: "f32", Float16: "f16", BFloat16: "bf16"}

// multiplies reports whether a device's shaders may have matrices of a type of 16 bits.
func multiplies(d vk.DeviceInfo, e Element) bool {
	return e == Float16 && d.Features.Float16 || e == BFloat16 && d.Features.BFloat16Matrix
}

// MatrixShape picks the cooperative matrices of a device that kernels multiply: of fp16 or bf16, held by a subgroup, added up in fp32 where
// that is offered, or else in their own type; of such shapes the largest. The error wraps vk.ErrUnsupported where there are none.
func MatrixShape(d vk.DeviceInfo, e Element) (best vk.Matrix, err error) {
	if !d.Features.CooperativeMatrix {
		return best, fmt.Errorf("VK_KHR_cooperative_matrix, %w: %s", vk.ErrUnsupported, d.Name)
	}
	rank := func(m vk.Matrix) int {
		size := m.M * m.N * m.K
		if m.Sum == "f32" {
			return size << 32
		}
		return size
	}
	of := componentOf[e]
	for _, m := range d.Matrices {
		usable := m.A == of && m.B == of && m.C == m.Sum && (m.Sum == "f32" || m.Sum == of)
		if usable && m.Subgroup && multiplies(d, e) && rank(m) > rank(best) {
			best = m
		}
	}
	if best.M == 0 {
		return best, fmt.Errorf("matrices of %s, %w: %s has %v", e, vk.ErrUnsupported, d.Name, d.Matrices)
	}
	return best, nil
}

// PeakMatrix appends turns of multiplications on each matrix of start: s[k] = (k+1) start, for k = 0 to 3, becomes a b + s[k] once a
// turn, and result is the sum of the four. a is [M, K], b [K, N], start and result are [n, M, N], all fp32: the products are of fp16,
// the sums of m.Sum. m is a shape that MatrixShape has picked. Launch.Work counts two operations for each product.
func PeakMatrix(p *vk.Program, m vk.Matrix, a, b, start, result vk.Range, turns int) {
	size := m.M * m.N
	count := result.Bytes / (4 * size)
	if a.Bytes != 4*m.M*m.K || b.Bytes != 4*m.K*m.N || start.Bytes != result.Bytes || result.Bytes != 4*size*count {
		p.Fail(fmt.Errorf("peak of matrices %s: %d and %d bytes of factors, %d of sums, %d of results", m, a.Bytes, b.Bytes, start.Bytes, result.Bytes))
		return
	}
	shader := "peak_matrix"
	if m.Sum == "f16" {
		shader = "peak_matrix_half"
	}
	launch(p, vk.Launch{
		Spec: []uint32{uint32(p.Device().Info.Limits.SubgroupSize), uint32(m.M), uint32(m.N), uint32(m.K)},
		Push: struct{ Turns uint32 }{uint32(turns)}, Groups: [3]int{count}, Work: 2 * int64(size) * int64(m.K) * matrixChains * int64(count) * int64(turns),
	}, shader, a, b, start, result)
}
