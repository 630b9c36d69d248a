// In the place of the paper's FCN, which reads classes from street photographs: on the
// synthetic set the colour of a class in the target domain is known, so a translated
// pixel is taken for the class whose colour is nearest.

package metrics

import (
	"math"
	"strings"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/synth"
)

// Classifier assigns classes to the pixels of pictures in one domain. Classes that look
// alike there are one class to it: its indices are of merged classes.
type Classifier struct {
	ramps  []synth.Ramp // of each merged class
	names  []string
	merged []uint8 // by label of the set
}

// NewClassifier returns the classifier of a set's pictures in domain d, the target of the
// translation that is scored.
func NewClassifier(m *synth.Manifest, d synth.Domain) *Classifier {
	c := &Classifier{merged: make([]uint8, len(m.Classes))}
	index := make(map[synth.Ramp]uint8)
	for label, class := range m.Classes {
		ramp := class.Ramp(d)
		k, known := index[ramp]
		if !known {
			k = uint8(len(c.ramps))
			index[ramp] = k
			c.ramps = append(c.ramps, ramp)
			c.names = append(c.names, class.Name)
		} else {
			c.names[k] = strings.Join([]string{c.names[k], class.Name}, "+")
		}
		c.merged[label] = k
	}
	return c
}

// Names returns the merged classes, such as "sky+lake", by index.
func (c *Classifier) Names() []string { return append([]string(nil), c.names...) }

// Merge maps labels of the set to merged classes. Labels that the set does not name
// become a class beyond the last, which Confusion.Add refuses.
func (c *Classifier) Merge(labels []uint8) []uint8 {
	out := make([]uint8, len(labels))
	for i, l := range labels {
		if int(l) < len(c.merged) {
			out[i] = c.merged[l]
		} else {
			out[i] = uint8(len(c.ramps))
		}
	}
	return out
}

// Classify returns the merged class of each pixel: the one whose colour at the pixel's
// height is nearest, by squared distance in sRGB.
func (c *Classifier) Classify(m *data.Image) []uint8 {
	out := make([]uint8, m.W*m.H)
	colours := make([][3]float64, len(c.ramps))
	for y := range m.H {
		for k, ramp := range c.ramps {
			colours[k] = ramp.At((float64(y) + 0.5) / float64(m.H))
		}
		row := m.Row(y)
		for x := range m.W {
			out[y*m.W+x] = nearest(colours, row[x*3:x*3+3])
		}
	}
	return out
}

func nearest(colours [][3]float64, pixel []uint8) uint8 {
	best, least := 0, math.Inf(1)
	for k, colour := range colours {
		distance := 0.0
		for c, v := range colour {
			d := v - float64(pixel[c])
			distance += d * d
		}
		if distance < least {
			best, least = k, distance
		}
	}
	return uint8(best)
}
