// What the loop needs of a window, and of those who take its pictures.

package live

import (
	"context"
	"time"

	"cyclevk/vk"
)

// Screen is a window as the loop sees it. Its methods are called by the loop's goroutine, which owns the device.
type Screen interface {
	// Size is that of the framebuffer in pixels, as it is now; 0 x 0 where there is nothing to show on, as in a minimised window.
	Size() (w, h int)
	// BGRA is the order of a pixel's bytes, from the lowest address on; else it is RGBA.
	BGRA() bool
	// Present shows pixels, the whole framebuffer of the size that Size gave last, after all that was submitted to the device
	// before. It must not wait for longer than a moment. shown is false where it could not: no image was free, or the size has
	// changed since. The loop asks for the size again and presents anew.
	Present(pixels vk.Range) (shown bool, err error)
}

// Sink takes pictures of the canvas: a recorder, a virtual camera. Its methods are called by a goroutine of its own.
type Sink interface {
	// Write takes a picture of w x h pixels of RGB, which stays the loop's. It may take its time: what comes meanwhile waits, and
	// is dropped and counted where too much does, unless [Config.Lossless] is set. After an error it gets nothing more.
	Write(w, h int, rgb []byte, captured time.Time) error
	// Finish comes after the last picture, once: when the sink is no longer among the settings, or the loop ends.
	Finish(ctx context.Context) error
}
