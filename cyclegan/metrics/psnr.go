// Package metrics scores translations where the truth is known, and compares sets of
// pictures where it is not. It only computes; it reads and prints nothing.
//
// This file measures the distance of a picture to its truth.
package metrics

import (
	"fmt"
	"math"

	"cyclevk/cyclegan/data"
)

// PSNR returns the peak signal-to-noise ratio of two pictures of one size in dB,
// 10 log10(255^2 / MSE) with the mean over all samples of the three channels; +Inf where
// they are equal.
func PSNR(a, b *data.Image) (float64, error) {
	if err := sameSize(a, b); err != nil {
		return 0, err
	}
	var sum int64
	for i, v := range a.Pix {
		d := int64(v) - int64(b.Pix[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix))/float64(sum)), nil
}

// MeanPSNR returns the mean over pairs of pictures of each pair's PSNR, in dB.
func MeanPSNR(as, bs []*data.Image) (float64, error) {
	if err := pairs(as, bs); err != nil {
		return 0, err
	}
	sum := 0.0
	for i, a := range as {
		v, err := PSNR(a, bs[i])
		if err != nil {
			return 0, fmt.Errorf("pair %d: %w", i, err)
		}
		sum += v
	}
	return sum / float64(len(as)), nil
}

func sameSize(a, b *data.Image) error {
	if a.W != b.W || a.H != b.H {
		return fmt.Errorf("metrics: pictures of %dx%d and %dx%d cannot be compared: scale one", a.W, a.H, b.W, b.H)
	}
	if len(a.Pix) == 0 {
		return fmt.Errorf("metrics: a picture of %dx%d has no pixels", a.W, a.H)
	}
	return nil
}

func pairs(as, bs []*data.Image) error {
	if len(as) != len(bs) || len(as) == 0 {
		return fmt.Errorf("metrics: %d and %d pictures do not make pairs", len(as), len(bs))
	}
	return nil
}
