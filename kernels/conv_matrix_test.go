// Tiles of cooperative matrices: they do not change a bit, and they fit the device.

package kernels

import (
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestMatrixTilesGiveTheSameBits measures passes whose pixels and channels no tile divides: whatever tile is not dropped gave the bits of
// the model's.
func TestMatrixTilesGiveTheSameBits(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Type = vk.DiscreteGPU
	defer func(all []matrixTile) { matrixTiles = all }(matrixTiles)
	matrixTiles = []matrixTile{{64, 32}, {32, 32}} // larger ones take CPU drivers long to compile
	e := matrixEngineOf(dev.Info)
	if e == nil {
		t.Skip("no cooperative matrices")
	}
	p := dev.NewProgram("tiles")
	in := func(name string, h, w, c int) Tensor { return Float16.NewTensor(p, name, 1, h, w, c) }
	c := Conv{In: 40, Out: 24, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
	x, y, w := in("x", 9, 11, 40), in("y", 9, 11, 24), p.Temp("w", 2*c.WeightLen()).All()
	c.Forward(p, x, w, p.Temp("bias", 4*24).All(), y, Tanh)
	c.DataGrad(p, y, w, x, true)
	list := vk.Tunables(p)
	if len(list) != 2 || p.Err() != nil {
		t.Fatalf("%d passes, %v", len(list), p.Err())
	}
	for _, pass := range list {
		m, err := pass.Measure()
		if err != nil {
			t.Fatal(err)
		}
		if len(pass.Variants) != len(e.tiles) || len(m.Dropped) > 0 {
			t.Errorf("%s: %d tiles, want %d; dropped: %v", pass.Label, len(pass.Variants), len(e.tiles), m.Dropped)
		}
	}
}
