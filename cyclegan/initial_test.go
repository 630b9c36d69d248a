// First weights: the moments of each distribution, and orthogonality where it is promised.

package cyclegan

import (
	"math"
	"strings"
	"testing"
)

func TestFirstWeights(t *testing.T) {
	n := NewGenerator("G_A", GeneratorSpec{In: 3, Out: 3, NGF: 8, Blocks: 1, Norm: NormBatch})
	const gain = 0.3
	for _, kind := range []string{InitNormal, InitXavier, InitKaiming, InitOrthogonal} {
		s, again, other := n.Params.InitState(1, kind, gain), n.Params.InitState(1, kind, gain), n.Params.InitState(2, kind, gain)
		for _, p := range n.Params.List {
			v := float64s(s[p.Name])
			for i := range v {
				if s[p.Name][i] != again[p.Name][i] {
					t.Fatalf("%s %s: the same seed gave other numbers", kind, p.Name)
				}
			}
			mean, sigma := 0.0, 0.0
			k := 1
			if len(p.Shape) == 4 {
				k = p.Shape[2] * p.Shape[3]
			}
			switch {
			case strings.HasSuffix(p.Name, ".bias"):
			case len(p.Shape) == 1: // gamma
				mean, sigma = 1, gain
			case kind == InitNormal:
				sigma = gain
			case kind == InitXavier:
				sigma = gain * math.Sqrt(2/float64((p.Shape[0]+p.Shape[1])*k))
			case kind == InitKaiming:
				sigma = math.Sqrt(2 / float64(p.Shape[1]*k))
			default: // each value of a matrix with orthonormal rows
				sigma = gain / math.Sqrt(float64(max(p.Shape[0], len(v)/p.Shape[0])))
			}
			sum, square := 0.0, 0.0
			for _, x := range v {
				sum += x - mean
				square += (x - mean) * (x - mean)
			}
			count := float64(len(v))
			if d := math.Abs(sum / count); !(d <= 5*sigma/math.Sqrt(count)) {
				t.Errorf("%s %s: the mean is off by %g (σ %g of %g values)", kind, p.Name, d, sigma, count)
			}
			if d := math.Abs(math.Sqrt(square/count) - sigma); !(d <= 5*sigma/math.Sqrt(2*count)) {
				t.Errorf("%s %s: σ %g, want %g", kind, p.Name, math.Sqrt(square/count), sigma)
			}
			if sigma > 0 && s[p.Name][0] == other[p.Name][0] {
				t.Errorf("%s %s: another seed gave the same number", kind, p.Name)
			}
			if kind == InitOrthogonal && len(p.Shape) == 4 {
				orthonormal(t, p, v, gain)
			}
		}
		for _, p := range n.Params.Tracked {
			for _, x := range s[p.Name] {
				if want := strings.HasSuffix(p.Name, "running_var"); (x == 1) != want || (x == 0) == want {
					t.Errorf("%s starts at %g", p.Name, x)
				}
			}
		}
	}
}

// orthonormal holds the shorter side's vectors of a matrix [shape[0], the rest] against gain² times the unit matrix.
func orthonormal(t *testing.T, p *Param, v []float64, gain float64) {
	rows := p.Shape[0]
	columns := len(v) / rows
	at, count, length := func(i, j int) float64 { return v[i*columns+j] }, rows, columns
	if rows > columns {
		at, count, length = func(i, j int) float64 { return v[j*columns+i] }, columns, rows
	}
	for i := range count {
		for k := range i + 1 {
			sum, want := 0.0, 0.0
			for j := range length {
				sum += at(i, j) * at(k, j)
			}
			if i == k {
				want = gain * gain
			}
			if math.Abs(sum-want) > 1e-6*gain*gain {
				t.Fatalf("%s: vectors %d and %d have the product %g, want %g", p.Name, i, k, sum, want)
			}
		}
	}
}
