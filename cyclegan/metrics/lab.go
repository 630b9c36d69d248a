// Colour as it is seen: the shift of a whole set of pictures towards another is measured
// as the distance of their mean colours in CIE L*a*b*.

package metrics

import (
	"errors"
	"math"

	"cyclevk/cyclegan/data"
)

// Lab converts an sRGB colour (IEC 61966-2-1, white point D65) to CIE 1976 L*a*b*: L from
// 0 to 100, a and b 0 for grey.
func Lab(r, g, b uint8) [3]float64 {
	lr, lg, lb := linear[r], linear[g], linear[b]
	x := (0.4124564*lr + 0.3575761*lg + 0.1804375*lb) / 0.95047
	y := 0.2126729*lr + 0.7151522*lg + 0.0721750*lb
	z := (0.0193339*lr + 0.1191920*lg + 0.9503041*lb) / 1.08883
	fx, fy, fz := labCurve(x), labCurve(y), labCurve(z)
	return [3]float64{116*fy - 16, 500 * (fx - fy), 200 * (fy - fz)}
}

// linear is the light of an 8-bit sRGB sample, 0 to 1.
var linear = func() (table [256]float64) {
	for i := range table {
		v := float64(i) / 255
		if v <= 0.04045 {
			table[i] = v / 12.92
		} else {
			table[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return table
}()

// labCurve is the cube root with a straight foot.
func labCurve(t float64) float64 {
	const delta = 6.0 / 29
	if t > delta*delta*delta {
		return math.Cbrt(t)
	}
	return t/(3*delta*delta) + 4.0/29
}

// MeanLab returns the mean L*a*b* colour over all pixels of a set, each picture with the
// same weight.
func MeanLab(set []*data.Image) ([3]float64, error) {
	var mean [3]float64
	for _, m := range set {
		if len(m.Pix) == 0 {
			return mean, errors.New("metrics: a picture has no pixels")
		}
		for p := 0; p < len(m.Pix); p += 3 {
			for c, v := range Lab(m.Pix[p], m.Pix[p+1], m.Pix[p+2]) {
				mean[c] += v * 3 / float64(len(m.Pix)) / float64(len(set))
			}
		}
	}
	if len(set) == 0 {
		return mean, errors.New("metrics: no pictures to take the mean colour of")
	}
	return mean, nil
}

// DeltaE is the CIE 1976 colour difference: the Euclidean distance of two L*a*b* colours.
// About 2.3 is just noticeable.
func DeltaE(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}
