// Training by Winograd's F(4,3) keeps what training promises: the same bits, also where it was stopped; and the same losses but for
// rounding.

package cyclegan

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// winogradConfig is a training in which F(4,3) pays: 64 channels at 16x16, twice.
func winogradConfig(precision string) Config {
	c := tiny()
	c.NGF, c.CropSize, c.BatchSize, c.Precision, c.Winograd = 16, 64, 2, precision, true
	return c
}

// winogradDevice is a device on which that is known.
func winogradDevice(t *testing.T) *vk.Device {
	dev := vktest.Device(t)
	if dev.Info.Type != vk.CPU {
		t.Skip("whether F(4,3) pays in so small a network is known of CPUs alone")
	}
	return dev
}

func TestWinograd(t *testing.T) {
	dev := winogradDevice(t)
	c := winogradConfig("fp32")
	tr := startTrainer(t, dev, c, nil)
	winogradPasses(t, tr)
	first := firstLosses(t, tr)
	tr.Close()
	resumes(t, dev, c)
	c.Winograd = false
	direct := startTrainer(t, dev, c, nil)
	defer direct.Close()
	for i, want := range firstLosses(t, direct) {
		if d := math.Abs(float64(first[i].Value - want.Value)); d > 1e-6*math.Max(1, float64(want.Value)) {
			t.Errorf("loss %s of step 1: %g by F(4,3), %g without", want.Name, first[i].Value, want.Value)
		}
	}
}

// TestWinogradIn16Bits: in fp16 a step by F(4,3) is as near to fp32 as TestPrecisionIsClose asks of one without, by the kernels of CPUs and,
// where there are matrices, by those of a GPU, whose points are fp16.
func TestWinogradIn16Bits(t *testing.T) {
	dev := winogradDevice(t)
	c := winogradConfig("fp32")
	c.Winograd = false
	direct := startTrainer(t, dev, c, nil)
	exact := firstGradients(t, direct)
	direct.Close()
	kinds := []vk.DeviceType{vk.CPU}
	if _, err := kernels.MatrixShape(dev.Info, kernels.Float16); err == nil {
		kinds = append(kinds, vk.DiscreteGPU)
	}
	defer func() { dev.Info.Type = vk.CPU }()
	for _, kind := range kinds {
		dev.Info.Type = kind
		for _, winograd := range []bool{false, true} {
			c = winogradConfig("fp16")
			c.Winograd = winograd
			tr := startTrainer(t, dev, c, nil)
			nearGradients(t, tr, firstGradients(t, tr), exact, 0x1p-11)
			if winograd {
				winogradPasses(t, tr)
			}
			tr.Close()
		}
		resumes(t, dev, c)
	}
}

// winogradPasses fails where a step does not have all three by F(4,3).
func winogradPasses(t *testing.T, tr *Trainer) {
	t.Helper()
	passes := map[string]int{}
	for _, d := range tr.step.List() {
		if strings.HasPrefix(d.Shader, "winograd_") {
			kind, _, _ := strings.Cut(d.Label, " 3x3")
			passes[kind]++
		}
	}
	if passes["winograd forward"] == 0 || passes["winograd data gradient"] == 0 || passes["winograd weight gradient"] == 0 || tr.Unused() != "" {
		t.Fatalf("the step has %v; %s", passes, tr.Unused())
	}
}

// resumes holds a run that was stopped to the bits of one that was not.
func resumes(t *testing.T, dev *vk.Device, c Config) {
	t.Helper()
	tr := startTrainer(t, dev, c, nil)
	whole := train(t, tr, 2)
	tr.Close()
	tr = startTrainer(t, dev, c, nil)
	train(t, tr, 1)
	from, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	tr.Close()
	tr = startTrainer(t, dev, from.Config, from)
	defer tr.Close()
	if !bytes.Equal(train(t, tr, 1), whole) {
		t.Errorf("%s: a run that was stopped ends in other bits", c.Precision)
	}
}

// firstLosses takes the first step.
func firstLosses(t *testing.T, tr *Trainer) Losses {
	t.Helper()
	if _, err := tr.Step(randomBatch(tr.Config, 0), tr.Config.LR); err != nil {
		t.Fatal(err)
	}
	results, err := tr.Drain()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(results[0].Losses)
}
