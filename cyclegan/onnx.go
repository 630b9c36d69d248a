// Generators as ONNX files, for what runs networks elsewhere. Every layer becomes the standard operators that it is made of,
// under the names of its parameters.

package cyclegan

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"cyclevk/cyclegan/onnx"
	"cyclevk/kernels"
)

// WriteONNX writes one generator, "G_A" or "G_B", of a checkpoint as an ONNX file: from "input" to "output", both
// [N,C,H,W] in [-1,1] with N, H and W left open. The same checkpoint gives the same bytes. A bias before an instance norm is
// written although the norm takes it away again. program is the version of the program that writes.
func (c *Checkpoint) WriteONNX(w io.Writer, net, program string) error {
	m := &Model{Config: c.Config}
	if err := m.layout(); err != nil {
		return err
	}
	gen, translates := m.GA, "A to B"
	switch net {
	case "G_A":
	case "G_B":
		gen, translates = m.GB, "B to A"
	default:
		return fmt.Errorf("network %q cannot be written as ONNX: use G_A or G_B", net)
	}
	info, err := json.Marshal(c.Info)
	if err != nil {
		return err
	}
	picture := func(name string, channels int) onnx.Value {
		return onnx.Value{Name: name, Dims: []onnx.Dim{{Name: "batch"}, {Size: channels}, {Name: "height"}, {Name: "width"}}}
	}
	g := &onnxGraph{weights: c.Nets[net].Weights, Model: onnx.Model{
		Name: net, Producer: "cyclevk", Version: program,
		Doc: fmt.Sprintf("CycleGAN generator %s, %s: %s, ngf %d. Pictures [N,C,H,W] in [-1,1]; sides are multiples of %d.",
			net, translates, c.Config.NetG, c.Config.NGF, 4),
		Metadata: map[string]string{
			"network": net, "translates": translates, "size_multiple": strconv.Itoa(4), "range": "-1 1", "cyclevk": string(info),
		},
		Input: picture("input", gen.Spec.In), Output: picture("output", gen.Spec.Out),
	}}
	g.generator(gen)
	return g.Encode(w)
}

// onnxGraph is a generator on its way into a file. Its methods take and return the names of values.
type onnxGraph struct {
	onnx.Model
	weights State
}

func (g *onnxGraph) generator(gen *Generator) {
	x := g.Input.Name
	for _, l := range gen.head {
		x = g.layer(l, x, "")
	}
	for _, b := range gen.blocks {
		x = g.layer(b[1], g.layer(b[0], x, ""), x)
	}
	for _, l := range gen.tail {
		x = g.layer(l, x, "")
	}
	g.Node("Identity", g.Output.Name, []string{x})
}

// layer adds act(norm(conv(x))) and, where there is one, a residual.
func (g *onnxGraph) layer(l *layer, x, residual string) string {
	name := strings.TrimSuffix(l.w.Name, ".weight")
	x = g.convolution(l, name, x)
	if l.norm {
		one, zero := g.filled("one", l.out, 1), g.filled("zero", l.out, 0)
		x = g.Node("InstanceNormalization", name+".norm", []string{x, one, zero}, onnx.Float("epsilon", normEps))
	}
	x = g.activation(l.act, name, x)
	if residual != "" {
		x = g.Node("Add", name+".sum", []string{residual, x})
	}
	return x
}

func (g *onnxGraph) convolution(l *layer, name, x string) string {
	inputs := []string{x, g.param(l.w)}
	if l.b != nil {
		inputs = append(inputs, g.param(l.b))
	}
	square := func(k, stride, pad int) []onnx.Attr {
		return []onnx.Attr{onnx.Ints("kernel_shape", k, k), onnx.Ints("strides", stride, stride), onnx.Ints("pads", pad, pad, pad, pad)}
	}
	switch c := l.conv.(type) {
	case kernels.ConvTranspose:
		attrs := append(square(c.Kernel, c.Stride, c.Pad), onnx.Ints("output_padding", c.OutPad, c.OutPad))
		return g.Node("ConvTranspose", name, inputs, attrs...)
	case kernels.Conv:
		if c.Reflect {
			inputs[0] = g.reflect(c.Pad, name, x)
			c.Pad = 0
		}
		return g.Node("Conv", name, inputs, square(c.Kernel, c.Stride, c.Pad)...)
	}
	return x
}

// reflect pads height and width.
func (g *onnxGraph) reflect(pad int, name, x string) string {
	p := int64(pad)
	pads := g.Ints(fmt.Sprintf("pads_%d", pad), 0, 0, p, p, 0, 0, p, p) // N, C, H, W: begins, then ends
	return g.Node("Pad", name+".pad", []string{x, pads}, onnx.String("mode", "reflect"))
}

func (g *onnxGraph) activation(act kernels.Activation, name, x string) string {
	name += "." + act.String()
	switch act {
	case kernels.ReLU:
		return g.Node("Relu", name, []string{x})
	case kernels.LeakyReLU:
		return g.Node("LeakyRelu", name, []string{x}, onnx.Float("alpha", kernels.LeakySlope))
	case kernels.Tanh:
		return g.Node("Tanh", name, []string{x})
	}
	return x
}

func (g *onnxGraph) param(p *Param) string { return g.Floats(p.Name, p.Shape, g.weights[p.Name]) }

// filled is a vector of n equal values.
func (g *onnxGraph) filled(name string, n int, v float32) string {
	values := make([]float32, n)
	for i := range values {
		values[i] = v
	}
	return g.Floats(fmt.Sprintf("%s_%d", name, n), []int{n}, values)
}
