// The reference of the image pool: one image after the other, over a slice of images. Everything is exact. What is handed on
// is held against it after the taking alone, the pool after the storing too.

package kernels

import (
	"fmt"
	"slices"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "image_pool", Shaders: []string{"image_pool", "image_pool_store"}, Cases: poolCases(), Sized: sized("N,H,W,C", [][]int{{1, 256, 256, 3}},
		func(t *Trial, _ string, v []int) error {
			decisions := make([]uint32, 2*v[0])
			for i := range v[0] {
				decisions[2*i], decisions[2*i+1] = uint32(PoolSwap), uint32(i)
			}
			return poolTrial(t, Pool{size: v[0], h: v[1], w: v[2], c: v[3], perBlock: v[0]}, decisions, 0, -1)
		})})
}

// poolReference passes fakes through the images of a pool, in order, and returns what comes out. All are images' words.
func poolReference(pool, fakes [][]uint32, decisions []uint32) (out [][]uint32) {
	for n, fake := range fakes {
		action, slot := PoolAction(decisions[2*n]), decisions[2*n+1]
		switch action {
		case PoolKeep:
			out = append(out, fake)
		case PoolStore:
			pool[slot] = fake
			out = append(out, fake)
		case PoolSwap:
			out = append(out, pool[slot])
			pool[slot] = fake
		}
	}
	return out
}

func poolCases() []Case {
	keep, store, swap := uint32(PoolKeep), uint32(PoolStore), uint32(PoolSwap)
	shape := func(h, w, c int) Pool { return Pool{h: h, w: w, c: c} }
	half := Pool{element: Float16, h: 6, w: 5, c: 3}
	var cases []Case
	add := func(name string, pool Pool, size, perBlock int, decisions ...uint32) {
		pool.size, pool.perBlock = size, perBlock
		cases = append(cases, Case{name, func(t *Trial) error { return poolTrial(t, pool, decisions, 0, -1) }})
	}
	add("keep", shape(7, 3, 3), 2, 2, keep, 0)
	add("store", shape(3, 7, 1), 3, 3, store, 1)
	add("swap", shape(17, 31, 3), 3, 3, swap, 2)
	add("pool of none", shape(2, 3, 5), 0, 1, keep, 0, keep, 0)
	add("two blocks", shape(1, 2, 64), 4, 2, store, 3, swap, 1, keep, 0)
	add("last block short", shape(33, 2, 3), 5, 2, swap, 4, store, 2, swap, 0)
	add("stored and taken within one batch", shape(63, 1, 65), 2, 1, store, 1, swap, 1, swap, 1, swap, 0)
	add("fp16", half, 3, 2, store, 2, swap, 1, keep, 0, swap, 2)
	cases = append(cases, Case{"random", func(t *Trial) error {
		var decisions []uint32
		for range 12 {
			decisions = append(decisions, uint32(t.Rand.IntN(3)), uint32(t.Rand.IntN(5)))
		}
		return poolTrial(t, Pool{size: 5, h: 3, w: 5, c: 31, perBlock: 2}, decisions, 0, -1)
	}})
	cases = append(cases, Case{"images of earlier in the step", func(t *Trial) error {
		return poolTrial(t, Pool{size: 3, h: 4, w: 4, c: 3, perBlock: 2}, []uint32{store, 2, swap, 0, keep, 0, swap, 2, swap, 0, swap, 1}, 3, -1)
	}})
	return append(cases, Case{"guard set", func(t *Trial) error {
		return poolTrial(t, Pool{size: 2, h: 3, w: 5, c: 3, perBlock: 1}, []uint32{store, 0, swap, 1}, 0, 1)
	}})
}

// poolTrial passes one batch through a pool full of random images, and wants those from begin on handed on. Where a word of the
// guard is set (-1: none) the pool stays.
func poolTrial(t *Trial, pool Pool, decisions []uint32, begin, set int) error {
	image := pool.image() / 4
	batch := len(decisions) / 2
	random := func() []uint32 { return bits(t.Random(image, 0, 1)) }
	var stored, fakes [][]uint32
	for range pool.size {
		stored = append(stored, random())
	}
	for range batch {
		fakes = append(fakes, random())
	}
	var blocks []vk.Range
	for first := 0; first < max(1, pool.size); first += pool.perBlock {
		held := join(stored[first:min(first+pool.perBlock, pool.size)])
		if len(held) == 0 {
			held = make([]uint32, 4)
		}
		blocks = append(blocks, t.Words(fmt.Sprintf("block %d", first), len(held), held, true))
		pool.blocks = append(pool.blocks, blocks[len(blocks)-1].Mem)
	}
	fake := Tensor{t.Words("fake", batch*image, join(fakes), false), batch, pool.h, pool.w, pool.c, pool.element}
	t.Element = pool.element
	out := t.Out("out", batch-begin, pool.h, pool.w, pool.c)
	chosen := t.Words("decisions", len(decisions), decisions, false)
	guard := t.guard(2, set)
	err := t.Run(func(p *vk.Program) {
		pool.Take(p, fake, chosen, out)
		pool.Store(p, fake, chosen, guard)
	})
	if err != nil {
		return err
	}
	before := slices.Clone(stored)
	if err := equalWords(t, out.Range, join(poolReference(stored, fakes, decisions)[begin:])); err != nil {
		return err
	}
	if set >= 0 {
		stored = before
	}
	for i, r := range blocks[:(pool.size+pool.perBlock-1)/pool.perBlock] {
		first := i * pool.perBlock
		if err := equalWords(t, r, join(stored[first:min(first+pool.perBlock, pool.size)])); err != nil {
			return err
		}
	}
	return nil
}

func join(images [][]uint32) (all []uint32) {
	for _, image := range images {
		all = append(all, image...)
	}
	return all
}
