// Sinks: what takes pictures, each at its own pace beside the loop.

package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// sinkQueue is how many pictures may wait for a sink.
const sinkQueue = 8

// sinkPatience is how long a sink may take to end: longer than ffmpeg takes to join a recording of hours.
const sinkPatience = time.Minute

// errNoEnd says that a sink was given up.
var errNoEnd = fmt.Errorf("a recording or virtual camera took no end within %v: given up", sinkPatience)

// picture is a canvas on the host.
type picture struct {
	w, h     int
	rgb      []byte // not changed any more
	captured time.Time
}

// outlet is a sink with its queue and its goroutine, which ends when the queue is closed, or with the first error.
type outlet struct {
	Sink
	queue    chan picture
	ended    chan struct{}
	err      error // once it has ended
	reported bool
}

func startOutlet(ctx context.Context, s Sink) *outlet {
	o := &outlet{Sink: s, queue: make(chan picture, sinkQueue), ended: make(chan struct{})}
	ctx = context.WithoutCancel(ctx) // what was taken is brought to its end
	go func() {
		defer close(o.ended)
		for p := range o.queue {
			if o.err = o.Write(p.w, p.h, p.rgb, p.captured); o.err != nil {
				break
			}
		}
		ctx, cancel := context.WithTimeout(ctx, sinkPatience)
		defer cancel()
		if err := o.Finish(ctx); o.err == nil {
			o.err = err
		}
	}()
	return o
}

// failure is what ended the outlet, the first time that it is asked for; nil while it runs.
func (o *outlet) failure() error {
	select {
	case <-o.ended:
		if !o.reported {
			o.reported = true
			return o.err
		}
	default:
	}
	return nil
}

// outlets are the sinks that get pictures, and those that are ending.
type outlets struct{ open, ending []*outlet }

// set opens and closes outlets so that they are those of a list of sinks, and returns why any failed since.
func (o *outlets) set(ctx context.Context, sinks []Sink) (failures []error) {
	o.open = slices.DeleteFunc(o.open, func(out *outlet) bool {
		if slices.Contains(sinks, out.Sink) {
			return false
		}
		close(out.queue)
		o.ending = append(o.ending, out)
		return true
	})
	for _, s := range sinks {
		if !slices.ContainsFunc(o.open, func(out *outlet) bool { return out.Sink == s }) {
			o.open = append(o.open, startOutlet(ctx, s))
		}
	}
	for _, out := range slices.Concat(o.open, o.ending) {
		if err := out.failure(); err != nil {
			failures = append(failures, err)
		}
	}
	o.ending = slices.DeleteFunc(o.ending, func(out *outlet) bool { return out.reported })
	return failures
}

// failed tells whether an open outlet has ended.
func (o *outlets) failed() bool {
	return slices.ContainsFunc(o.open, func(out *outlet) bool {
		select {
		case <-out.ended:
			return true
		default:
			return false
		}
	})
}

// put hands a picture to all, and returns how many had no room for it. With wait it waits for room.
func (o *outlets) put(p picture, wait bool) (dropped uint64) {
	for _, out := range o.open {
		select {
		case out.queue <- p:
			continue
		case <-out.ended:
			continue
		default:
		}
		if !wait {
			dropped++
			continue
		}
		select {
		case out.queue <- p:
		case <-out.ended:
		}
	}
	return dropped
}

// close ends all, waits for them, and returns why any failed that set has not told of.
func (o *outlets) close() (err error) {
	for _, out := range o.open {
		close(out.queue)
	}
	givenUp := time.After(sinkPatience)
	for _, out := range slices.Concat(o.ending, o.open) {
		select {
		case <-out.ended:
			err = errors.Join(err, out.failure())
		case <-givenUp: // it hangs in Write; whoever opened it ends it
			return errors.Join(err, errNoEnd)
		}
	}
	o.open, o.ending = nil, nil
	return err
}

// rgbOf is a copy of pixels without their fourth bytes.
func rgbOf(rgba []byte) []byte {
	rgb := make([]byte, len(rgba)/4*3)
	for from, to := 0, 0; from < len(rgba); from, to = from+4, to+3 {
		copy(rgb[to:to+3], rgba[from:])
	}
	return rgb
}
