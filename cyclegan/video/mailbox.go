// The newest frame of a source, passed from the goroutine that reads to the one that computes without a copy or an allocation.

package video

import (
	"sync"
	"time"
)

// mailbox has three frames: one is being filled, one waits, one is with the taker.
type mailbox struct {
	wake  chan struct{} // capacity 1
	first chan struct{} // closed at the first frame
	drop  bool          // overwrite what was not taken; otherwise wait until it is

	mu                     sync.Mutex
	taken                  sync.Cond
	filling, waiting, held *Frame
	fresh                  bool // waiting was not taken yet
	serial, dropped        uint64
	state                  SourceState
	onPut                  func() // called at each frame
	closed                 bool
}

func newMailbox(drop bool) *mailbox {
	b := &mailbox{wake: make(chan struct{}, 1), first: make(chan struct{}), drop: drop, filling: &Frame{}, waiting: &Frame{}, held: &Frame{}}
	b.taken.L = &b.mu
	return b
}

// next is the frame to fill, of w x h pixels.
func (b *mailbox) next(w, h int) *Frame {
	f, n := b.filling, 3*w*h
	if cap(f.Pix) < n {
		f.Pix = make([]byte, n)
	}
	f.W, f.H, f.Pix = w, h, f.Pix[:n]
	return f
}

// put publishes the frame that next returned. It returns false when the box was closed.
func (b *mailbox) put() bool {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.fresh && !b.drop && !b.closed {
		b.taken.Wait()
	}
	if b.closed {
		return false
	}
	if b.fresh {
		b.dropped++
	}
	b.serial++
	b.filling.Serial, b.filling.Captured = b.serial, now
	b.filling, b.waiting, b.fresh = b.waiting, b.filling, true
	b.state = SourceState{}
	if b.serial == 1 {
		close(b.first)
	}
	if b.onPut != nil {
		b.onPut()
	}
	b.ring()
	return true
}

func (b *mailbox) latest(after uint64) (*Frame, uint64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fresh && b.waiting.Serial > after {
		b.waiting, b.held, b.fresh = b.held, b.waiting, false
		b.taken.Signal()
	}
	if b.held.Serial <= after {
		return nil, b.dropped, false
	}
	return b.held, b.dropped, true
}

// watch has do called at each frame, nothing for nil.
func (b *mailbox) watch(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.onPut = do
}

// count is how many frames came so far.
func (b *mailbox) count() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.serial
}

func (b *mailbox) status() SourceState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

func (b *mailbox) wait(message string) { b.set(SourceState{Condition: Waiting, Message: message}) }

func (b *mailbox) end(err error) {
	b.set(SourceState{Condition: Ended, Err: err})
}

func (b *mailbox) set(s SourceState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
	b.ring()
}

// close lets a waiting put return.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.taken.Broadcast()
}

func (b *mailbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default: // one word is enough
	}
}
