// The scores of the CycleGAN paper's semantic tables (its FCN scores, after Long et al.
// 2015), from a confusion matrix.

package metrics

import "fmt"

// Confusion counts pixels by true and predicted class.
type Confusion struct {
	classes int
	counts  []int64 // classes x classes, a row for each true class
}

// NewConfusion returns an empty matrix for so many classes.
func NewConfusion(classes int) *Confusion {
	return &Confusion{classes, make([]int64, classes*classes)}
}

// Add counts the pixels of one picture: their true and their predicted classes.
func (c *Confusion) Add(truth, predicted []uint8) error {
	if len(truth) != len(predicted) {
		return fmt.Errorf("metrics: %d true and %d predicted classes", len(truth), len(predicted))
	}
	for i, t := range truth {
		if int(t) >= c.classes || int(predicted[i]) >= c.classes {
			return fmt.Errorf("metrics: pixel %d: class %d or %d is not below %d", i, t, predicted[i], c.classes)
		}
	}
	for i, t := range truth {
		c.counts[int(t)*c.classes+int(predicted[i])]++
	}
	return nil
}

// Count returns the pixels of class truth that were predicted to be of class predicted.
func (c *Confusion) Count(truth, predicted int) int64 { return c.counts[truth*c.classes+predicted] }

// Scores are fractions from 0 to 1. With n_ij pixels of class i predicted as j, and t_i
// pixels of class i:
type Scores struct {
	PixelAccuracy float64 // sum n_ii / sum t_i
	ClassAccuracy float64 // mean over the classes of n_ii / t_i
	ClassIoU      float64 // mean over the classes of n_ii / (t_i + sum_j n_ji - n_ii)
}

// ClassScores are those of one class.
type ClassScores struct {
	Pixels        int64   // t_i
	Accuracy, IoU float64 // 0 where the class has no pixels
}

// Scores returns the three scores. Classes without a true pixel do not enter the means.
func (c *Confusion) Scores() Scores {
	var s Scores
	var hits, pixels int64
	present := 0.0
	for i, class := range c.PerClass() {
		if class.Pixels == 0 {
			continue
		}
		present++
		hits += c.Count(i, i)
		pixels += class.Pixels
		s.ClassAccuracy += class.Accuracy
		s.ClassIoU += class.IoU
	}
	if present > 0 {
		s.PixelAccuracy = float64(hits) / float64(pixels)
		s.ClassAccuracy /= present
		s.ClassIoU /= present
	}
	return s
}

// PerClass returns the scores of each class.
func (c *Confusion) PerClass() []ClassScores {
	out := make([]ClassScores, c.classes)
	for i := range out {
		var predicted int64
		for j := range c.classes {
			out[i].Pixels += c.Count(i, j)
			predicted += c.Count(j, i)
		}
		if out[i].Pixels == 0 {
			continue
		}
		hits := float64(c.Count(i, i))
		out[i].Accuracy = hits / float64(out[i].Pixels)
		out[i].IoU = hits / (float64(out[i].Pixels+predicted) - hits)
	}
	return out
}
