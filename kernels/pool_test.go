// The host's part of the image pool: what is decided, and how the slots are laid out.

package kernels

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func TestPoolDecide(t *testing.T) {
	const size, batch, batches = 5, 3, 4000
	buf := make([]byte, 8*batch)
	stored, swaps, slots := 0, 0, [size]int{}
	for b := range batches {
		before := stored
		stored = PoolDecide(buf, size, stored, rand.New(rand.NewPCG(7, uint64(b))))
		for n := range batch {
			action, slot := PoolAction(binary.LittleEndian.Uint32(buf[8*n:])), int(binary.LittleEndian.Uint32(buf[8*n+4:]))
			switch {
			case before < size:
				if action != PoolStore || slot != before {
					t.Fatalf("batch %d image %d: action %d slot %d while %d of %d are stored", b, n, action, slot, before, size)
				}
				before++
			case action == PoolSwap:
				swaps++
				slots[slot]++
			case action != PoolKeep:
				t.Fatalf("batch %d image %d: action %d with a full pool", b, n, action)
			}
		}
	}
	if stored != size {
		t.Errorf("%d stored, want %d", stored, size)
	}
	// Five standard deviations of the binomial distributions.
	draws := float64(batch*batches - size)
	if d := float64(swaps) - draws/2; d*d > 25*draws/4 {
		t.Errorf("%d swaps in %g draws, want about half", swaps, draws)
	}
	for slot, n := range slots {
		if d := float64(n) - float64(swaps)/size; d*d > 25*float64(swaps)/size {
			t.Errorf("slot %d taken %d times of %d", slot, n, swaps)
		}
	}
}

func TestPoolOfNoneKeeps(t *testing.T) {
	buf := []byte{1, 1, 1, 1, 1, 1, 1, 1}
	if stored := PoolDecide(buf, 0, 0, rand.New(rand.NewPCG(1, 1))); stored != 0 || binary.LittleEndian.Uint64(buf) != 0 {
		t.Errorf("decided %v with %d stored, want to keep", buf, stored)
	}
}

// A pool larger than what a device binds is cut between images.
func TestReservePoolSplits(t *testing.T) {
	dev := vktest.Device(t)
	image := Bytes(1, 8, 16, 3)
	dev.Info.Limits.MaxStorageBufferRange = 3*image + 1
	arena := dev.NewArena("pool")
	pool := ReservePool(arena, dev, Float32, "pool", 7, 8, 16, 3)
	if len(pool.blocks) != 3 || pool.Size() != 7 {
		t.Fatalf("%d blocks for %d images, want 3 for 7", len(pool.blocks), pool.Size())
	}
	seen := map[vk.Range]bool{}
	for i, r := range pool.Images() {
		if seen[r] || r.Bytes != image || r.Offset+r.Bytes > r.Size {
			t.Errorf("image %d lies at %d of %s, which has %d bytes", i, r.Offset, r.Name, r.Size)
		}
		seen[r] = true
	}
	if _, err := arena.Bytes(); err != nil {
		t.Error(err)
	}
	if images := ReservePool(arena, dev, Float32, "none", 0, 8, 16, 3).Images(); len(images) != 0 {
		t.Errorf("an empty pool has %d images", len(images))
	}
}
