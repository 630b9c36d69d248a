// The strongest baseline that looks at one pixel at a time and knows the pairs: the best
// affine map of colours. A translation that beats it has used more than colour.

package metrics

import (
	"errors"
	"math"

	"cyclevk/cyclegan/data"
)

// Affine maps a colour (r, g, b) to its rows times (r, g, b, 1), all in 0 to 255.
type Affine [3][4]float64

// FitAffine returns the map with the least squared error from the colours of src to those
// of the same pixels of dst, over all pairs. Colours that src does not hold enough of to
// settle the map (all grey, say) leave it as close to zero slopes as the fit allows.
func FitAffine(src, dst []*data.Image) (Affine, error) {
	if err := pairs(src, dst); err != nil {
		return Affine{}, err
	}
	// Normal equations: gram (4x4) times the map's row = moment, one row a channel.
	var gram, moment [4][4]float64
	count := 0.0
	for i, s := range src {
		if err := sameSize(s, dst[i]); err != nil {
			return Affine{}, err
		}
		for p := 0; p < len(s.Pix); p += 3 {
			x := [4]float64{float64(s.Pix[p]), float64(s.Pix[p+1]), float64(s.Pix[p+2]), 1}
			for j, xj := range x {
				for k, xk := range x {
					gram[j][k] += xj * xk
				}
				for c := range 3 {
					moment[j][c] += xj * float64(dst[i].Pix[p+c])
				}
			}
		}
		count += float64(len(s.Pix) / 3)
	}
	for j := range 3 {
		gram[j][j] += 1e-6 * count // a ridge of a thousandth of a level: settles what is free
	}
	return solve(gram, moment)
}

// solve returns the rows x_c of gram x_c = column c of moment, by elimination with
// pivoting.
func solve(gram, moment [4][4]float64) (Affine, error) {
	for col := range gram {
		pivot := col
		for row := col + 1; row < 4; row++ {
			if math.Abs(gram[row][col]) > math.Abs(gram[pivot][col]) {
				pivot = row
			}
		}
		gram[col], gram[pivot] = gram[pivot], gram[col]
		moment[col], moment[pivot] = moment[pivot], moment[col]
		if gram[col][col] == 0 {
			return Affine{}, errors.New("metrics: the colours do not settle an affine map")
		}
		for row := range gram {
			if row == col {
				continue
			}
			f := gram[row][col] / gram[col][col]
			for k := range 4 {
				gram[row][k] -= f * gram[col][k]
				moment[row][k] -= f * moment[col][k]
			}
		}
	}
	var a Affine
	for c := range a {
		for j := range 4 {
			a[c][j] = moment[j][c] / gram[j][j]
		}
	}
	return a, nil
}

// Apply maps every pixel of a picture, rounded and clamped to 8 bits.
func (a Affine) Apply(m *data.Image) *data.Image {
	out := data.NewImage(m.W, m.H)
	for p := 0; p < len(m.Pix); p += 3 {
		r, g, b := float64(m.Pix[p]), float64(m.Pix[p+1]), float64(m.Pix[p+2])
		for c, row := range a {
			out.Pix[p+c] = uint8(min(max(math.Round(row[0]*r+row[1]*g+row[2]*b+row[3]), 0), 255))
		}
	}
	return out
}
