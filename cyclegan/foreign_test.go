// Networks that others trained, of another architecture than CycleGAN's: legacy PyTorch files with an input and the output that it
// must give, built here from this project's kernels.

package cyclegan

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// readNPY reads fp32 values in C order, with their shape (numpy.lib.format, version 1.0).
func readNPY(t *testing.T, path string) (shape []int, values []float64) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := bytes.Cut(raw, []byte("\n"))
	if !ok || !bytes.HasPrefix(head, []byte("\x93NUMPY\x01\x00")) || !bytes.Contains(head, []byte("'<f4', 'fortran_order': False")) {
		t.Fatalf("%s is not an npy file of fp32", path)
	}
	for _, d := range regexp.MustCompile(`[0-9]+`).FindAll(head[bytes.Index(head, []byte("'shape': ")):], -1) {
		n, _ := strconv.Atoi(string(d))
		shape = append(shape, n)
	}
	for b := range slices.Chunk(rest, 4) {
		values = append(values, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	}
	return shape, values
}

// foreign builds a network layer by layer on the weights of a file.
type foreign struct {
	t      *testing.T
	dev    *vk.Device
	p      *vk.Program
	arena  *vk.Arena
	values map[string][]float32
	shapes map[string][]int
	writes []func() error // once there is memory
}

func newForeign(t *testing.T, dev *vk.Device, path string) *foreign {
	t.Helper()
	w, err := ReadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &foreign{t: t, dev: dev, p: dev.NewProgram("foreign"), arena: dev.NewArena("foreign"), values: map[string][]float32{}, shapes: map[string][]int{}}
	for _, x := range w.Tensors {
		if f.values[x.Name], err = x.Float32s(); err != nil {
			t.Fatal(err)
		}
		f.shapes[x.Name] = x.Shape
	}
	return f
}

func (f *foreign) constant(name string, v []float32) vk.Range {
	m := f.arena.Reserve(name, 4*len(v))
	f.writes = append(f.writes, func() error { return f.dev.Write(m.All(), floatBytes(v)) })
	return m.All()
}

// conv is a 4x4 convolution of stride 2, or what c says, without bias.
func (f *foreign) conv(name string, c convolution, out int, x kernels.Tensor, act kernels.Activation) kernels.Tensor {
	y := kernels.NewTensor(f.p, name, x.N, c.OutSize(x.H), c.OutSize(x.W), out)
	c.Forward(f.p, x, f.constant(name, c.Pack(f.values[name+".weight"])), vk.Range{}, y, act)
	return y
}

// norm is batch norm by the statistics of the batch, as in training; a residual, where it has memory, is added.
func (f *foreign) norm(name string, x, residual kernels.Tensor, act kernels.Activation) kernels.Tensor {
	n := kernels.Norm{ImagesPerGroup: x.N, Eps: 1e-5, Act: act}
	affine := make([]float32, 2*kernels.Stride(x.C))
	copy(affine, f.values[name+".weight"])
	copy(affine[kernels.Stride(x.C):], f.values[name+".bias"])
	stats, y := f.p.Temp(name+" stats", 4*n.StatsLen(x)).All(), x.Like(f.p, name)
	n.Stats(f.p, x, stats)
	n.Forward(f.p, x, stats, f.constant(name, affine), residual, y)
	return y
}

// down is conv, norm, ReLU; the shape of the weight tells the channels.
func (f *foreign) down(name string, x kernels.Tensor) kernels.Tensor {
	out := f.shapes[name+".0.weight"][0]
	return f.norm(name+".1", f.conv(name+".0", kernels.Conv{In: x.C, Out: out, Kernel: 4, Stride: 2, Pad: 1}, out, x, kernels.None), kernels.Tensor{}, kernels.ReLU)
}

// rectify is ReLU by itself: a 1x1 convolution with the identity.
func (f *foreign) rectify(x kernels.Tensor) kernels.Tensor {
	c := kernels.Conv{In: x.C, Out: x.C, Kernel: 1, Stride: 1}
	identity := make([]float32, x.C*x.C)
	for i := range x.C {
		identity[i*x.C+i] = 1
	}
	y := x.Like(f.p, "rectified")
	c.Forward(f.p, x, f.constant("identity", c.Pack(identity)), vk.Range{}, y, kernels.ReLU)
	return y
}

// run gives the output for an input.
func (f *foreign) run(x, y kernels.Tensor, in []float64) []float64 {
	f.t.Helper()
	check := func(err error) {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	check(f.arena.Allocate())
	f.t.Cleanup(f.arena.Free)
	check(f.p.Build())
	f.t.Cleanup(f.p.Free)
	for _, write := range f.writes {
		check(write())
	}
	check(f.dev.Write(x.Range, floatBytes(toNHWC(x, in))))
	check(f.p.Run())
	raw := make([]byte, y.Bytes)
	check(f.dev.Read(y.Range, raw))
	return fromNHWC(y, bytesFloats(raw))
}

func TestForeignNetworks(t *testing.T) {
	root := os.Getenv("CYCLEVK_TEST_DATA")
	if root == "" {
		t.Skip("CYCLEVK_TEST_DATA is not set")
	}
	dev := vktest.Device(t)
	for name, build := range map[string]func(f *foreign, x kernels.Tensor) kernels.Tensor{
		"cycle_generator": func(f *foreign, x kernels.Tensor) kernels.Tensor {
			h := f.down("conv2", f.down("conv1", x))
			block := f.conv("resnet_block.conv_layer.0", kernels.Conv{In: 64, Out: 64, Kernel: 3, Stride: 1, Pad: 1}, 64, h, kernels.None)
			h = f.rectify(f.norm("resnet_block.conv_layer.1", block, h, kernels.None))
			h = f.conv("deconv1.0", kernels.ConvTranspose{In: 64, Out: 32, Kernel: 4, Stride: 2, Pad: 1}, 32, h, kernels.None)
			h = f.norm("deconv1.1", h, kernels.Tensor{}, kernels.ReLU)
			return f.conv("deconv2.0", kernels.ConvTranspose{In: 32, Out: 3, Kernel: 4, Stride: 2, Pad: 1}, 3, h, kernels.Tanh)
		},
		"dc_discriminator": func(f *foreign, x kernels.Tensor) kernels.Tensor {
			h := f.down("conv3", f.down("conv2", f.down("conv1", x)))
			return f.conv("conv4.0", kernels.Conv{In: 128, Out: 1, Kernel: 4, Stride: 2}, 1, h, kernels.None)
		},
	} {
		folder := filepath.Join(root, "weights", "emoji_golden_npy")
		f := newForeign(t, dev, filepath.Join(folder, name+".pt"))
		shape, in := readNPY(t, filepath.Join(folder, name+"_input.npy"))
		_, want := readNPY(t, filepath.Join(folder, name+"_output.npy"))
		x := kernels.Reserve(f.arena, "x", shape[0], shape[2], shape[3], shape[1])
		made := build(f, x)
		y := kernels.Reserve(f.arena, "y", made.N, made.H, made.W, made.C)
		kernels.Copy(f.p, made, y)
		got := f.run(x, y, in)
		if len(got) != len(want) {
			t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
		}
		worst := 0.0
		for i, v := range got {
			if strings.HasPrefix(name, "dc") {
				v = 1 / (1 + math.Exp(-v)) // the file's output is a probability
			}
			worst = max(worst, math.Abs(v-want[i]))
		}
		t.Logf("%s: largest difference %.2g", name, worst)
		if !(worst <= 1e-5) {
			t.Errorf("%s: %.3g from the output in the file", name, worst)
		}
	}
}
