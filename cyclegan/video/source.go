// Live sources: what --camera names, as a stream of pictures of which the newest counts.

package video

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Frame is a picture of a source.
type Frame struct {
	W, H     int
	Pix      []byte    // 3 W H bytes of RGB, rows from the top
	Serial   uint64    // 1 for the source's first frame
	Captured time.Time // when its last byte arrived
}

// SourceState says how a source is. The zero one is running.
type SourceState struct {
	Condition Condition
	Message   string // for the user: why a source waits
	Err       error  // why it ended; nil at the end of a file
}

// Condition is what a source does.
type Condition int

// The conditions of a source.
const (
	Running Condition = iota
	Waiting           // lost: it is opened again and again, and the last frame stays
	Ended             // nothing comes after the frame that may still wait
)

// SourceOptions say how a source is opened.
type SourceOptions struct {
	// FPS is the rate that is asked of cameras, the screen and test patterns, and that of folders. 0: the camera's own, 30 for the others.
	FPS float64
	// W and H are the size that is asked of cameras and test patterns. 0: the camera's own, 640x480.
	W, H int
	// Realtime plays files, folders and test patterns at their rate, and drops what is not taken in time, as cameras always do.
	// Otherwise each of their frames is handed out, in order, as fast as they are taken.
	Realtime bool
	// Loop begins files and folders anew at their end.
	Loop bool
	// Patience is how long a source may take to its first picture, and a live one between two. 0: 10 s.
	Patience time.Duration
}

// Source hands out the newest picture of a camera, file, folder, stream, screen or test pattern.
type Source struct {
	box    *mailbox
	name   string // as errors and messages call it
	cancel context.CancelFunc
	over   chan struct{} // closed when nothing comes any more
}

// defaultPatience is that of SourceOptions.
const defaultPatience = 10 * time.Second

// Pauses between two attempts to open a lost source grow from firstPause to longestPause.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// OpenSource opens what operand names, as --camera takes it (see ParseSource), and waits for the first picture: what cannot be
// opened, or shows none in time, is an error of one line with the cure. Close must be called. The source ends with ctx.
func OpenSource(ctx context.Context, operand string, o SourceOptions) (*Source, error) {
	place, err := ParseSource(operand)
	if err != nil {
		return nil, err
	}
	o.Patience = cmp.Or(o.Patience, defaultPatience)
	from, err := place.open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &Source{name: place.String(), cancel: cancel, box: newMailbox(place.live() || o.Realtime), over: make(chan struct{})}
	go func() {
		defer close(s.over)
		defer context.AfterFunc(ctx, s.box.close)() // a frame that nobody takes
		err := s.run(ctx, from, place.live(), o.Loop)
		s.box.end(err)
	}()
	select {
	case <-s.box.first:
		return s, nil
	case <-s.over:
		select {
		case <-s.box.first: // a source of few frames is through with both by now
			return s, nil
		default:
			err = s.State().Err
		}
	case <-time.After(o.Patience):
		err = fmt.Errorf("%s: no picture within %v", place, o.Patience)
	}
	s.Close()
	return nil, err
}

// Latest returns the newest frame where its serial is above after, and how many frames were overwritten unseen so far. It never
// blocks. The frame stays as it is until the next call; one goroutine may call.
func (s *Source) Latest(after uint64) (f *Frame, dropped uint64, ok bool) { return s.box.latest(after) }

// Wake receives a word, of which one is kept, whenever there is a new frame or State changed.
func (s *Source) Wake() <-chan struct{} { return s.box.wake }

// State is what the source does. Ended may be said while the last frame waits to be taken.
func (s *Source) State() SourceState { return s.box.status() }

// Close ends the source and its process.
func (s *Source) Close() {
	s.cancel()
	s.box.close()
	<-s.over
}

// pictures is one opening of a source.
type pictures interface {
	// play puts each picture into box until there are no more (nil), something is wrong, or ctx ends.
	play(ctx context.Context, box *mailbox) error
}

// run plays the source, again where it was lost or loops.
func (s *Source) run(ctx context.Context, from pictures, live, loop bool) error {
	pause := firstPause
	for {
		before := s.box.count()
		err := from.play(ctx, s.box)
		after := s.box.count()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && after == 0 {
			err = errors.New("it holds no pictures")
		}
		if after == 0 || !live && (err != nil || !loop || after == before) {
			if err != nil {
				err = fmt.Errorf("%s: %w", s.name, err)
			}
			return err
		}
		if !live {
			continue
		}
		if err == nil {
			err = errors.New("it ended")
		}
		if after > before {
			pause = firstPause
		}
		s.box.wait(fmt.Sprintf("%s is lost, and is tried again: %v", s.name, err))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}
