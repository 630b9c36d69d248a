// The guard of a training: values that would spoil it are found before they reach a weight, and then nothing changes any more.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

// Limits for [Finite]: the bits of the smallest magnitude that is reported. Adam squares gradients, so one whose square is not
// finite is as bad as an infinity; below 2^63 no number of steps brings a moment or a weight to infinity.
const (
	Infinite    uint32 = 0x7f800000       // infinities and NaNs
	Unsquarable uint32 = (127 + 63) << 23 // 2^63 and more, too
)

// Finite looks through fp32 values, a multiple of 16 bytes, for those of a magnitude of limit and above, and notes the first in
// word, one uint32 of a guard. index is the number of the first value among those that the word is about.
//
// A guard is device memory with one word every vk.Alignment bytes. A word is 0 while nothing was found; what was found stays,
// and Adam and Pool.Store change nothing any more, until the host clears it. [Found] reads a word.
func Finite(p *vk.Program, values vk.Range, index int, limit uint32, word vk.Range) {
	if values.Bytes%16 != 0 || index < 0 || index+values.Bytes/4 > math.MaxUint32 {
		p.Fail(fmt.Errorf("finite: %d bytes of values from number %d: want a multiple of 16, and fewer than 2^32 values", values.Bytes, index))
		return
	}
	size := values.Bytes / 16
	launch(p, vk.Launch{Push: finitePush{uint32(size), uint32(index), limit}, Groups: groups(size, stripSize)}, "finite", values, word)
}

type finitePush struct{ size, index, limit uint32 }

// Found is the number of the value that a guard's word tells of; false where all was well.
func Found(word uint32) (index int, found bool) { return int(^word), word != 0 }

// guardWords is how many words a guard has.
func guardWords(guard vk.Range) uint32 {
	return uint32((guard.Bytes + vk.Alignment - 1) / vk.Alignment)
}
