// The live pipeline's way out: the canvas as a window shows it.

package kernels

import (
	"encoding/binary"
	"fmt"

	"cyclevk/vk"
)

// Window says how a canvas of W x H pixels lies in a framebuffer: as large as it can be, in the middle.
type Window struct {
	W, H                 int // of the canvas
	FrameW, FrameH       int // of the framebuffer
	X, Y, ShownW, ShownH int // the part of it that shows the canvas
	BGRA                 bool
}

// Letterbox places a canvas of w x h pixels in a framebuffer.
func Letterbox(w, h, frameW, frameH int) Window {
	o := Window{W: w, H: h, FrameW: frameW, FrameH: frameH, ShownW: frameW, ShownH: frameH}
	if frameW*h < frameH*w {
		o.ShownH = max(1, (2*h*frameW+w)/(2*w))
	} else {
		o.ShownW = max(1, (2*w*frameH+h)/(2*h))
	}
	o.X, o.Y = (frameW-o.ShownW)/2, (frameH-o.ShownH)/2
	return o
}

// TextPlace is what LiveWindow reads of a host's buffer: where a text of W x H bytes lies in the framebuffer, from the top left. With 0 x 0
// there is none.
type TextPlace struct{ X, Y, W, H int }

// TextPlaceBytes is the size of a TextPlace in a buffer.
const TextPlaceBytes = 16

// Put writes the place as the shader reads it.
func (t TextPlace) Put(b []byte) {
	for i, v := range []int{t.X, t.Y, t.W, t.H} {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(int32(v)))
	}
}

// LiveWindow writes pixels, words of [FrameH,FrameW], from canvas, words of [H,W] as LiveCompose makes them. text holds the bytes of the
// text that place, of TextPlaceBytes, describes: 0 leaves the picture, 1 darkens it, more is white over that. A text without an end in
// the buffer is the caller's fault.
func LiveWindow(p *vk.Program, canvas, text, place vk.Range, o Window, pixels vk.Range) {
	if min(o.W, o.H, o.FrameW, o.FrameH, o.ShownW, o.ShownH) < 1 || max(o.W, o.H, o.FrameW, o.FrameH) > maxFitSide ||
		canvas.Bytes != 4*o.W*o.H || pixels.Bytes != 4*o.FrameW*o.FrameH || place.Bytes != TextPlaceBytes {
		p.Fail(fmt.Errorf("live_window: %dx%d, %d bytes, to %dx%d, %d bytes: want a word a pixel and sides up to %d",
			o.W, o.H, canvas.Bytes, o.FrameW, o.FrameH, pixels.Bytes, maxFitSide))
		return
	}
	push := windowPush{
		[2]int32{int32(o.W), int32(o.H)},
		[2]int32{int32(o.FrameW), int32(o.FrameH)},
		[2]int32{int32(o.X), int32(o.Y)},
		[2]int32{int32(o.ShownW), int32(o.ShownH)},
		0,
	}
	if o.BGRA {
		push.bgra = 1
	}
	launch(p, vk.Launch{Push: push, Groups: groups(o.FrameW*o.FrameH, flatSize)}, "live_window", canvas, text, place, pixels)
}

type windowPush struct {
	size, window, origin, shown [2]int32
	bgra                        uint32
}
