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
// [N,C,H,W] in [-1,1] with N, H and W left open. The same checkpoint gives the same bytes. A batch norm takes its running
// statistics, as in PyTorch's eval mode: ONNX has none for a picture's own. A bias before an instance norm is written although the
// norm takes it away again. program is the version of the program that writes.
func (c *Checkpoint) WriteONNX(w io.Writer, net, program string) error {
	translates, ok := map[string]string{"G_A": "A to B", "G_B": "B to A"}[net]
	if !ok {
		return fmt.Errorf("network %q cannot be written as ONNX: use G_A or G_B", net)
	}
	spec, err := c.Config.GeneratorSpec(net)
	if err != nil {
		return err
	}
	info, err := json.Marshal(c.Info)
	if err != nil {
		return err
	}
	gen := NewGenerator(net, spec)
	picture := func(name string, channels int) onnx.Value {
		return onnx.Value{Name: name, Dims: []onnx.Dim{{Name: "batch"}, {Size: channels}, {Name: "height"}, {Name: "width"}}}
	}
	g := &onnxGraph{weights: c.Nets[net].Weights, Model: onnx.Model{
		Name: net, Producer: "cyclevk", Version: program,
		Doc: fmt.Sprintf("CycleGAN generator %s, %s: %s, ngf %d, norm %s. Pictures [N,C,H,W] in [-1,1]; sides are multiples of %d.",
			net, translates, c.Config.NetG, c.Config.NGF, c.Config.Norm, gen.Multiple),
		Metadata: map[string]string{
			"network": net, "translates": translates, "size_multiple": strconv.Itoa(gen.Multiple), "range": "-1 1", "cyclevk": string(info),
		},
		Input: picture("input", gen.In), Output: picture("output", gen.Out),
	}}
	y := g.module(gen.body, g.Input.Name)
	g.Node("Identity", g.Output.Name, []string{y})
	return g.Encode(w)
}

// onnxGraph is a generator on its way into a file. Its methods take and return the names of values.
type onnxGraph struct {
	onnx.Model
	weights State
}

func (g *onnxGraph) module(m module, x string) string {
	switch m := m.(type) {
	case sequence:
		for _, part := range m {
			x = g.module(part, x)
		}
		return x
	case *residual:
		y := g.layer(m.last, g.module(m.inner, x))
		return g.Node("Add", layerName(m.last)+".sum", []string{x, y})
	case *layer:
		return g.layer(m, x)
	case *skip: // x comes activated
		joined := g.Node("Concat", x+".joined", []string{x, g.module(m.inner, x)}, onnx.Int("axis", 1))
		return g.activation(kernels.ReLU, joined, joined)
	case dropout: // in training alone
		return x
	case upsample:
		scales := g.Floats("twice", []int{4}, []float32{1, 1, 2, 2})
		return g.Node("Resize", x+".enlarged", []string{x, "", scales}, onnx.String("mode", "nearest"),
			onnx.String("coordinate_transformation_mode", "asymmetric"), onnx.String("nearest_mode", "floor"))
	}
	g.Fail(fmt.Errorf("%T has no form in ONNX", m))
	return x
}

// layerName is what a layer's parameters have in common.
func layerName(l *layer) string { return strings.TrimSuffix(l.w.Name, ".weight") }

// name is what a batch norm's tensors have in common.
func (b *batchNorm) name() string { return strings.TrimSuffix(b.affine.Name, ".weight") }

// layer adds act(norm(conv(x))).
func (g *onnxGraph) layer(l *layer, x string) string {
	name := layerName(l)
	x = g.convolution(l, name, x)
	switch {
	case l.batch != nil:
		inputs := []string{x}
		for _, suffix := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
			inputs = append(inputs, g.Floats(l.batch.name()+suffix, []int{l.out}, g.weights[l.batch.name()+suffix]))
		}
		x = g.Node("BatchNormalization", l.batch.name(), inputs, onnx.Float("epsilon", normEps))
	case l.norm:
		one, zero := g.filled("one", l.out, 1), g.filled("zero", l.out, 0)
		x = g.Node("InstanceNormalization", name+".norm", []string{x, one, zero}, onnx.Float("epsilon", normEps))
	}
	return g.activation(l.act, name, x)
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
	g.Fail(fmt.Errorf("%s: %T has no form in ONNX", name, l.conv))
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
