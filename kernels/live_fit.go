// The live pipeline's way in: a camera's frame to the canvas.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// Fit says how frames are brought to a canvas: enlarged or reduced so that Num pixels of the frame become Den, and cropped to their middle.
type Fit struct {
	FrameW, FrameH int
	W, H           int // of the canvas
	Num, Den       int
}

// maxFitSide bounds the sides of frames and canvases, whose products the shader counts in 32 bits.
const maxFitSide = 1 << 14

// offset is twice the distance from the frame's edge to the crop's, in units of 1 / Den pixels; whole pixels where nothing is scaled.
func (f Fit) offset(frame, canvas int) int {
	if f.Num == f.Den {
		return (frame - canvas) / 2 * 2 * f.Den
	}
	return frame*f.Den - canvas*f.Num
}

// LiveFit writes frame, bytes of [FrameH, FrameW, 3], to x, [1,H,W,3] or, as luma, [1,H,W,1], normalised as Upload does. frame has
// PixelBytes bytes.
func LiveFit(p *vk.Program, frame vk.Range, f Fit, x Tensor) {
	offsetX, offsetY := f.offset(f.FrameW, f.W), f.offset(f.FrameH, f.H)
	switch {
	case min(f.FrameW, f.FrameH, f.W, f.H, f.Num, f.Den) < 1 || max(f.FrameW, f.FrameH, f.W, f.H, f.Num, f.Den) > maxFitSide ||
		f.W*f.Num > f.FrameW*f.Den || f.H*f.Num > f.FrameH*f.Den:
		p.Fail(fmt.Errorf("live_fit: no %dx%d of a frame of %dx%d scaled by %d/%d, with sides up to %d", f.W, f.H, f.FrameW, f.FrameH, f.Den, f.Num, maxFitSide))
		return
	case x.N != 1 || x.H != f.H || x.W != f.W || x.C != 1 && x.C != 3 || x.Element != Float32:
		p.Fail(fmt.Errorf("live_fit to %s: want [1,%d,%d,1 or 3] of fp32", x, f.H, f.W))
		return
	case frame.Bytes < PixelBytes(1, f.FrameH, f.FrameW, 3, 8):
		p.Fail(fmt.Errorf("live_fit: frame of %d bytes, want %d", frame.Bytes, PixelBytes(1, f.FrameH, f.FrameW, 3, 8)))
		return
	}
	first, lines := f.lines()
	push := fitPush{
		int32(f.FrameW), int32(f.FrameH), int32(f.W), int32(f.H), int32(f.Num), int32(f.Den), int32(offsetX), int32(offsetY), uint32(x.C),
		int32(first), int32(lines),
	}
	if size := Bytes(1, lines, f.W, 3); f.Num >= fitApart*f.Den && size <= fitBytes {
		filtered := p.Temp("filtered lines", size).All()
		launch(p, vk.Launch{Push: push, Groups: groups(f.W*divUp(lines, fitRun), flatSize)}, "live_fit_across", frame, filtered)
		launch(p, vk.Launch{Push: push, Groups: groups(f.W*f.H, flatSize)}, "live_fit_down", filtered, x.Range)
		return
	}
	launch(p, vk.Launch{Push: push, Groups: groups(f.W*f.H, flatSize)}, "live_fit", frame, x.Range)
}

// Lines are filtered apart where pixels become fewer by fitApart along each axis: by s, they are s times as many as the canvas has, of 2 s taps
// for each of its columns, in the place of 4 s s taps for each pixel. fitBytes bounds their bytes, to what every device binds at once;
// a lane filters fitRun of them (LINES in live_fit_across.comp).
const fitApart, fitBytes, fitRun = 2, 128 << 20, 4

// lines are those of the frame under the canvas: the first, and how many.
func (f Fit) lines() (first, n int) {
	reach, offset := 2*max(f.Num, f.Den), f.offset(f.FrameH, f.H)
	first = max(f.Num+offset-reach+f.Den, 0) / (2 * f.Den)
	end := min(((2*f.H-1)*f.Num+offset+reach+f.Den-1)/(2*f.Den), f.FrameH)
	return first, end - first
}

type fitPush struct {
	frameW, frameH, w, h, num, den, offsetX, offsetY int32
	channels                                         uint32
	firstLine, lines                                 int32
}
