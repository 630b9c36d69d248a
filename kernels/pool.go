// The image pool: a history of generated images from which a discriminator learns, so that it does not chase the
// generator's last change (Shrivastava et al. 2017; CycleGAN, section 4).

package kernels

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"cyclevk/vk"
)

// Pool is a number of image slots in device memory. The host decides what happens to each new image ([PoolDecide]) and keeps
// count of the images stored; the device hands on ([Pool.Take]) and stores ([Pool.Store]).
type Pool struct {
	element       Element
	size, h, w, c int
	perBlock      int // slots in every block but the last
	blocks        []*vk.Mem
}

// poolBlock bounds one block of a pool, as some drivers bind or allocate no more at once.
const poolBlock = 1 << 30

// ReservePool declares a pool of size images of [h,w,c], of a type, that lives as long as the arena, in as few blocks as the device can
// bind. A pool of size 0 stores nothing and hands every image on.
func ReservePool(a *vk.Arena, dev *vk.Device, e Element, name string, size, h, w, c int) *Pool {
	pool := &Pool{element: e, size: size, h: h, w: w, c: c}
	image := pool.image()
	pool.perBlock = max(1, min(poolBlock, dev.Info.Limits.MaxStorageBufferRange, dev.Info.Limits.MaxAllocation)/image)
	for first := 0; first < max(1, size); first += pool.perBlock {
		slots := min(pool.perBlock, size-first) // an empty pool has a block too, never touched, for the kernel to bind
		pool.blocks = append(pool.blocks, a.Reserve(fmt.Sprintf("%s from image %d", name, first), max(16, slots*image)))
	}
	return pool
}

func (pool *Pool) image() int { return pool.element.Bytes(1, pool.h, pool.w, pool.c) }

// Size is the number of slots.
func (pool *Pool) Size() int { return pool.size }

// Images are the slots, each one image of [h,w,Stride(c)], for checkpoints.
func (pool *Pool) Images() []vk.Range {
	list := make([]vk.Range, pool.size)
	for i := range list {
		list[i] = pool.blocks[i/pool.perBlock].Slice(i%pool.perBlock*pool.image(), pool.image())
	}
	return list
}

// Take passes a batch of fakes by the pool, one image after the other as the decisions say, and writes what the discriminator
// is to see of the last ones to out. fake is [N,h,w,c], out [M,h,w,c] for the last M of them, decisions [N][2]uint32 as
// PoolDecide writes them. The pool stays as it is until Store, which the same step calls with the same fakes and decisions:
// fakes from earlier in the step, which it would hold by then, are therefore given once more, in front of the new ones.
func (pool *Pool) Take(p *vk.Program, fake Tensor, decisions vk.Range, out Tensor) {
	if !sameElements(p, "image pool", fake, out) {
		return
	}
	if out.N > fake.N || !fake.Images(0, out.N).SameShape(out) {
		p.Fail(fmt.Errorf("image pool: images %v in, %v out", fake, out))
		return
	}
	pool.eachBlock(p, fake, decisions, func(push poolPush, l vk.Launch, block vk.Range) {
		l.Push = poolTakePush{push, uint32(fake.N - out.N)}
		launch(p, l, "image_pool", fake.Range, decisions, out.Range, block)
	})
}

// Store puts the fakes of a batch where the decisions say, unless a word of the guard is set: see [Finite].
func (pool *Pool) Store(p *vk.Program, fake Tensor, decisions, guard vk.Range) {
	pool.eachBlock(p, fake, decisions, func(push poolPush, l vk.Launch, block vk.Range) {
		l.Push = poolStorePush{push, guardWords(guard)}
		launch(p, l, "image_pool_store", fake.Range, decisions, block, guard)
	})
}

// eachBlock prepares a launch for each block.
func (pool *Pool) eachBlock(p *vk.Program, fake Tensor, decisions vk.Range, each func(push poolPush, l vk.Launch, block vk.Range)) {
	switch {
	case fake.H != pool.h || fake.W != pool.w || fake.C != pool.c:
		p.Fail(fmt.Errorf("image pool of [%d,%d,%d]: images %v", pool.h, pool.w, pool.c, fake))
		return
	case fake.Element != pool.element:
		p.Fail(fmt.Errorf("image pool of %s: images %v of %s", pool.element, fake, fake.Element))
		return
	case pool.image()%16 != 0:
		p.Fail(fmt.Errorf("image pool of [%d,%d,%d] of %s: use images with an even number of pixels", pool.h, pool.w, pool.c, pool.element))
		return
	case decisions.Bytes < 8*fake.N:
		p.Fail(fmt.Errorf("image pool: %d bytes of decisions for %d images, want 8 an image", decisions.Bytes, fake.N))
		return
	}
	for i, block := range pool.blocks {
		first := i * pool.perBlock
		push := poolPush{uint32(fake.N), uint32(pool.image() / 16), uint32(first), uint32(min(pool.perBlock, pool.size-first))}
		each(push, vk.Launch{Groups: groups(pool.image()/16, flatSize)}, block.All().Sparse(fake.N*pool.image()))
	}
}

type poolPush struct{ Batch, Image, First, Slots uint32 }

type poolTakePush struct {
	poolPush
	Begin uint32
}

type poolStorePush struct {
	poolPush
	Guards uint32
}

// PoolAction is what happens to a new image. Its value is that of image_pool's constants.
type PoolAction uint32

// The actions of a pool.
const (
	PoolKeep  PoolAction = iota // hand the image on, unstored
	PoolStore                   // put it in a free slot, and hand it on
	PoolSwap                    // put it in the place of a stored one, and hand that on
)

// PoolDecide decides for a batch of new images, as the official ImagePool does, and returns how many are stored thereafter:
// while the pool fills, each is stored; when it is full, each takes the place of a random one with probability 1/2. stored is
// how many were before. The decisions, {action, slot} for each image, fill the host buffer, 8 bytes an image.
// With a rng that was seeded for this batch, such as one keyed by seed and step, a resumed run draws the same.
func PoolDecide(decisions []byte, size, stored int, rng *rand.Rand) int {
	for ; len(decisions) >= 8; decisions = decisions[8:] {
		action, slot := PoolKeep, 0
		switch {
		case stored < size:
			action, slot = PoolStore, stored
			stored++
		case size > 0 && rng.IntN(2) == 1:
			action, slot = PoolSwap, rng.IntN(size)
		}
		binary.LittleEndian.PutUint32(decisions, uint32(action))
		binary.LittleEndian.PutUint32(decisions[4:], uint32(slot))
	}
	return stored
}
