// Tuning changes how long a training takes and not one bit of it.

package cyclegan

import (
	"bytes"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestTuningKeepsTheBits trains as it is, with another tile for every convolution, and goes on from one to the other.
func TestTuningKeepsTheBits(t *testing.T) {
	dev := vktest.Device(t)
	plain := startTrainer(t, dev, tiny(), nil)
	defer plain.Close()
	tuning, foreign := vk.Tuning{}, vk.Tuning{}
	for _, launch := range vk.Tunables(plain.step.Program) {
		tuning[launch.Key] = launch.Variants[1].Spec
		foreign[launch.Key] = []uint32{0}
	}
	if len(tuning) < 10 {
		t.Fatalf("%d convolutions can be tuned", len(tuning))
	}
	half := train(t, plain, 3)
	from, err := plain.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	whole := train(t, plain, 3)
	for _, c := range []struct {
		name string
		vk.Tuning
		from  *Checkpoint
		steps int
		want  []byte
	}{
		{"tuned", tuning, nil, 3, half},
		{"tuned from the middle on", tuning, from, 3, whole},
		{"tuned with what no tile is", foreign, nil, 3, half},
	} {
		dev.Tuning = c.Tuning
		tr := startTrainer(t, dev, tiny(), c.from)
		if got := train(t, tr, c.steps); !bytes.Equal(got, c.want) {
			t.Errorf("%s: another checkpoint", c.name)
		}
		tr.Close()
	}
}
