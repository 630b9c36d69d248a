// How the loop does, over the last seconds.

package live

import "time"

// Stats is how the loop does. Rates and times are over the last five seconds.
type Stats struct {
	FPS         float64       // new pictures shown a second; without a screen, computed
	Latency     time.Duration // from capture to the screen, or to the canvas without one: the median
	Latency95   time.Duration // its 95th percentile
	Frames      uint64        // distinct frames that were computed
	Presented   uint64        // pictures that were shown, redrawn ones too
	Dropped     uint64        // frames of the source that were never computed, since a newer one was there
	SinkDropped uint64        // pictures that a sink was too slow for
	Stages      []Stage       // times on the device; none where it has no timestamps or [Options.Timing] was not set
	Source      SourceState
	SourceW     int // the size of the source's frames; 0 before the first
	SourceH     int
	CanvasW     int
	CanvasH     int
	Model       string // that is shown
	Direction   string
	Reloaded    int   // how often a followed run's checkpoint was taken
	Step        int   // of the checkpoint that is shown; 0 where it has none
	Trouble     error // the last that did not end the loop; nil for none
}

// Stage is a part of a frame's work and its time on the device: fit, network, smooth, compose, window.
type Stage struct {
	Name string
	Time time.Duration // median
}
