// The loop: from the newest frame to the screen, again and again.

package live

import (
	"context"
	"image"
)

// Config of a loop.
type Config struct {
	Source   Source
	Screen   Screen // nil for none
	Settings Settings
	Follow   string      // a run folder, whose newest checkpoint takes the place of the first model's; empty for none
	Frames   uint64      // end after so many frames; 0 for no end
	ToEnd    bool        // end with the source; else its last frame stays
	Lossless bool        // wait for slow sinks, so that they get every picture
	Trouble  func(error) // called by the loop with what does not end it, such as a sink's or a reload's error; nil for none
}

// Loop paces a pipeline: it waits for the network, composes with the newest settings, shows, and hands the network the newest frame.
// A frame is computed at most once, and at most one is in flight.
type Loop struct{}

// NewLoop makes a loop, which Run starts. The pipeline is the loop's from then on, but for its Close.
func NewLoop(p *Pipeline, c Config) *Loop { return &Loop{} }

// Run runs until the context ends, the source ends where [Config.ToEnd] is set, [Config.Frames] were computed, or the device fails. The
// error is nil in the first three cases, unless the source ended with one or a lossless sink failed. The device is idle and the sinks have
// everything when it returns; the source is not closed.
func (l *Loop) Run(ctx context.Context) error { return nil }

// Do changes the settings, from any goroutine; it takes effect with the next picture. Changes happen in the order of the calls.
func (l *Loop) Do(change func(*Settings)) {}

// Settings are those that hold now, from any goroutine.
func (l *Loop) Settings() Settings { return Settings{} }

// Snapshot has take called with the canvas of the next picture, from a goroutine of its own, or with the error that keeps it from
// being made. It may be called from any goroutine.
func (l *Loop) Snapshot(take func(*image.RGBA, error)) {}

// Redraw asks for a new picture of the last frame, such as for a window whose contents are lost, from any goroutine.
func (l *Loop) Redraw() {}

// Stats may be called from any goroutine.
func (l *Loop) Stats() Stats { return Stats{} }
