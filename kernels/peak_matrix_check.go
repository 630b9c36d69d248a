// The reference of the peak of cooperative matrices: its sums, by plain loops.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

// MatrixCheck is the name of the check of PeakMatrix.
const MatrixCheck = "peak matrix"

func init() {
	var cases []Case
	for _, turns := range []int{0, 1, 7} {
		for _, count := range []int{1, 5} {
			for _, sum := range []string{"f32", "f16"} {
				cases = append(cases, Case{
					fmt.Sprintf("%d turns on %d, sums of %s", turns, count, sum),
					func(t *Trial) error { return matrixTrial(t, count, turns, sum) },
				})
			}
		}
	}
	register(Check{Name: MatrixCheck, Shaders: []string{"peak_matrix", "peak_matrix_half"}, Cases: cases, Sized: sized("MATRICES,TURNS", [][]int{{64, 40}},
		func(t *Trial, shader string, v []int) error {
			return matrixTrial(t, v[0], v[1], map[bool]string{true: "f16", false: "f32"}[shader == "peak_matrix_half"])
		})})
}

func matrixTrial(t *Trial, count, turns int, sum string) error {
	info := t.dev.Info
	var others []vk.Matrix
	for _, m := range info.Matrices {
		if m.Sum == sum {
			others = append(others, m)
		}
	}
	info.Matrices = others // MatrixShape would pick sums of fp32 where both are offered
	m, err := MatrixShape(info, Float16)
	if err != nil {
		return err
	}
	u := float64(U)
	if sum == "f16" {
		u = uHalf
	}
	values := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(t.Rand.IntN(129)-64) / 64 // of fp16, so that no way of rounding changes them
		}
		return v
	}
	a, b, start := values(m.M*m.K), values(m.K*m.N), values(count*m.M*m.N)
	left, right := t.Floats("a", len(a), a, false), t.Floats("b", len(b), b, false)
	from, result := t.Floats("start", len(start), start, false), t.Floats("result", len(start), nil, false)
	if err := t.Run(func(p *vk.Program) { PeakMatrix(p, m, left, right, from, result, turns) }); err != nil {
		return err
	}
	const starts = 1 + 2 + 3 + 4
	want := newBounded(len(start))
	for i, s := range start {
		row, column := i/m.N%m.M, i%m.N
		product, magnitude := 0.0, 0.0
		for k := range m.K {
			term := float64(a[row*m.K+k]) * float64(b[k*m.N+column])
			product, magnitude = product+term, magnitude+math.Abs(term)
		}
		// Each of K products a turn rounds a sum that is no larger than all terms together; matrix units may cut where others round.
		steps := float64(turns*m.K + 4)
		magnitude = starts*math.Abs(float64(s)) + matrixChains*float64(turns)*magnitude
		want.set(i, starts*float64(s)+matrixChains*float64(turns)*product, 2*u*steps*magnitude)
	}
	return t.CompareFloats(result, want.want, want.bound)
}
