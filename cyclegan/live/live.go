// Package live runs a camera through a generator and onto a screen, in real time.
//
// Everything of a frame stays on the device. The stages are programs, recorded once and replayed: the network (crop, resize and
// normalise; generator; temporal smoothing), the canvas (translated, original or both), what the screen shows of it, and the
// readback for those who record. A [Pipeline] owns the programs and the weights, a [Loop] decides when each runs.
package live

import "cyclevk/cyclegan/video"

// What sources hand out and say of themselves.
type (
	Frame       = video.Frame
	SourceState = video.SourceState
	Condition   = video.Condition
)

// Source is where frames come from, such as a [video.Source]. Its methods but State are called by the loop's goroutine.
type Source interface {
	// Latest is the newest frame with a serial above after; ok is false where there is none. It never blocks. The frame is valid
	// until the next call. Serials count the frames in the order of capture, from 1 on: what is left out was dropped.
	Latest(after uint64) (f *Frame, dropped uint64, ok bool)
	// Wake gets a value when there is something new, a frame or a change of State. Its capacity is 1.
	Wake() <-chan struct{}
	// State may be asked for from any goroutine.
	State() SourceState
}
