// Package profile turns what was counted and timed of a program into reports: tables, JSON, traces, pages and comparisons. It
// knows nothing of devices.
package profile

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Schema is the version of the JSON that reports are written as: it grows when a key changes its meaning.
const Schema = 1

// Modes of a measurement.
const (
	Isolated   = "isolated"   // a barrier between any two dispatches: each has the device for itself
	Concurrent = "concurrent" // as the program runs
)

// Modes are all modes, in the order in which reports show them.
var Modes = []string{Isolated, Concurrent}

// Dispatch is one dispatch of a program, in the order in which they run.
type Dispatch struct {
	Kernel  string `json:"kernel"` // what is computed: "conv forward 3x3 256->256"
	Shader  string `json:"shader"`
	Phase   string `json:"phase"`         // of the step
	Layer   string `json:"layer"`         // of a network and the pass over it; empty between layers
	Work    int64  `json:"flop"`          // two for each product of a convolution, 0 elsewhere
	Read    int64  `json:"bytes_read"`    // of its bindings
	Written int64  `json:"bytes_written"` // of its bindings

	Times map[string]*DispatchTime `json:"times,omitempty"` // by mode
}

// Memory is what a program takes, in bytes, as it was planned.
type Memory struct {
	Device      int           `json:"device"`      // all device memory
	Temporaries int           `json:"temporaries"` // of it, shared by what does not last for a run
	Alive       int           `json:"alive"`       // the most that temporaries hold at once
	Host        int           `json:"host"`        // what the device reaches of the host's memory
	Phases      []PhaseMemory `json:"phases"`      // in the order in which they begin
}

// PhaseMemory is the most that temporaries hold at once within a phase.
type PhaseMemory struct {
	Name  string `json:"name"`
	Alive int    `json:"alive"`
}

// Submission is what the device is handed at once.
type Submission struct {
	Dispatches int     `json:"dispatches"`
	Barriers   int     `json:"barriers"`
	Estimate   float64 `json:"estimate_ms"` // by the planner, on a slow integrated GPU
}

// DispatchTime is how long a dispatch took in a mode.
type DispatchTime struct {
	Stat
	// In the typical run, that whose dispatches took the median time together.
	Start float64 `json:"start_ms"` // from the start of the program
	Time  float64 `json:"time_ms"`
}

// Stat is what repeats of one measurement gave, in milliseconds. The spread is all that was seen, from Min to Max: two sets of n
// repeats of the same thing lie wholly apart by chance once in C(2n,n)/2 times, 126 for n = 5 and 92378 for n = 10.
type Stat struct {
	Median float64 `json:"median_ms"`
	Min    float64 `json:"min_ms"`
	Max    float64 `json:"max_ms"`
}

func newStat(ms []float64) Stat {
	if len(ms) == 0 {
		return Stat{}
	}
	s := slices.Sorted(slices.Values(ms))
	n := len(s)
	return Stat{Median: (s[(n-1)/2] + s[n/2]) / 2, Min: s[0], Max: s[n-1]}
}

// Run is one run of a timed program.
type Run struct {
	Wall        time.Duration // from handing it over to its end, by the host's clock
	Start, Time []time.Duration
}

// Measurement is what a profiler has counted and timed.
type Measurement struct {
	Subject, Device, Driver string
	Config                  any
	Dispatches              []Dispatch
	Memory                  *Memory // nil where it was not asked for
	Submissions             []Submission
	Peaks                   *Peaks           // nil where they were not measured
	Untimed                 []time.Duration  // walls of runs without timestamps, one a round, in which each mode has one, too
	Runs                    map[string][]Run // by mode; none where the program was only counted, or the device has no timestamps
	Pipelines               []Pipeline       // none where nothing was compiled, or the driver does not offer its statistics
	Note                    string           // why something is missing
}

// Report is a profile as --json writes it; docs/profile.md describes it.
type Report struct {
	Schema  int    `json:"schema"`
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Driver  string `json:"driver"`
	Config  any    `json:"config"`
	Note    string `json:"note,omitempty"`

	TotalGMAC  float64  `json:"total_gmac"`  // products of the convolutions, in thousand millions
	TotalBytes int64    `json:"total_bytes"` // read and written by all dispatches
	Memory     *Memory  `json:"memory,omitempty"`
	Step       *float64 `json:"step_ms"` // median of the runs without timestamps; null where nothing ran
	Wall       *Stat    `json:"untimed,omitempty"`

	Peaks *Peaks            `json:"peaks,omitempty"`
	Modes map[string]*Total `json:"modes,omitempty"`

	Kernels    []Row      `json:"kernels"`
	Layers     []Row      `json:"layers"`
	Phases     []Row      `json:"phases"`
	Dispatches []Dispatch `json:"dispatches"`

	Submissions []Submission `json:"submissions"`

	Pipelines []Pipeline `json:"pipelines,omitempty"` // where the driver tells what it compiled
}

// Total sets the dispatches of a mode's runs against their time by the host's clock. All are medians over the runs, each for itself.
type Total struct {
	Runs    int     `json:"runs"`
	Wall    Stat    `json:"wall"`       // by the host's clock
	Parts   Stat    `json:"parts"`      // sum of the dispatches
	Between float64 `json:"between_ms"` // on the device, outside of dispatches: between submissions
	Host    float64 `json:"host_ms"`    // preparing the run, handing it over and noticing its end
	Covered float64 `json:"covered"`    // a run's dispatches as a part of its time by the host's clock
	Cost    float64 `json:"cost"`       // of measuring: Wall against that of the run without timestamps in the same round, less 1
}

// Row is the dispatches of one kernel, layer or phase together.
type Row struct {
	Name    string `json:"name"`
	Count   int    `json:"count"`
	Work    int64  `json:"flop"`
	Read    int64  `json:"bytes_read"`
	Written int64  `json:"bytes_written"`

	Times map[string]*RowTime `json:"times,omitempty"` // by mode
}

// RowTime is how long the dispatches of a row took together, and how far that is from what the device can do.
type RowTime struct {
	Stat
	Share  float64 `json:"share"` // of all dispatches
	GFLOPS float64 `json:"gflops"`
	GBPS   float64 `json:"gb_per_s"`
	OfPeak float64 `json:"of_peak,omitempty"` // the larger of the parts of the device's arithmetic and memory peaks
	Bound  string  `json:"bound,omitempty"`   // compute, memory or launch
}

// Report adds everything up.
func (m *Measurement) Report() *Report {
	r := &Report{
		Schema: Schema, Subject: m.Subject, Device: m.Device, Driver: m.Driver, Config: m.Config, Note: m.Note, Peaks: m.Peaks, Memory: m.Memory,
		Dispatches: slices.Clone(m.Dispatches), Submissions: m.Submissions, Pipelines: m.Pipelines,
	}
	for _, d := range m.Dispatches {
		r.TotalGMAC += float64(d.Work) / 2e9
		r.TotalBytes += d.Read + d.Written
	}
	if len(m.Untimed) > 0 {
		wall := newStat(milliseconds(m.Untimed))
		r.Wall, r.Step = &wall, &wall.Median
	}
	for _, mode := range Modes {
		if runs := m.Runs[mode]; len(runs) > 0 {
			if r.Modes == nil {
				r.Modes = map[string]*Total{}
			}
			r.Modes[mode] = m.total(runs)
			r.time(mode, runs)
		}
	}
	r.Kernels = m.rows(func(d *Dispatch) string { return d.Kernel })
	r.Layers = m.rows(func(d *Dispatch) string { return cmp.Or(d.Layer, d.Kernel) })
	r.Phases = m.rows(func(d *Dispatch) string { return cmp.Or(d.Phase, m.Subject) })
	return r
}

// total adds up each run.
func (m *Measurement) total(runs []Run) *Total {
	var walls, parts, between, host, covered, cost []float64
	for i, run := range runs {
		if i < len(m.Untimed) {
			cost = append(cost, part(float64(run.Wall), float64(m.Untimed[i]))-1)
		}
		sum, end := run.parts(), run.end()
		walls, parts = append(walls, ms(run.Wall)), append(parts, ms(sum))
		between, host = append(between, ms(end-sum)), append(host, ms(run.Wall-end))
		covered = append(covered, part(float64(sum), float64(run.Wall)))
	}
	return &Total{
		Runs: len(runs), Wall: newStat(walls), Parts: newStat(parts),
		Between: newStat(between).Median, Host: newStat(host).Median, Covered: newStat(covered).Median, Cost: newStat(cost).Median,
	}
}

// parts is the dispatches' time together, end when the last of them ended.
func (r Run) parts() (sum time.Duration) {
	for _, t := range r.Time {
		sum += t
	}
	return sum
}

func (r Run) end() time.Duration {
	last := len(r.Time) - 1
	return r.Start[last] + r.Time[last]
}

// time fills in the times of each dispatch.
func (r *Report) time(mode string, runs []Run) {
	byTime := slices.SortedFunc(slices.Values(runs), func(a, b Run) int { return cmp.Compare(a.parts(), b.parts()) })
	typical := byTime[(len(runs)-1)/2]
	for i := range r.Dispatches {
		var times []float64
		for _, run := range runs {
			times = append(times, ms(run.Time[i]))
		}
		d := &r.Dispatches[i]
		if d.Times == nil {
			d.Times = map[string]*DispatchTime{}
		}
		d.Times[mode] = &DispatchTime{Stat: newStat(times), Start: ms(typical.Start[i]), Time: ms(typical.Time[i])}
	}
}

// rows groups the dispatches by name, those that take longest first.
func (m *Measurement) rows(name func(*Dispatch) string) (rows []Row) {
	index := map[string]int{}
	var parts [][]int // dispatches of each row
	for i := range m.Dispatches {
		d := &m.Dispatches[i]
		at, ok := index[name(d)]
		if !ok {
			at = len(rows)
			index[name(d)], rows, parts = at, append(rows, Row{Name: name(d)}), append(parts, nil)
		}
		rows[at].Count++
		rows[at].Work += d.Work
		rows[at].Read += d.Read
		rows[at].Written += d.Written
		parts[at] = append(parts[at], i)
	}
	for mode, runs := range m.Runs {
		if len(runs) == 0 {
			continue
		}
		all := m.total(runs).Parts.Median
		for at := range rows {
			row := &rows[at]
			if row.Times == nil {
				row.Times = map[string]*RowTime{}
			}
			var times []float64
			for _, run := range runs {
				sum := 0.0
				for _, i := range parts[at] {
					sum += ms(run.Time[i])
				}
				times = append(times, sum)
			}
			row.Times[mode] = m.judge(row, newStat(times), all)
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.weight(), a.weight()) })
	return rows
}

// judge sets the time of a row against all dispatches and against the device's peaks.
func (m *Measurement) judge(row *Row, s Stat, all float64) *RowTime {
	t := &RowTime{Stat: s}
	if all > 0 {
		t.Share = s.Median / all
	}
	if s.Median > 0 {
		t.GFLOPS, t.GBPS = float64(row.Work)/s.Median/1e6, float64(row.Read+row.Written)/s.Median/1e6
	}
	if m.Peaks != nil {
		t.OfPeak, t.Bound = m.Peaks.judge(t.GFLOPS, t.GBPS, s.Median/float64(row.Count))
	}
	return t
}

// weight is what rows are sorted by: the time in the first mode that there is, or else the work.
func (r *Row) weight() float64 {
	for _, mode := range Modes {
		if t := r.Times[mode]; t != nil {
			return t.Median
		}
	}
	return float64(r.Work)
}

// Peaks are what the device did at most when it was measured.
type Peaks struct {
	GFLOPS     float64 `json:"fp32_gflops"`           // fused multiply-adds of fp32, each counted as two
	HalfGFLOPS float64 `json:"fp16_gflops,omitempty"` // of fp16, where the device is opened with it
	Matrix     *Matrix `json:"matrix,omitempty"`      // of cooperative matrices; nil where the device offers none, or they failed
	GBPS       float64 `json:"memory_gb_per_s"`       // read and written by a copy of buffers of Copied bytes
	Copied     int     `json:"copied_bytes"`
	Empty      float64 `json:"empty_dispatch_ms"` // a dispatch with almost nothing to do, behind a barrier
	Note       string  `json:"note,omitempty"`    // what could not be measured, and why
}

// Matrix is the peak of cooperative matrices of a shape.
type Matrix struct {
	Shape  string  `json:"shape"` // "16x16x16 f16*f16+f32=f32": M x N x K, and the types
	GFLOPS float64 `json:"gflops"`
}

// launchFactor is how many empty dispatches a dispatch has to last to be bound by anything else.
const launchFactor = 3

// judge tells how far dispatches of each milliseconds are from the peaks, and what bounds them: launch where a dispatch takes less
// than launchFactor empty ones, or else that peak of which they reach the larger part.
func (p *Peaks) judge(gflops, gbps, each float64) (ofPeak float64, bound string) {
	compute, memory := part(gflops, p.GFLOPS), part(gbps, p.GBPS)
	switch ofPeak = math.Max(compute, memory); {
	case each < launchFactor*p.Empty:
		bound = "launch"
	case compute > memory:
		bound = "compute"
	default:
		bound = "memory"
	}
	return ofPeak, bound
}

func part(x, of float64) float64 {
	if of <= 0 {
		return 0
	}
	return x / of
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func milliseconds(list []time.Duration) (out []float64) {
	for _, d := range list {
		out = append(out, ms(d))
	}
	return out
}
