// Dropout, with masks that are computed and never stored.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// SeedWords is the length of the seed that Dropout takes.
const SeedWords = 4

// Dropout writes y = x / (1 - rate) where an element is kept and 0 where it is dropped, which happens with probability rate.
// y may be x. The backward pass is the same call on the gradient, since the mask is a function of (seed, layer, element):
// with the same three it is made again.
//
// seed holds SeedWords words: the key (low, high), the step, and 0. Element i of x, padding counted, is dropped where word
// i%4 of Philox((i/4, layer, step, 0), key) is below rate 2³². Where x is a part of a batch, first is how many images that
// has before x's: their elements count.
func Dropout(p *vk.Program, x, y Tensor, rate float32, seed vk.Range, layer uint32, first int) {
	switch {
	case !sameShapes(p, "dropout", x, y):
		return
	case !(rate >= 0 && rate < 1):
		p.Fail(fmt.Errorf("dropout of %s: rate %g: use a rate from 0 to under 1", x, rate))
		return
	case seed.Bytes != 4*SeedWords:
		p.Fail(fmt.Errorf("dropout of %s: a seed of %d bytes, want %d words", x, seed.Bytes, SeedWords))
		return
	}
	count := x.vec4s()
	push := struct {
		Count, Threshold uint32
		Scale            float32
		Layer, First     uint32
	}{uint32(count), dropBelow(rate), keptScale(rate), layer, uint32(first * count / max(1, x.N))}
	launchAs(p, x.Element, vk.Launch{Push: push, Groups: groups(count, stripSize)}, "dropout", x.Range, y.Range, seed)
}

// dropBelow is the word below which an element is dropped.
func dropBelow(rate float32) uint32 { return uint32(float64(rate) * (1 << 32)) }

// keptScale keeps the mean what it was.
func keptScale(rate float32) float32 { return 1 / (1 - rate) }
