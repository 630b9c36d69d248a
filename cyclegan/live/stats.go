// How the loop does, over the last seconds.

package live

import (
	"slices"
	"time"
)

// Stats is how the loop does. Rates and times are over the last five seconds.
type Stats struct {
	FPS         float64       // new pictures a second that were shown, or composed where there is no screen
	Latency     time.Duration // of these, from capture to the screen: the median
	Latency95   time.Duration // and the 95th percentile
	Frames      uint64        // frames of the source that were computed
	Runs        uint64        // of the network: more where the last frame was computed anew for another model, checkpoint or size
	Presented   uint64        // pictures that the screen took, redrawn ones too
	Dropped     uint64        // frames that were never computed, since a newer one was there
	SinkDropped uint64        // pictures that a sink was too slow for
	Stages      []Stage       // times on the device; none where it has no timestamps or [Options.Timing] was not set

	Source           SourceState
	SourceW, SourceH int // of the last frame; 0 before the first
	CanvasW, CanvasH int
	Playing
	Trouble error // the last that did not end the loop; nil for none
}

// Playing is what the network runs with.
type Playing struct {
	Model, Direction string
	Step, Epoch      int    // of the checkpoint, with the epoch of its next step; 0 where it has none
	Reloads          uint64 // newer checkpoints that were taken in since the pipeline was made
}

// Stage is a part of a frame's work: fit, network, smooth, compose, window.
type Stage struct {
	Name string
	Time time.Duration // on the device; in Stats the median
}

// statsSpan is what rates and times are taken over.
const statsSpan = 5 * time.Second

// sample is a measured time.
type sample struct {
	at    time.Time
	value time.Duration
}

// tally collects the samples of the last seconds.
type tally struct {
	latency []sample
	names   []string // of stages
	stages  map[string][]sample
}

// recent drops what is older than the span.
func recent(s []sample, now time.Time) []sample {
	i := 0
	for i < len(s) && now.Sub(s[i].at) > statsSpan {
		i++
	}
	return slices.Delete(s, 0, i)
}

func (t *tally) addStages(now time.Time, list []Stage) {
	if t.stages == nil {
		t.stages = map[string][]sample{}
	}
	for _, s := range list {
		if !slices.Contains(t.names, s.Name) {
			t.names = append(t.names, s.Name)
		}
		t.stages[s.Name] = append(recent(t.stages[s.Name], now), sample{now, s.Time})
	}
}

func (t *tally) addLatency(now time.Time, v time.Duration) {
	t.latency = append(recent(t.latency, now), sample{now, v})
}

// read fills in what the samples tell.
func (t *tally) read(now time.Time, s *Stats) {
	t.latency = recent(t.latency, now)
	s.Latency, s.Latency95 = quantile(t.latency, 0.5), quantile(t.latency, 0.95)
	s.FPS = 0
	if n := len(t.latency); n > 1 {
		if d := t.latency[n-1].at.Sub(t.latency[0].at); d > 0 {
			s.FPS = float64(n-1) / d.Seconds()
		}
	}
	s.Stages = nil
	for _, name := range t.names {
		if t.stages[name] = recent(t.stages[name], now); len(t.stages[name]) > 0 {
			s.Stages = append(s.Stages, Stage{name, quantile(t.stages[name], 0.5)})
		}
	}
}

// quantile is the value below which the share q of the samples lie; 0 of none.
func quantile(s []sample, q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	v := make([]time.Duration, len(s))
	for i := range s {
		v[i] = s[i].value
	}
	slices.Sort(v)
	return v[min(int(q*float64(len(v))), len(v)-1)]
}
