// The mailbox without ffmpeg: order, drops, and that a frame stays as it is while it is held.

package video

import (
	"bytes"
	"testing"
)

// fill puts a frame of n pixels that all hold a value.
func fill(b *mailbox, n int, value byte) bool {
	f := b.next(n, 1)
	for i := range f.Pix {
		f.Pix[i] = value
	}
	return b.put()
}

func TestNewestFrameWins(t *testing.T) {
	b := newMailbox(true)
	if f, _, ok := b.latest(0); ok || f != nil {
		t.Fatalf("a frame before the first: %v", f)
	}
	for value := range byte(5) {
		fill(b, 7, value)
	}
	<-b.wake
	f, dropped, ok := b.latest(0)
	if !ok || f.Serial != 5 || f.Pix[0] != 4 || f.W != 7 || dropped != 4 || f.Captured.IsZero() {
		t.Fatalf("%v, %d dropped, %v, want the fifth of five", f, dropped, ok)
	}
	if _, _, ok := b.latest(5); ok {
		t.Error("a frame is handed out twice")
	}
	fill(b, 9, 9)
	fill(b, 3, 8)
	if !bytes.Equal(f.Pix, bytes.Repeat([]byte{4}, 21)) {
		t.Error("the held frame changed")
	}
	if f, dropped, ok = b.latest(5); !ok || f.W != 3 || len(f.Pix) != 9 || f.Serial != 7 || dropped != 5 {
		t.Errorf("%v, %d dropped, %v, want the seventh", f, dropped, ok)
	}
	if n := testing.AllocsPerRun(20, func() { fill(b, 7, 1); b.latest(0) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// TestHeldFrame: a frame stays whole while the other goroutine writes as fast as it can; without drops each comes, in order.
func TestHeldFrame(t *testing.T) {
	const frames = 2000
	for _, drop := range []bool{true, false} {
		b := newMailbox(drop)
		go func() {
			for i := range frames {
				fill(b, 1+i%50, byte(i+1))
			}
		}()
		seen, last, dropped := 0, uint64(0), uint64(0)
		for last < frames {
			var f *Frame
			var ok bool
			if f, dropped, ok = b.latest(last); !ok {
				<-b.wake
				continue
			}
			if f.Serial <= last || f.W != 1+int(f.Serial-1)%50 || !bytes.Equal(f.Pix, bytes.Repeat([]byte{byte(f.Serial)}, 3*f.W)) {
				t.Fatalf("frame %d after %d is of another", f.Serial, last)
			}
			seen, last = seen+1, f.Serial
		}
		if seen+int(dropped) != frames || !drop && dropped != 0 {
			t.Errorf("drop %v: %d seen, %d dropped of %d", drop, seen, dropped, frames)
		}
	}
}

// TestCloseEndsWait: nobody takes any more, and the goroutine that reads must not wait for it.
func TestCloseEndsWait(t *testing.T) {
	b := newMailbox(false)
	fill(b, 1, 1)
	put := make(chan bool)
	go func() { put <- fill(b, 1, 2) }()
	b.close()
	if <-put {
		t.Error("a frame was put into a closed box")
	}
}
