// The operators that generators are made of.

package onnxtest

import (
	"math"
	"slices"
	"testing"
)

// Run computes the output from the input, a tensor [N,C,H,W].
func (m *Model) Run(t testing.TB, x Array) Array {
	t.Helper()
	values := map[string]Array{m.Input.Name: x}
	for _, n := range m.Nodes {
		var in []Array
		for _, name := range n.Inputs {
			v, computed := values[name]
			c, constant := m.Constants[name]
			switch {
			case constant && !computed:
				v = c
			case name != "" && !computed: // "" is an input left out
				t.Fatalf("%s %s takes %q, which nothing made before", n.Op, n.Name, name)
			}
			in = append(in, v)
		}
		run, ok := operators[n.Op]
		if _, twice := values[n.Output]; twice || !ok {
			t.Fatalf("operator %q is unknown, or its output %q is there twice", n.Op, n.Output)
		}
		c := &call{t: t, Node: n, in: in, used: map[string]bool{}}
		values[n.Output] = run(c)
		for name := range n.Attrs {
			if !c.used[name] {
				t.Fatalf("%s %s: attribute %s is unknown", n.Op, n.Name, name)
			}
		}
	}
	return values[m.Output.Name]
}

var operators = map[string]func(*call) Array{
	"Pad": pad, "Conv": conv, "ConvTranspose": convTranspose, "Resize": resize, "Concat": concat,
	"InstanceNormalization": instanceNorm, "BatchNormalization": batchNorm,
	"Identity": func(c *call) Array { return c.in[0] },
	"Add": func(c *call) Array {
		c.same(0, 1)
		return c.each(func(i int, v float64) float64 { return v + c.in[1].V[i] })
	},
	"Relu": func(c *call) Array { return c.each(func(_ int, v float64) float64 { return max(v, 0) }) },
	"Tanh": func(c *call) Array { return c.each(func(_ int, v float64) float64 { return math.Tanh(v) }) },
	"LeakyRelu": func(c *call) Array {
		alpha := c.float("alpha", 0.01)
		return c.each(func(_ int, v float64) float64 { return max(v, 0) + alpha*min(v, 0) })
	},
}

// call is a node with its inputs.
type call struct {
	Node
	t    testing.TB
	in   []Array
	used map[string]bool // attributes
}

func (c *call) attr(name string, kind int) (Attr, bool) {
	c.used[name] = true
	a, ok := c.Attrs[name]
	if ok && a.Kind != kind {
		c.t.Fatalf("%s %s: attribute %s is of type %d, not %d", c.Op, c.Name, name, a.Kind, kind)
	}
	return a, ok
}

func (c *call) float(name string, missing float64) float64 {
	if a, ok := c.attr(name, 1); ok {
		return a.Float
	}
	return missing
}

func (c *call) text(name, missing string) string {
	if a, ok := c.attr(name, 3); ok {
		return a.String
	}
	return missing
}

// square is an attribute of integers that must all be alike, as everything in a generator is.
func (c *call) square(name string, count, missing int) int {
	a, ok := c.attr(name, 7)
	if !ok {
		return missing
	}
	if len(a.Ints) != count || slices.Min(a.Ints) != slices.Max(a.Ints) {
		c.t.Fatalf("%s %s: %s is %v", c.Op, c.Name, name, a.Ints)
	}
	return a.Ints[0]
}

func (c *call) same(i, j int) {
	if !slices.Equal(c.in[i].Shape, c.in[j].Shape) {
		c.t.Fatalf("%s %s: shapes %v", c.Op, c.Name, c.in)
	}
}

// each maps every value of the first input.
func (c *call) each(f func(i int, v float64) float64) Array {
	y := Array{c.in[0].Shape, make([]float64, len(c.in[0].V))}
	for i, v := range c.in[0].V {
		y.V[i] = f(i, v)
	}
	return y
}

// dims are the four of a picture tensor.
func (a Array) dims() (n, c, h, w int) { return a.Shape[0], a.Shape[1], a.Shape[2], a.Shape[3] }

func zeros(shape ...int) Array { return Array{shape, make([]float64, size(shape))} }

func pad(c *call) Array {
	n, ch, h, w := c.in[0].dims()
	p := c.in[1].V // begins of all four dimensions, then ends
	if len(p) != 8 || p[0] != 0 || p[1] != 0 || p[4] != 0 || p[5] != 0 || c.text("mode", "constant") != "reflect" {
		c.t.Fatalf("Pad %s by %v, mode %v", c.Name, p, c.Attrs["mode"])
	}
	top, left := int(p[2]), int(p[3])
	y := zeros(n, ch, h+top+int(p[6]), w+left+int(p[7]))
	mirror := func(i, size int) int {
		if i < 0 {
			i = -i
		}
		if i >= size {
			i = 2*(size-1) - i
		}
		return i // out of range, and the test fails, where a side is not longer than its padding
	}
	for plane := range n * ch {
		for i := range y.Shape[2] {
			for j := range y.Shape[3] {
				y.V[(plane*y.Shape[2]+i)*y.Shape[3]+j] = c.in[0].V[(plane*h+mirror(i-top, h))*w+mirror(j-left, w)]
			}
		}
	}
	return y
}

// biases are the optional third input.
func (c *call) biases(channels int) []float64 {
	if len(c.in) < 3 {
		return make([]float64, channels)
	}
	if len(c.in[2].V) != channels {
		c.t.Fatalf("%s %s: %d biases for %d channels", c.Op, c.Name, len(c.in[2].V), channels)
	}
	return c.in[2].V
}

func conv(c *call) Array {
	x, k := c.in[0], c.in[1]
	n, in, h, w := x.dims()
	out, kin, kh, kw := k.dims()
	stride, p := c.square("strides", 2, 1), c.square("pads", 4, 0)
	if kin != in || kh != kw || c.square("kernel_shape", 2, kh) != kh {
		c.t.Fatalf("Conv %s of %v by %v", c.Name, x, k)
	}
	bias := c.biases(out)
	y := zeros(n, out, (h+2*p-kh)/stride+1, (w+2*p-kw)/stride+1)
	at := 0
	for image := range n {
		for o := range out {
			for i := range y.Shape[2] {
				for j := range y.Shape[3] {
					sum := bias[o]
					for ci := range in {
						for u := max(0, p-i*stride); u < min(kh, h+p-i*stride); u++ {
							row := x.V[((image*in+ci)*h+i*stride+u-p)*w:]
							taps := k.V[((o*in+ci)*kh+u)*kw:]
							for v := max(0, p-j*stride); v < min(kw, w+p-j*stride); v++ {
								sum += row[j*stride+v-p] * taps[v]
							}
						}
					}
					y.V[at] = sum
					at++
				}
			}
		}
	}
	return y
}

func convTranspose(c *call) Array {
	x, k := c.in[0], c.in[1]
	n, in, h, w := x.dims()
	kin, out, kh, kw := k.dims()
	stride, p, extra := c.square("strides", 2, 1), c.square("pads", 4, 0), c.square("output_padding", 2, 0)
	if kin != in || kh != kw || c.square("kernel_shape", 2, kh) != kh {
		c.t.Fatalf("ConvTranspose %s of %v by %v", c.Name, x, k)
	}
	bias := c.biases(out)
	y := zeros(n, out, (h-1)*stride-2*p+kh+extra, (w-1)*stride-2*p+kw+extra)
	oh, ow := y.Shape[2], y.Shape[3]
	for i := range y.V {
		y.V[i] = bias[i/(oh*ow)%out]
	}
	at := 0
	for image := range n {
		for ci := range in {
			for i := range h {
				for j := range w {
					value := x.V[at]
					at++
					for o := range out {
						for u := range kh {
							for v := range kw {
								r, s := i*stride+u-p, j*stride+v-p
								if r >= 0 && r < oh && s >= 0 && s < ow {
									y.V[((image*out+o)*oh+r)*ow+s] += value * k.V[((ci*out+o)*kh+u)*kw+v]
								}
							}
						}
					}
				}
			}
		}
	}
	return y
}

func instanceNorm(c *call) Array {
	_, ch, h, w := c.in[0].dims()
	scale, bias, eps := c.in[1].V, c.in[2].V, c.float("epsilon", 1e-5)
	y := c.each(func(_ int, v float64) float64 { return v })
	plane := 0
	for values := range slices.Chunk(y.V, h*w) {
		mean, variance := 0.0, 0.0
		for _, v := range values {
			mean += v / float64(h*w)
		}
		for _, v := range values {
			variance += (v - mean) * (v - mean) / float64(h*w)
		}
		for i, v := range values {
			values[i] = scale[plane%ch]*(v-mean)/math.Sqrt(variance+eps) + bias[plane%ch]
		}
		plane++
	}
	return y
}

func batchNorm(c *call) Array {
	_, ch, h, w := c.in[0].dims()
	scale, bias, mean, variance, eps := c.in[1].V, c.in[2].V, c.in[3].V, c.in[4].V, c.float("epsilon", 1e-5)
	return c.each(func(i int, v float64) float64 {
		k := i / (h * w) % ch
		return scale[k]*(v-mean[k])/math.Sqrt(variance[k]+eps) + bias[k]
	})
}

func concat(c *call) Array {
	axis, _ := c.attr("axis", 2)
	n, _, h, w := c.in[0].dims()
	if len(axis.Ints) != 1 || axis.Ints[0] != 1 {
		c.t.Fatalf("Concat %s along axis %v", c.Name, axis.Ints)
	}
	y := Array{Shape: []int{n, 0, h, w}}
	for _, x := range c.in {
		xn, ch, xh, xw := x.dims()
		if xn != n || xh != h || xw != w {
			c.t.Fatalf("Concat %s of %v", c.Name, c.in)
		}
		y.Shape[1] += ch
	}
	for image := range n {
		for _, x := range c.in {
			each := len(x.V) / n
			y.V = append(y.V, x.V[image*each:][:each]...)
		}
	}
	return y
}

// resize enlarges by repeating pixels: output pixel i is input pixel floor(i / scale).
func resize(c *call) Array {
	x, scales := c.in[0], c.in[len(c.in)-1].V // data, roi, scales
	n, ch, h, w := x.dims()
	if len(c.in) != 3 || len(scales) != 4 || scales[0] != 1 || scales[1] != 1 || c.text("mode", "nearest") != "nearest" ||
		c.text("coordinate_transformation_mode", "half_pixel") != "asymmetric" || c.text("nearest_mode", "round_prefer_floor") != "floor" {
		c.t.Fatalf("Resize %s by %v", c.Name, scales)
	}
	y := zeros(n, ch, int(float64(h)*scales[2]), int(float64(w)*scales[3]))
	at := 0
	for plane := range n * ch {
		for i := range y.Shape[2] {
			for j := range y.Shape[3] {
				y.V[at] = x.V[(plane*h+int(float64(i)/scales[2]))*w+int(float64(j)/scales[3])]
				at++
			}
		}
	}
	return y
}
