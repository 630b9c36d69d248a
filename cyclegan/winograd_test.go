// Training by Winograd's F(4,3) keeps what training promises: the same bits, also where it was stopped; and the same losses but for
// rounding.

package cyclegan

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func TestWinograd(t *testing.T) {
	dev := vktest.Device(t)
	if dev.Info.Type != vk.CPU {
		t.Skip("whether F(4,3) pays in so small a network is known of CPUs alone")
	}
	c := tiny()
	c.NGF, c.CropSize, c.BatchSize, c.Winograd = 16, 64, 2, true // 64 channels at 16x16, twice: enough for F(4,3) to pay
	tr := startTrainer(t, dev, c, nil)
	passes := map[string]int{}
	for _, d := range tr.step.List() {
		if strings.HasPrefix(d.Shader, "winograd_") {
			kind, _, _ := strings.Cut(d.Label, " 3x3")
			passes[kind]++
		}
	}
	if passes["winograd forward"] == 0 || passes["winograd data gradient"] == 0 || passes["winograd weight gradient"] == 0 {
		t.Fatalf("the step has %v", passes)
	}
	first := firstLosses(t, tr)
	whole := train(t, tr, 2)
	tr.Close()

	stopped := startTrainer(t, dev, c, nil)
	train(t, stopped, 1)
	from, err := stopped.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	stopped.Close()
	resumed := startTrainer(t, dev, from.Config, from)
	if !bytes.Equal(train(t, resumed, 2), whole) {
		t.Error("a run that was stopped ends in other bits")
	}
	resumed.Close()

	c.Winograd = false
	direct := startTrainer(t, dev, c, nil)
	defer direct.Close()
	for i, want := range firstLosses(t, direct) {
		if d := math.Abs(float64(first[i].Value - want.Value)); d > 1e-6*math.Max(1, float64(want.Value)) {
			t.Errorf("loss %s of step 1: %g by F(4,3), %g without", want.Name, first[i].Value, want.Value)
		}
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
