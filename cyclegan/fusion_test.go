// Norms that GPUs' convolutions apply as they load, and statistics that they take as they store: a step is as near to one of kernels of
// their own as its rounding says, shorter, and as exactly repeated and resumed as any.

package cyclegan

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// fusing is a configuration whose layers of 16 channels and more follow one another.
func fusing() Config {
	c := tiny()
	c.NGF, c.NDF, c.CropSize, c.LayersD = 16, 16, 32, 2
	return c
}

// launches counts a step's, by what the names of their shaders begin with.
func launches(tr *Trainer, prefix string) (n int) {
	for _, d := range tr.step.List() {
		if strings.HasPrefix(d.Shader, prefix) {
			n++
		}
	}
	return n
}

func TestFusion(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Type = vk.DiscreteGPU
	for _, change := range []func(c *Config){
		func(c *Config) {},
		func(c *Config) { c.Precision, c.LowMemory = "fp16", true },
	} {
		c := fusing()
		change(&c)
		t.Run(c.Precision, func(t *testing.T) {
			type gradients map[string][]float64
			first := func(tr *Trainer) (Losses, gradients) {
				if c.Precision == "fp16" {
					setScale(t, tr, kernels.ScaleState{Scale: 1 << 10}) // with which nothing overflows
				}
				g := gradients{}
				losses := firstLosses(t, tr)
				for _, ps := range tr.networks() {
					raw, err := ps.read(dev, ps.Grads)
					if err != nil {
						t.Fatal(err)
					}
					for _, x := range bytesFloats(raw) {
						g[ps.Net] = append(g[ps.Net], float64(x))
					}
				}
				return losses, g
			}
			restore := kernels.Fuse(kernels.FuseNone)
			plain := startTrainer(t, dev, c, nil)
			restore()
			wantLosses, want := first(plain)
			defer kernels.Fuse(kernels.FuseAll)()
			fused := startTrainer(t, dev, c, nil)
			losses, got := first(fused)

			if of, all := launches(fused, "norm_combine_blocks"), launches(plain, "norm_stats"); 2*of < all {
				t.Errorf("%d of %d statistics are taken by convolutions", of, all)
			}
			if of, all := launches(fused, "norm_forward"), launches(plain, "norm_forward"); 2*of > all {
				t.Errorf("%d norms are applied, %d without fusion", of, all)
			}
			unit := kernels.U
			if c.Precision == "fp16" {
				unit = 0x1p-11
			}
			for i, l := range wantLosses {
				if d := math.Abs(float64(losses[i].Value - l.Value)); d > 16*unit*math.Max(1, float64(l.Value)) {
					t.Errorf("loss %s of step 1: %g, without fusion %g", l.Name, losses[i].Value, l.Value)
				}
			}
			for net, w := range want {
				d := make([]float64, len(w))
				for i := range d {
					d[i] = got[net][i] - w[i]
				}
				bound := 2 * 4e-3 * math.Sqrt(unit/kernels.U) // both as far from float64 as TestPrecisionIsClose has them
				if strings.HasPrefix(net, "D") {
					bound = 2 * 2e-6 * unit / kernels.U
				}
				if off := norm(d) / norm(w); !(off <= bound) {
					t.Errorf("%s: the gradient is off by %.3g, at most %.3g", net, off, bound)
				}
			}
			plain.Close()
			whole := train(t, fused, 2)
			fused.Close()

			stopped := startTrainer(t, dev, c, nil)
			first(stopped)
			from, err := stopped.Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			stopped.Close()
			resumed := startTrainer(t, dev, from.Config, from)
			defer resumed.Close()
			if !bytes.Equal(train(t, resumed, 2), whole) {
				t.Error("a run that was stopped ends in other bits")
			}
		})
	}
}

// TestFusionOfEveryNetwork plans a step of every kind of network as on a GPU: whatever is read was written, and hardly more memory is taken
// than without fusion.
func TestFusionOfEveryNetwork(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Type = vk.DiscreteGPU
	defer kernels.Fuse(kernels.FuseAll)()
	for _, change := range []func(c *Config){
		func(c *Config) { c.NetG, c.NoDropout = "unet_32", false },
		func(c *Config) { c.Upsample = UpsampleResize },
		func(c *Config) { c.Norm, c.NoDropout = NormBatch, false },
		func(c *Config) { c.Norm, c.NetD = NormNone, "pixel" },
		func(c *Config) { c.Winograd, c.CropSize = true, 64 },
		func(c *Config) { c.LowMemory, c.BatchSize, c.CycleLoss = true, 3, "gan" },
		func(c *Config) { c.Height, c.Width, c.Precision = 24, 40, "bf16" },
	} {
		c := fusing()
		change(&c)
		fused, err := NewTrainer(dev, c)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		restore := kernels.Fuse(kernels.FuseNone)
		plain, err := NewTrainer(dev, c)
		restore()
		if err != nil {
			t.Fatal(err)
		}
		less, errLess := fused.step.Temporaries().Bytes()
		more, errMore := plain.step.Temporaries().Bytes()
		if err := errors.Join(errLess, errMore); err != nil || float64(less) > 1.02*float64(more) {
			t.Errorf("%+v: temporaries of %d bytes, %d without fusion, %v", c, less, more, err)
		}
		if odd := c.Height > 0; launches(fused, "norm_combine_blocks") == 0 && c.Norm != NormNone && !odd { // no multiple of 32 pixels
			t.Errorf("%+v: no convolution takes statistics", c)
		}
	}
}
