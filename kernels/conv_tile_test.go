// Tiles do not change a bit: what tuning rests on.

package kernels

import (
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestTilesGiveTheSameBits measures passes whose pixels and channels no tile divides: whatever tile is not dropped gave the bits of
// the model's.
func TestTilesGiveTheSameBits(t *testing.T) {
	dev := vktest.Device(t)
	p := dev.NewProgram("tiles")
	in := func(name string, h, w, c int) Tensor { return NewTensor(p, name, 1, h, w, c) }
	floats := func(n int) vk.Range { return p.Temp("floats", 4*n).All() }
	c := Conv{In: 5, Out: 21, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
	c.Forward(p, in("x", 9, 11, 5), floats(c.WeightLen()), floats(24), in("y", 9, 11, 21), Tanh)
	down := Conv{In: 21, Out: 5, Kernel: 4, Stride: 2, Pad: 1}
	down.DataGrad(p, in("dy", 5, 4, 5), floats(down.WeightLen()), in("dx", 11, 9, 21), true)
	Winograd{c, true}.Forward(p, in("x", 9, 11, 5), floats(c.WeightLen()), floats(24), in("y", 9, 11, 21), Tanh)
	list := vk.Tunables(p)
	if len(list) != 3 || p.Err() != nil {
		t.Fatalf("%d passes, %v", len(list), p.Err())
	}
	for _, pass := range list {
		m, err := pass.Measure()
		if err != nil {
			t.Fatal(err)
		}
		if want := len(engineOf(dev.Info).tiles); len(pass.Variants) != want || len(m.Dropped) > 0 {
			t.Errorf("%s: %d tiles, want %d; dropped: %v", pass.Label, len(pass.Variants), want, m.Dropped)
		}
	}
}
