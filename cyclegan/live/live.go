// Package live runs a camera through a generator and onto a screen, in real time.
//
// Everything of a frame stays on the device. The stages are programs, recorded once and replayed: the network (crop, resize and
// normalise; generator; temporal smoothing), the canvas (translated, original or both), what the screen shows of it, and the
// readback for those who record. A [Pipeline] owns the programs and the weights, a [Loop] decides when each runs.
package live

import "time"

// Frame is a picture of a source: Pix holds W x H pixels of RGB, 8 bits a sample.
type Frame struct {
	W, H     int
	Pix      []byte
	Serial   uint64    // numbered from 1 on in the order of capture; what is left out was dropped
	Captured time.Time // when the source had it whole
}

// Source is where frames come from. Its methods are called by the loop's goroutine.
type Source interface {
	// Latest is the newest frame with a serial above after; ok is false where there is none. It never blocks. The frame is valid
	// until the next call. dropped is how many frames nobody has ever seen, since the source was opened.
	Latest(after uint64) (f *Frame, dropped uint64, ok bool)
	// Wake gets a value when there is something new, a frame or a change of State. Its capacity is 1.
	Wake() <-chan struct{}
	State() SourceState
	Close()
}

// SourceState says how a source is. The zero one is running.
type SourceState struct {
	Condition Condition
	Message   string // for the user, why a source waits
	Err       error  // why it ended; nil at the end of a file
}

// Condition is what a source does.
type Condition int

// The conditions of a source.
const (
	Running Condition = iota
	Waiting           // lost: it tries to come back by itself, and the last frame stays
	Ended             // there will be no more frames
)
