// The live pipeline behind the network: smoothing from frame to frame, and the canvas.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"cyclevk/vk"
)

// SmoothState is what LiveSmooth keeps from run to run, for pictures of h x w: the camera's, and behind it the smoothed translation.
type SmoothState struct{ Tensor }

// ReserveSmoothState declares a state that lives as long as an arena. h w is a multiple of 16.
func ReserveSmoothState(a *vk.Arena, h, w int) SmoothState {
	return SmoothState{Reserve(a, "smoothing", 2, h, w, 4)}
}

// Result is the smoothed translation, of c channels.
func (s SmoothState) Result(c int) Tensor {
	r := s.Images(1, 1)
	r.C = c
	return r
}

// LiveSmooth smooths y, the translation of camera, over time, to the state's result. keep holds a float in [0, 1), the share of what is
// kept of the earlier pictures where the camera's pixel stands still; with 0, what the state held does not matter.
func LiveSmooth(p *vk.Program, camera, y Tensor, keep vk.Range, s SmoothState) {
	if camera.N != 1 || y.N != 1 || s.N != 2 || camera.H != y.H || camera.W != y.W || s.H != y.H || s.W != y.W || s.C != 4 || max(camera.C, y.C) > 4 ||
		max(camera.Element, y.Element, s.Element) != Float32 {
		p.Fail(fmt.Errorf("live_smooth of %s by %s, in %s: want [1,H,W,C] of up to 4 channels, and [2,H,W,4], of fp32", y, camera, s))
		return
	}
	push := struct{ Pixels uint32 }{uint32(y.H * y.W)}
	launch(p, vk.Launch{Push: push, Groups: groups(y.H*y.W, flatSize)}, "live_smooth", camera.Range, y.Range, keep, s.Range)
}

// ComposeView is what LiveCompose reads of a host's buffer: from the column From on the translation, blended into the camera's picture
// by Strength, from 0 to 1; the pictures, not the columns, are mirrored.
type ComposeView struct {
	From     int
	Strength float32
	Mirror   bool
}

// ComposeViewBytes is the size of a ComposeView in a buffer.
const ComposeViewBytes = 12

// Put writes the view as the shader reads it.
func (v ComposeView) Put(b []byte) {
	mirror := uint32(0)
	if v.Mirror {
		mirror = 1
	}
	binary.LittleEndian.PutUint32(b, uint32(v.From))
	binary.LittleEndian.PutUint32(b[4:], math.Float32bits(v.Strength))
	binary.LittleEndian.PutUint32(b[8:], mirror)
}

// LiveCompose writes the canvas, words of [H,W] with the bytes R, G, B and 255, from camera, [1,H,W,3], and its translation y, [1,H,W,1 or 3].
func LiveCompose(p *vk.Program, camera, y Tensor, view, canvas vk.Range) {
	if camera.N != 1 || camera.C != 3 || y.N != 1 || camera.H != y.H || camera.W != y.W || y.C != 1 && y.C != 3 || max(camera.Element, y.Element) != Float32 ||
		canvas.Bytes != 4*y.H*y.W || view.Bytes != ComposeViewBytes {
		p.Fail(fmt.Errorf("live_compose of %s and %s to %d bytes: want [1,H,W,3], [1,H,W,1 or 3] of fp32, and a word a pixel", camera, y, canvas.Bytes))
		return
	}
	push := composePush{uint32(y.W), uint32(y.H), uint32(y.C)}
	launch(p, vk.Launch{Push: push, Groups: groups(y.H*y.W, flatSize)}, "live_compose", camera.Range, y.Range, view, canvas)
}

type composePush struct{ width, height, channels uint32 }
