// Loss curves, thinned as they grow: where there are too many points, two become one, their mean.

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxPoints bounds the points of a curve; half as many are kept at least.
const maxPoints = 400

// curves are the losses by their names, in the order of the names.
type curves []*curve

type curve struct {
	name   string
	every  int // values that a point is the mean of
	points []point
	sum    float64 // of the values that do not make a point yet
	n      int     // their number
	last   point
}

type point struct {
	step  int
	value float64
}

func (c *curves) add(step int, losses map[string]float32) {
	for name, v := range losses {
		i, found := slices.BinarySearchFunc(*c, name, func(c *curve, name string) int { return strings.Compare(c.name, name) })
		if !found {
			*c = slices.Insert(*c, i, &curve{name: name, every: 1})
		}
		(*c)[i].add(point{step, float64(v)})
	}
}

func (c *curve) add(p point) {
	c.last = p
	c.sum += p.value
	if c.n++; c.n < c.every {
		return
	}
	c.points = append(c.points, point{p.step, c.sum / float64(c.n)})
	c.sum, c.n = 0, 0
	if len(c.points) < maxPoints {
		return
	}
	for i := range maxPoints / 2 {
		a, b := c.points[2*i], c.points[2*i+1]
		c.points[i] = point{b.step, (a.value + b.value) / 2}
	}
	c.points, c.every = c.points[:maxPoints/2], 2*c.every
}

// chart is a drawing of curves in the coordinates of the template.
type chart struct {
	Name   string
	Levels []mark // lines across, from the lowest
	Steps  []mark // labels below
	Curves []drawnCurve
}

// mark is a label at a place along its axis.
type mark struct {
	At    float64
	Label string
}

type drawnCurve struct {
	Name, Last, Points string
	Colour             int
}

// The plot's place in the drawing, which is 640 wide and 220 high.
const (
	plotLeft, plotRight = 44, 632
	plotTop, plotBottom = 8, 196
	colours             = 6
)

// charts are the two drawings: what discriminators and generators do to each other, and what keeps the content.
func (c curves) charts() (out []chart) {
	var adversarial, rest curves
	for _, x := range c {
		if strings.HasPrefix(x.name, "D_") || strings.HasPrefix(x.name, "G_") {
			adversarial = append(adversarial, x)
		} else {
			rest = append(rest, x)
		}
	}
	if len(adversarial) > 0 {
		out = append(out, adversarial.chart("adversarial losses"))
	}
	if len(rest) > 0 {
		out = append(out, rest.chart("cycle and identity losses"))
	}
	return out
}

// chart draws curves over one pair of axes. Levels span all values but for the outermost hundredth at either end, which a
// training's first steps often are.
func (c curves) chart(name string) chart {
	var values []float64
	first, last := math.MaxInt, 0
	for _, x := range c {
		for _, p := range x.points {
			values = append(values, p.value)
			first, last = min(first, p.step), max(last, p.step)
		}
	}
	slices.Sort(values)
	edge := len(values) / 100
	low, high := math.Min(0, values[edge]), math.Max(0, values[len(values)-1-edge])
	unit := tick(high - low)
	low, high = math.Floor(low/unit)*unit, math.Max(math.Ceil(high/unit), math.Floor(low/unit)+1)*unit

	x := func(step int) float64 {
		return plotLeft + (plotRight-plotLeft)*float64(step-first)/math.Max(1, float64(last-first))
	}
	y := func(v float64) float64 {
		return plotBottom - (plotBottom-plotTop)*(math.Min(math.Max(v, low), high)-low)/(high-low)
	}
	d := chart{Name: name, Steps: []mark{{plotLeft, fmt.Sprintf("step %d", first)}, {plotRight, fmt.Sprint(last)}}}
	for i := range int(math.Round((high-low)/unit)) + 1 {
		v := low + float64(i)*unit
		d.Levels = append(d.Levels, mark{y(v), fmt.Sprintf("%.4g", v)})
	}
	for i, each := range c {
		var points strings.Builder
		for _, p := range each.points {
			fmt.Fprintf(&points, "%.1f,%.1f ", x(p.step), y(p.value))
		}
		d.Curves = append(d.Curves, drawnCurve{each.name, fmt.Sprintf("%.3f", each.last.value), strings.TrimSpace(points.String()), i % colours})
	}
	return d
}

// tick is the distance of about four levels within a span: 1, 2 or 5 times a power of ten.
func tick(span float64) float64 {
	if !(span > 0) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(span/4)))
	for _, f := range []float64{1, 2, 5} {
		if span/(f*unit) <= 4.5 {
			return f * unit
		}
	}
	return 10 * unit
}
