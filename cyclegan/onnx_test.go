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
	"slices"
	"strconv"
	"strings"
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
	resnet, unet := [][3]int{{1, 16, 20}, {2, 12, 8}}, [][3]int{{1, 32, 64}, {2, 32, 32}}
	for _, c := range []struct {
		name, netG, norm, upsample string
		in, out                    int // channels
		dropout                    bool
		sizes                      [][3]int // N, H, W
	}{
		{"resnet_instance", "resnet_2blocks", NormInstance, UpsampleTransposed, 3, 3, false, resnet},
		{"resnet_batch", "resnet_2blocks", NormBatch, UpsampleTransposed, 1, 4, true, resnet},
		{"resnet_none", "resnet_1blocks", NormNone, UpsampleTransposed, 3, 3, false, resnet},
		{"resnet_resize", "resnet_1blocks", NormInstance, UpsampleResize, 3, 1, true, resnet},
		{"unet_instance", "unet_32", NormInstance, UpsampleTransposed, 3, 3, false, unet},
		{"unet_batch", "unet_32", NormBatch, UpsampleTransposed, 1, 3, true, unet},
		{"unet_none", "unet_32", NormNone, UpsampleTransposed, 4, 3, false, unet},
		{"unet_dropout", "unet_64", NormInstance, UpsampleTransposed, 3, 3, true, [][3]int{{1, 64, 64}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := DefaultConfig()
			config.NetG, config.Norm, config.Upsample, config.NoDropout = c.netG, c.norm, c.upsample, !c.dropout
			config.NGF, config.NDF, config.NetD, config.LayersD, config.CropSize = 3, 2, "n_layers", 1, 64
			config.InputNC, config.OutputNC, config.LambdaIdentity = c.in, c.out, 0
			checkONNX(t, dev, config, "G_A", c.sizes)
			checkONNX(t, dev, config, "G_B", c.sizes[:1])
		})
	}
}

// TestONNXFullSize writes the official networks for the runtimes; for float64 they are too large.
func TestONNXFullSize(t *testing.T) {
	if os.Getenv(onnxOut) == "" {
		t.Skipf("%s is not set", onnxOut)
	}
	dev := vktest.Device(t)
	for _, netG := range []string{"resnet_9blocks", "unet_256"} {
		t.Run(netG, func(t *testing.T) {
			config := DefaultConfig()
			config.NetG = netG
			checkONNX(t, dev, config, "G_A", [][3]int{{1, 256, 256}, {1, 256, 512}})
		})
	}
}

// onnxOut is the environment variable that names the folder for the files.
const onnxOut = "CYCLEVK_ONNX_OUT"

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
	checkDescription(t, m, c, gen)
	var kept []safetensors.Tensor
	reference := len(file.Bytes()) < 1<<20
	for _, s := range sizes {
		x := make([]float32, s[0]*gen.In*s[1]*s[2])
		for i := range x {
			x[i] = 2*random.Float32() - 1
		}
		y := generate(t, dev, gen, weights, x, s)
		shape, result := []int{s[0], gen.In, s[1], s[2]}, []int{s[0], gen.Out, s[1], s[2]}
		if reference {
			compareONNX(t, fmt.Sprintf("%s %v", net, s), y, m.Run(t, onnxtest.Array{Shape: shape, V: float64s(x)}), result)
		}
		kept = append(kept, float32Tensor(fmt.Sprintf("input.%dx%dx%d", s[0], s[1], s[2]), shape, x),
			float32Tensor(fmt.Sprintf("output.%dx%dx%d", s[0], s[1], s[2]), result, y))
	}
	if folder := os.Getenv(onnxOut); folder != "" {
		stem := filepath.Join(folder, filepath.Base(t.Name())+"_"+net)
		if err := os.WriteFile(stem+".onnx", file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := safetensors.Write(stem+".safetensors", kept, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// compareONNX holds what a file computes against the engine's output y, of the given shape.
func compareONNX(t *testing.T, what string, y []float32, got onnxtest.Array, shape []int) {
	t.Helper()
	if diff := cmp.Diff(shape, got.Shape); diff != "" {
		t.Fatalf("%s: shape of the output (-engine +file):\n%s", what, diff)
	}
	worst, low, high := 0.0, 1.0, -1.0
	for i, v := range y {
		worst = max(worst, math.Abs(float64(v)-got.V[i]))
		low, high = min(low, got.V[i]), max(high, got.V[i])
	}
	t.Logf("%s: at most %.2g apart, values from %.2f to %.2f", what, worst, low, high)
	if !(worst <= 1e-4) {
		t.Errorf("%s: the file computes other values than the engine, up to %g apart", what, worst)
	}
	if high-low < 1 {
		t.Errorf("%s: values from %g to %g tell little", what, low, high)
	}
}

// checkDescription: what the file says of itself.
func checkDescription(t *testing.T, m *onnxtest.Model, c *Checkpoint, gen *Network) {
	t.Helper()
	net, picture := gen.Params.Net, func(name string, channels int) onnxtest.Value {
		return onnxtest.Value{Name: name, Dims: []string{"batch", strconv.Itoa(channels), "height", "width"}}
	}
	want := []any{onnx.Opset, "cyclevk", "1.2.3", picture("input", gen.In), picture("output", gen.Out)}
	if diff := cmp.Diff(want, []any{m.Opset, m.Producer, m.Version, m.Input, m.Output}); diff != "" {
		t.Errorf("%s (-want +got):\n%s", net, diff)
	}
	var info Info
	if err := json.Unmarshal([]byte(m.Metadata["cyclevk"]), &info); err != nil || info != c.Info || m.Metadata["network"] != net ||
		m.Metadata["size_multiple"] != strconv.Itoa(gen.Multiple) {
		t.Errorf("%s: the metadata is %v (%v)", net, m.Metadata, err)
	}
	for _, p := range slices.Concat(gen.Params.List, gen.Params.Tracked) {
		if !slices.Equal(float64s(c.Nets[net].Weights[p.Name]), m.Constants[p.Name].V) {
			t.Errorf("%s: tensor %s is not the checkpoint's", net, p.Name)
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
	for _, p := range slices.Concat(ps.List, ps.Tracked) {
		v, fan := make([]float32, p.Len()), 2
		if len(p.Shape) > 1 {
			fan = p.Len() / p.Shape[0]
		}
		for i := range v {
			v[i] = float32(1.5 * random.NormFloat64() / math.Sqrt(float64(fan)))
			if strings.HasSuffix(p.Name, ".running_var") {
				v[i] = 0.5 + random.Float32()
			}
		}
		s[p.Name] = v
	}
	return s
}

// generate runs a generator on pictures [N,C,H,W] on the device, and returns its output in the same order.
func generate(t *testing.T, dev *vk.Device, gen *Network, weights State, x []float32, s [3]int) []float32 {
	t.Helper()
	arena, p := dev.NewArena("generate"), dev.NewProgram("generate")
	gen.Params.reserve(arena, false)
	in, out := kernels.Reserve(arena, "input", s[0], s[1], s[2], gen.In), kernels.Reserve(arena, "output", s[0], s[1], s[2], gen.Out)
	kernels.Copy(p, gen.Forward(p, in, Pass{Eval: true}).Y, out)
	raw := make([]byte, out.Bytes)
	for _, do := range []func() error{
		arena.Allocate, p.Build,
		func() error { return gen.Params.uploadWeights(dev, weights) },
		func() error { return dev.Write(in.Range, floatBytes(toNHWC(in, float64s(x)))) },
		p.Run,
		func() error { return dev.Read(out.Range, raw) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	p.Free()
	arena.Free()
	var y []float32
	for _, v := range fromNHWC(out, bytesFloats(raw)) {
		y = append(y, float32(v))
	}
	return y
}
