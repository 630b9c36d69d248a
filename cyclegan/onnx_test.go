// The ONNX files of generators against the engine: read back and run in float64 by onnxtest. With CYCLEVK_ONNX_OUT set to a
// folder, the files are left there with the engine's inputs and outputs, for tools/interop/onnx_check.py.

package cyclegan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/onnx"
	"cyclevk/cyclegan/onnx/onnxtest"
	"cyclevk/cyclegan/safetensors"
	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func TestONNX(t *testing.T) {
	dev := vktest.Device(t)
	for _, c := range []struct {
		name  string
		netG  string
		sizes [][3]int // N, H, W
	}{
		{"resnet", "resnet_2blocks", [][3]int{{1, 16, 20}, {2, 12, 8}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := DefaultConfig()
			config.NetG, config.NGF, config.NDF, config.LayersD, config.CropSize = c.netG, 3, 2, 1, 16
			for _, net := range []string{"G_A", "G_B"} {
				checkONNX(t, dev, config, net, c.sizes)
			}
		})
	}
}

// checkONNX writes a generator with random weights and compares what the file says with what the engine computes.
func checkONNX(t *testing.T, dev *vk.Device, config Config, net string, sizes [][3]int) {
	t.Helper()
	gen := exported(t, config, net)
	random := rand.New(rand.NewPCG(1, 2))
	weights := lively(gen.Params, random)
	c := &Checkpoint{Info: Info{Config: config}, Nets: map[string]NetState{net: {Weights: weights}}}
	file := new(bytes.Buffer)
	if err := c.WriteONNX(file, net, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	again := new(bytes.Buffer)
	if err := c.WriteONNX(again, net, "1.2.3"); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Errorf("%s: written twice, the bytes differ (%v)", net, err)
	}
	m := onnxtest.Parse(t, file.Bytes())
	checkDescription(t, m, c, net)
	var kept []safetensors.Tensor
	for _, s := range sizes {
		x := make([]float32, s[0]*3*s[1]*s[2])
		for i := range x {
			x[i] = 2*random.Float32() - 1
		}
		y := generate(t, dev, gen, weights, x, s)
		shape := []int{s[0], 3, s[1], s[2]}
		got := m.Run(t, onnxtest.Array{Shape: shape, V: float64s(x)})
		if diff := cmp.Diff(shape, got.Shape); diff != "" {
			t.Fatalf("%s %v: shape of the output (-engine +file):\n%s", net, s, diff)
		}
		worst, low, high := 0.0, 1.0, -1.0
		for i, v := range y {
			worst = max(worst, math.Abs(float64(v)-got.V[i]))
			low, high = min(low, got.V[i]), max(high, got.V[i])
		}
		t.Logf("%s %v: at most %.2g apart, values from %.2f to %.2f", net, s, worst, low, high)
		if !(worst <= 1e-4) {
			t.Errorf("%s %v: the file computes other values than the engine, up to %g apart", net, s, worst)
		}
		if high-low < 1 {
			t.Errorf("%s %v: values from %g to %g tell little", net, s, low, high)
		}
		kept = append(kept, float32Tensor(fmt.Sprintf("input.%dx%dx%d", s[0], s[1], s[2]), shape, x),
			float32Tensor(fmt.Sprintf("output.%dx%dx%d", s[0], s[1], s[2]), shape, y))
	}
	if folder := os.Getenv("CYCLEVK_ONNX_OUT"); folder != "" {
		stem := filepath.Join(folder, filepath.Base(t.Name())+"_"+net)
		if err := os.WriteFile(stem+".onnx", file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := safetensors.Write(stem+".safetensors", kept, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// checkDescription: what the file says of itself.
func checkDescription(t *testing.T, m *onnxtest.Model, c *Checkpoint, net string) {
	t.Helper()
	picture := []string{"batch", "3", "height", "width"}
	want := []any{onnx.Opset, "cyclevk", "1.2.3", onnxtest.Value{Name: "input", Dims: picture}, onnxtest.Value{Name: "output", Dims: picture}}
	if diff := cmp.Diff(want, []any{m.Opset, m.Producer, m.Version, m.Input, m.Output}); diff != "" {
		t.Errorf("%s (-want +got):\n%s", net, diff)
	}
	var info Info
	if err := json.Unmarshal([]byte(m.Metadata["cyclevk"]), &info); err != nil || info != c.Info || m.Metadata["network"] != net {
		t.Errorf("%s: the metadata is %v (%v)", net, m.Metadata, err)
	}
	for name, values := range c.Nets[net].Weights {
		if diff := cmp.Diff(float64s(values), m.Constants[name].V); diff != "" {
			t.Errorf("%s: tensor %s (-checkpoint +file):\n%s", net, name, diff)
		}
	}
}

func TestONNXRefusesDiscriminators(t *testing.T) {
	c := &Checkpoint{Info: Info{Config: DefaultConfig()}}
	if err := c.WriteONNX(io.Discard, "D_A", ""); err == nil {
		t.Error("D_A was written")
	}
}

// exported is the network that a file is written of.
func exported(t *testing.T, config Config, net string) *Network {
	t.Helper()
	m := &Model{Config: config}
	if err := m.layout(); err != nil {
		t.Fatal(err)
	}
	if net == "G_B" {
		return m.GB
	}
	return m.GA
}

// lively are random weights of such sizes that every layer's result is about 1, biases included.
func lively(ps *Params, random *rand.Rand) State {
	s := State{}
	for _, p := range ps.List {
		v, fan := make([]float32, p.Len()), 2
		for _, d := range p.Shape[1:] {
			fan *= d
		}
		for i := range v {
			v[i] = float32(2 * random.NormFloat64() / math.Sqrt(float64(fan)))
		}
		s[p.Name] = v
	}
	return s
}

// generate runs a generator on pictures [N,C,H,W] on the device, and returns its output in the same order.
func generate(t *testing.T, dev *vk.Device, gen *Network, weights State, x []float32, s [3]int) []float32 {
	t.Helper()
	arena := dev.NewArena("generate")
	gen.Params.reserve(arena, false)
	tensor := func(name string, channels int) kernels.Tensor {
		r := kernels.Tensor{N: s[0], H: s[1], W: s[2], C: channels}
		r.Range = arena.Reserve(name, 4*r.N*r.H*r.W*kernels.Stride(channels)).All()
		return r
	}
	in, out := tensor("input", gen.In), tensor("output", gen.Out)
	p := dev.NewProgram("generate")
	if err := arena.Allocate(); err != nil {
		t.Fatal(err)
	}
	defer arena.Free()
	kernels.Copy(p, gen.Forward(p, in, Pass{}).Y, out)
	if err := p.Build(); err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	if err := gen.Params.upload(dev, gen.Params.Weights, weights); err != nil {
		t.Fatal(err)
	}
	if err := dev.Write(in.Range, floatBytes(interleave(x, in))); err != nil {
		t.Fatal(err)
	}
	slot, err := p.Acquire()
	if err == nil {
		err = p.Submit(slot)
	}
	if err == nil {
		err = p.Wait(slot)
	}
	raw := make([]byte, out.Range.Bytes)
	if err == nil {
		err = dev.Read(out.Range, raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	return deinterleave(bytesFloats(raw), out)
}

// each visits every value of a tensor with its index in PyTorch's order, [N,C,H,W], and in the device's.
func each(x kernels.Tensor, visit func(plain, packed int)) {
	plain, stride := 0, kernels.Stride(x.C)
	for n := range x.N {
		for c := range x.C {
			for i := range x.H * x.W {
				visit(plain, (n*x.H*x.W+i)*stride+c)
				plain++
			}
		}
	}
}

func interleave(v []float32, as kernels.Tensor) []float32 {
	out := make([]float32, as.Range.Bytes/4)
	each(as, func(plain, packed int) { out[packed] = v[plain] })
	return out
}

func deinterleave(v []float32, as kernels.Tensor) []float32 {
	out := make([]float32, as.N*as.C*as.H*as.W)
	each(as, func(plain, packed int) { out[plain] = v[packed] })
	return out
}

func float64s(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
