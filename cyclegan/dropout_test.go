// Dropout in a network: which passes share masks, and which must not.

package cyclegan

import (
	"encoding/binary"
	"slices"
	"testing"

	"cyclevk/kernels"
	"cyclevk/vk/vktest"
)

// TestDropoutMasks: a mask belongs to a step and a call; without a seed nothing is dropped.
func TestDropoutMasks(t *testing.T) {
	dev := vktest.Device(t)
	n := NewGenerator("G_A", GeneratorSpec{In: 3, Out: 3, NGF: 4, Blocks: 2, Dropout: true})
	arena, p := dev.NewArena("network"), dev.NewProgram("passes")
	n.Params.reserve(arena, false)
	seeds := [2]kernels.Tensor{kernels.Reserve(arena, "step 1", 1, 1, 1, 4), kernels.Reserve(arena, "step 2", 1, 1, 1, 4)}
	x := kernels.Reserve(arena, "x", 1, 16, 16, 3)
	passes := []Pass{
		{Seed: seeds[0].Range, Call: 1},
		{Seed: seeds[0].Range, Call: 1},
		{Seed: seeds[0].Range, Call: 2},
		{Seed: seeds[1].Range, Call: 1},
		{},
		{Call: 3},
	}
	var ys []kernels.Tensor
	for _, pass := range passes {
		y := kernels.Reserve(arena, "y", 1, 16, 16, 3)
		kernels.Copy(p, n.Forward(p, x, pass).Y, y)
		ys = append(ys, y)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(arena.Allocate())
	defer arena.Free()
	check(p.Build())
	defer p.Free()
	check(n.Params.uploadWeights(dev, hashedState(n.Params, 1)))
	check(dev.Write(x.Range, floatBytes(toNHWC(x, uniform(1, "x", 3*16*16)))))
	for i, seed := range seeds {
		words := make([]byte, seed.Bytes)
		binary.LittleEndian.PutUint32(words[8:], uint32(i))
		check(dev.Write(seed.Range, words))
	}
	check(p.Run())
	var got [][]byte
	for _, y := range ys {
		raw := make([]byte, y.Bytes)
		check(dev.Read(y.Range, raw))
		got = append(got, raw)
	}
	for i := range got {
		for j := range i {
			same := i == 1 && j == 0 || i == 5 && j == 4
			if slices.Equal(got[i], got[j]) != same {
				t.Errorf("passes %d and %d: the same result is %v, want %v", j, i, !same, same)
			}
		}
	}
}
