// The loss scale of a training with tensors of 16 bits: gradients that neither vanish nor overflow.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"cyclevk/vk"
)

// ScaleState is what a training keeps of its loss scale, in device memory of ScaleBytes.
type ScaleState struct {
	Scale   float32 `json:"scale"`   // a power of two
	Good    uint32  `json:"good"`    // steps in a row without an overflow
	Skipped uint32  `json:"skipped"` // steps whose gradients overflowed
}

// Valid tells whether there can be such a scale.
func (s ScaleState) Valid() bool {
	fraction, _ := math.Frexp(float64(s.Scale))
	return fraction == 0.5 && s.Scale >= 1 && s.Scale <= 1<<24
}

// ScaleBytes is the size of a ScaleState on the device.
const ScaleBytes = 16

// FirstScale is the scale with which a training of a type begins, and the number of good steps in a row after which it doubles, 0
// for never: fp16's are those of torch.cuda.amp.GradScaler. bf16 has fp32's range and needs none.
func (e Element) FirstScale() (scale float32, interval int) {
	if e == Float16 {
		return 1 << 16, 2000
	}
	return 1, 0
}

// Encode is the state as the device holds it.
func (s ScaleState) Encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, math.Float32bits(s.Scale))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(1/s.Scale))
	b = binary.LittleEndian.AppendUint32(b, s.Good)
	return binary.LittleEndian.AppendUint32(b, s.Skipped)
}

// DecodeScale is Encode's inverse.
func DecodeScale(b []byte) ScaleState {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	return ScaleState{math.Float32frombits(word(0)), word(2), word(3)}
}

// LossScale moves a loss scale by what the guard says of a step. The guard's first word ends a training for good, the second is that
// of the losses, whose being infinite does so too, and the others are those of the step's gradients: where one is set, the step is
// skipped and the scale halves. Where it would fall below 1, the first word is set. The scale doubles after a number of good steps in a
// row; 0 for never. Adam of the same step follows.
func LossScale(p *vk.Program, state, guard vk.Range, interval int) {
	if state.Bytes != ScaleBytes || guardWords(guard) < 3 {
		p.Fail(fmt.Errorf("loss scale: a state of %d bytes and %d guard words: want %d, and 3 or more", state.Bytes, guardWords(guard), ScaleBytes))
		return
	}
	push := struct{ Guards, Interval uint32 }{guardWords(guard), uint32(interval)}
	launch(p, vk.Launch{Push: push}, "loss_scale", state, guard)
}
