// The first weights, drawn as the official init_net draws them.

package cyclegan

import (
	"math"
	"math/rand/v2"
	"sync"
)

// The distributions of first weights by their official option values. The gain is init_gain.
const (
	InitNormal     = "normal"     // N(0, gain)
	InitXavier     = "xavier"     // N(0, gain sqrt(2 / (fan_in + fan_out)))
	InitKaiming    = "kaiming"    // N(0, sqrt(2 / fan_in)), whatever the gain
	InitOrthogonal = "orthogonal" // gain times a random matrix with orthonormal rows or columns, [shape[0], the rest]
)

// InitState draws the weights of convolutions from one of the distributions and gamma of batch norms from N(1, gain); biases,
// beta and running means are 0, running variances 1. Fans are PyTorch's: shape[1] k² in, shape[0] k² out, the other way round
// from what they are in a transposed convolution. Each tensor has a random stream of its own, keyed by the seed, the network and its
// place.
func (ps *Params) InitState(seed uint64, kind string, gain float64) State {
	s := State{}
	var draws sync.WaitGroup // orthogonal matrices take long
	for i, p := range ps.List {
		v := make([]float32, p.Len())
		s[p.Name] = v
		draws.Go(func() { p.draw(v, rand.New(rand.NewPCG(seed, streamKey(ps.Net, i))), kind, gain) })
	}
	draws.Wait()
	for _, p := range ps.Tracked {
		s[p.Name] = make([]float32, p.Len())
		p.draw(s[p.Name], nil, kind, gain)
	}
	return s
}

// draw fills in the first values of a tensor.
func (p *Param) draw(v []float32, r *rand.Rand, kind string, gain float64) {
	mean, sigma := 0.0, 0.0
	switch p.kind {
	case gamma:
		mean, sigma = 1, gain
	case one:
		mean = 1
	case convWeight:
		sigma = gain
		fanIn, fanOut := float64(len(v)/p.Shape[0]), float64(len(v)/p.Shape[1])
		switch kind {
		case InitXavier:
			sigma = gain * math.Sqrt(2/(fanIn+fanOut))
		case InitKaiming:
			sigma = math.Sqrt(2 / fanIn)
		case InitOrthogonal:
			orthogonal(v, p.Shape[0], r, gain)
			return
		}
	}
	for i := range v {
		v[i] = float32(mean)
		if sigma > 0 {
			v[i] = float32(mean + sigma*r.NormFloat64())
		}
	}
}

// orthogonal fills a matrix of so many rows with gain times orthonormal rows, or columns where it is taller than wide, every
// such matrix being as likely: Gram and Schmidt's method makes them of normal numbers, which is a QR factorisation with a positive
// diagonal (torch.nn.init.orthogonal_).
func orthogonal(v []float32, rows int, r *rand.Rand, gain float64) {
	columns := len(v) / rows
	count, length := min(rows, columns), max(rows, columns)
	basis := make([][]float64, count)
	for i := range basis {
		b := make([]float64, length)
		for j := range b {
			b[j] = r.NormFloat64()
		}
		for range 2 { // once more for what rounding left
			for _, earlier := range basis[:i] {
				d := dot(b, earlier)
				for j, e := range earlier {
					b[j] -= d * e
				}
			}
		}
		scale := 1 / math.Sqrt(dot(b, b))
		for j := range b {
			b[j] *= scale
		}
		basis[i] = b
	}
	for i := range v {
		row, column := i/columns, i%columns
		if rows > columns {
			row, column = column, row
		}
		v[i] = float32(gain * basis[row][column])
	}
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
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
