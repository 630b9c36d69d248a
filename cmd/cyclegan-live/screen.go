// The window as the loop sees it: pixels that its goroutine hands to the window system.

package main

import (
	"errors"
	"sync/atomic"

	"cyclevk/vk"
)

// extent is a width and a height that the main thread sets and the loop's goroutine reads.
type extent struct{ packed atomic.Uint64 }

func (e *extent) store(w, h int) { e.packed.Store(uint64(w)<<32 | uint64(h)) }

func (e *extent) load() (w, h int) {
	p := e.packed.Load()
	return int(p >> 32), int(p & (1<<32 - 1))
}

// screen is a live.Screen. But for extent it belongs to the loop's goroutine.
type screen struct {
	*vk.Swapchain
	extent *extent
	broken error // of the last change of size
}

// Size brings the swapchain to the size that the framebuffer has now. Where that fails it is 1 x 1, for Present to say why.
func (s *screen) Size() (w, h int) {
	if s.broken = s.Resize(s.extent.load()); s.broken != nil {
		return 1, 1
	}
	return s.Swapchain.Size()
}

// Present shows pixels, unless the window is another by now: then the loop asks for its size again.
func (s *screen) Present(pixels vk.Range) (shown bool, err error) {
	if s.broken != nil {
		return false, s.broken
	}
	if shown, err = s.Swapchain.Present(pixels); errors.Is(err, vk.ErrOutOfDate) {
		return false, nil
	}
	return shown, err
}
