// Tiles: what they give is what the program for the whole picture gives, whatever their size and the picture's.

package cyclegan

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// tiledTolerance is what the outputs of tanh may differ by from the whole picture's.
const tiledTolerance = 1e-4

func TestTiled(t *testing.T) {
	dev := vktest.Device(t)
	for name, c := range map[string]struct {
		GeneratorSpec
		eval bool
	}{
		"resnet":                {GeneratorSpec{In: 3, Out: 3, NGF: 6, Blocks: 2}, false},
		"resnet, batch":         {GeneratorSpec{In: 3, Out: 1, NGF: 6, Blocks: 1, Norm: NormBatch}, false},
		"resnet, batch, eval":   {GeneratorSpec{In: 4, Out: 3, NGF: 6, Blocks: 1, Norm: NormBatch}, true},
		"resnet, none, dropout": {GeneratorSpec{In: 3, Out: 3, NGF: 6, Blocks: 1, Norm: NormNone, Dropout: true}, false},
		"resnet, resize":        {GeneratorSpec{In: 3, Out: 3, NGF: 6, Blocks: 1, Upsample: UpsampleResize}, false},
		"U-Net":                 {GeneratorSpec{In: 3, Out: 3, NGF: 5, Downs: 5}, false},
		"U-Net, batch, eval":    {GeneratorSpec{In: 1, Out: 3, NGF: 6, Downs: 5, Norm: NormBatch}, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := NewGenerator("G_A", c.GeneratorSpec)
			arena := dev.NewArena("weights")
			n.Params.reserve(arena, false)
			if err := arena.Allocate(); err != nil {
				t.Fatal(err)
			}
			defer arena.Free()
			state := n.Params.InitState(1, InitNormal, 0.2)
			for name, v := range state {
				if strings.Contains(name, "running") {
					for i := range v {
						v[i] += 0.01 * float32(i) // not what they begin with
					}
				}
			}
			if err := n.Params.uploadWeights(dev, state); err != nil {
				t.Fatal(err)
			}
			for _, s := range []struct{ h, w, kib int }{
				{64, 48, 300}, {64, 48, 150}, {100, 36, 100}, {36, 132, 60}, {12, 200, 40},
			} {
				x := randomPixels(n.padded(s.h), n.padded(s.w), n.In)
				want := wholePicture(t, dev, n, x, c.eval)
				tiles := &tiler{dev: dev, budget: s.kib << 10, eval: c.eval}
				if _, err := tiles.rehearse(n, shape{x.h, x.w, x.bits}); err != nil {
					t.Fatal(err)
				}
				y, err := tiles.forward(n, x)
				if err != nil {
					t.Fatal(err)
				}
				got, worst := bytesFloats(y.v), 0.0
				for i, v := range bytesFloats(want) {
					worst = max(worst, math.Abs(float64(v-got[i])))
				}
				t.Logf("%dx%d, %d KiB: tiles %v, worst difference %.2g", s.w, s.h, s.kib, tiles.sizes, worst)
				if worst > tiledTolerance || math.IsNaN(worst) {
					t.Errorf("%dx%d in tiles of %d KiB: off by %g", s.w, s.h, s.kib, worst)
				}
			}
		})
	}
}

func randomPixels(h, w, c int) *pixels {
	r := rand.New(rand.NewPCG(uint64(h), uint64(w)))
	v := make([]byte, h*w*c)
	for i := range v {
		v[i] = byte(r.Uint32())
	}
	return newPixels(shape{h, w, 8}, c, v)
}

// wholePicture is the network's output as one program makes it.
func wholePicture(t *testing.T, dev *vk.Device, n *Network, x *pixels, eval bool) []byte {
	p := dev.NewProgram(fmt.Sprintf("whole %dx%d", x.w, x.h))
	defer p.Free()
	in := p.Host("picture", kernels.PixelBytes(1, x.h, x.w, x.c, x.bits))
	picture := kernels.NewTensor(p, "x", 1, x.h, x.w, x.c)
	kernels.Upload(p, in.All(), x.bits, picture)
	y := n.Forward(p, picture, Pass{Eval: eval}).Y
	out := p.Host("y", y.Bytes)
	kernels.Copy(p, y, kernels.Tensor{Range: out.All(), N: 1, H: y.H, W: y.W, C: y.C})
	if err := p.Build(); err != nil {
		t.Fatal(err)
	}
	copy(p.Slot(0).Bytes(in), x.v)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(p.Slot(0).Bytes(out))
}

// TestTranslateInTiles: a translator with little memory stays within it, and gives the picture that it gives with much.
func TestTranslateInTiles(t *testing.T) {
	dev := vktest.Device(t)
	config := DefaultConfig()
	config.NetG, config.NGF = "resnet_2blocks", 8
	spec, err := config.GeneratorSpec("G_A")
	if err != nil {
		t.Fatal(err)
	}
	state := NewGenerator("G_A", spec).Params.InitState(3, InitNormal, 0.1)
	translator, err := NewTranslator(dev, &Checkpoint{Info: Info{Config: config}, Nets: map[string]NetState{"G_A": {Weights: state}}}, "AtoB")
	if err != nil {
		t.Fatal(err)
	}
	defer translator.Close()
	x := &data.Image{W: 203, H: 150, Format: data.RGB, Pix: randomPixels(150, 203, 3).v}
	want, err := translator.Translate(x)
	if err != nil || translator.tiles != nil {
		t.Fatalf("untiled: %v, tiles %v", err, translator.tiles)
	}
	small := &data.Image{W: 9, H: 9, Format: data.RGB, Pix: randomPixels(9, 9, 3).v} // frees the program for the larger size
	if _, err := translator.Translate(small); err != nil {
		t.Fatal(err)
	}
	tiny := &data.Image{W: 5, H: 5, Format: data.RGB, Pix: randomPixels(5, 5, 3).v}

	const most = 2 << 20
	translator.MaxMemory = most
	calls, last := 0, 0.0
	translator.Progress = func(share float64) error {
		if used, _ := dev.Allocated(); used > most {
			t.Errorf("%d bytes in use, the limit is %d", used, most)
		}
		if share < last || share > 1+1e-9 {
			t.Errorf("progress went from %g to %g", last, share)
		}
		calls, last = calls+1, share
		return nil
	}
	got, err := translator.Translate(x)
	if err != nil {
		t.Fatal(err)
	}
	if translator.tiles == nil || calls < 20 || math.Abs(last-1) > 1e-9 {
		t.Errorf("tiles %v, %d calls of Progress up to %g", translator.tiles, calls, last)
	}
	if !closePixels(got, want) {
		t.Error("another picture than untiled")
	}
	last = 0
	again, err := translator.Translate(x)
	if err != nil || !bytes.Equal(again.Pix, got.Pix) {
		t.Errorf("the second time, another picture (%v)", err)
	}

	// What the device does not allow in one binding, or does not have, goes in tiles too.
	translator.MaxMemory, translator.Progress = 0, nil
	for name, limit := range map[string]func() (undo func()){
		"binding": func() func() {
			whole := dev.Info.Limits.MaxStorageBufferRange
			dev.Info.Limits.MaxStorageBufferRange = 200 << 10
			return func() { dev.Info.Limits.MaxStorageBufferRange = whole }
		},
		"memory": func() func() {
			first := true
			return vk.Inject(func(call string, result int32) int32 {
				if first && call == "vkBindBufferMemory" {
					first = false
					return vk.OutOfDeviceMemory
				}
				return result
			})
		},
	} {
		if _, err := translator.Translate(small); err != nil {
			t.Fatal(err)
		}
		undo := limit()
		again, err := translator.Translate(x)
		undo()
		if err != nil || translator.tiles == nil || !closePixels(again, want) {
			t.Errorf("%s: %v, tiles %v, or another picture", name, err, translator.tiles)
		}
	}

	stop := errors.New("enough")
	translator.MaxMemory, translator.Progress = most, func(float64) error { return stop }
	if _, err := translator.Translate(small); err != nil {
		t.Fatal(err)
	}
	if _, err := translator.Translate(x); !errors.Is(err, stop) {
		t.Errorf("stopped with %v", err)
	}
	translator.MaxMemory = 100 << 10
	if _, err := translator.Translate(tiny); !errors.Is(err, vk.ErrTooLarge) || !strings.Contains(err.Error(), "--max_memory") {
		t.Errorf("100 KiB for everything: %v", err)
	}
	if _, err := translator.planTiles(shape{1 << 16, 1 << 16, 8}, most); !errors.Is(err, ErrOutOfHostMemory) {
		t.Errorf("4 gigapixels: %v", err)
	}
}

// closePixels tells whether no sample differs by more than 1.
func closePixels(a, b *data.Image) bool {
	for i, v := range a.Pix {
		if d := int(v) - int(b.Pix[i]); d < -1 || d > 1 {
			return false
		}
	}
	return len(a.Pix) == len(b.Pix)
}
