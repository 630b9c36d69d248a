// Traces for chrome://tracing and ui.perfetto.dev, in the Trace Event Format.

package profile

import (
	"encoding/json"
	"io"
	"slices"
)

// event is one of a trace: a complete one ("X") or a name of a process or a thread ("M").
type event struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	Time  float64        `json:"ts"` // microseconds
	Took  float64        `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

// The threads of a trace.
const (
	phaseThread = iota
	dispatchThread
)

// Trace writes the typical run of each mode: a process a mode, with the phases above the dispatches.
func (r *Report) Trace(w io.Writer) error {
	events := []event{}
	for pid, mode := range Modes {
		if r.Modes[mode] == nil {
			continue
		}
		name := func(what string, tid int, name string) {
			events = append(events, event{Name: what, Phase: "M", PID: pid, TID: tid, Args: map[string]any{"name": name}})
		}
		name("process_name", 0, r.Subject+", "+mode)
		name("thread_name", phaseThread, "phases")
		name("thread_name", dispatchThread, "dispatches")
		for _, s := range r.stretches(mode) {
			events = append(events, event{Name: s.name, Phase: "X", Time: 1000 * s.from, Took: 1000 * (s.to - s.from), PID: pid, TID: phaseThread})
		}
		for _, d := range r.Dispatches {
			t := d.Times[mode]
			events = append(events, event{
				Name: d.Kernel, Phase: "X", Time: 1000 * t.Start, Took: 1000 * t.Time, PID: pid, TID: dispatchThread,
				Args: map[string]any{
					"shader": d.Shader, "layer": d.Layer, "phase": d.Phase, "flop": d.Work, "bytes_read": d.Read, "bytes_written": d.Written,
					"median_ms": t.Median, "min_ms": t.Min, "max_ms": t.Max,
				},
			})
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"displayTimeUnit": "ms", "traceEvents": events})
}

// stretch is a phase in time, in milliseconds.
type stretch struct {
	name     string
	from, to float64
}

// stretches are the phases of a mode's typical run.
func (r *Report) stretches(mode string) (list []stretch) {
	for _, d := range r.Dispatches {
		t := d.Times[mode]
		if at := slices.IndexFunc(list, func(s stretch) bool { return s.name == d.Phase }); at == len(list)-1 && at >= 0 {
			list[at].to = t.Start + t.Time
		} else {
			list = append(list, stretch{d.Phase, t.Start, t.Start + t.Time})
		}
	}
	return list
}
