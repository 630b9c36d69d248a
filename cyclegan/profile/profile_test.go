// Reports of a small program whose times are made up.

package profile

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const hostile = `</script><script>document.title="broken"</script>&"'`

// sample is a program of four dispatches, in runs whose times are the given ones times 1, 2 and 3; a dispatch named slow takes factor
// times as long.
func sample(slow string, factor float64) *Measurement {
	m := &Measurement{
		Subject: "sample", Device: "paper " + hostile, Driver: "none", Config: map[string]int{"size": 4},
		Peaks: &Peaks{GFLOPS: 1, GBPS: 1, Empty: 0.5, Copied: 64},
		Dispatches: []Dispatch{
			{Kernel: "conv", Shader: "conv_forward", Phase: "forward", Layer: "G.1 forward", Work: 20e6, Read: 2e6, Written: 1e6},
			{Kernel: "norm", Shader: "norm_forward", Phase: "forward", Layer: "G.1 forward", Read: 4e6, Written: 4e6},
			{Kernel: "conv", Shader: "conv_forward", Phase: "forward", Layer: "G.2 " + hostile, Work: 20e6, Read: 2e6, Written: 1e6},
			{Kernel: "tiny", Shader: "fill", Phase: "update", Written: 16},
		},
		Submissions: []Submission{{3, 1, 80}, {1, 2, 1}},
		Runs:        map[string][]Run{},
	}
	const gap = time.Millisecond // between two submissions, before the last dispatch
	for _, times := range []float64{2, 1, 3} {
		run, at := Run{}, time.Duration(0)
		for i, milliseconds := range []float64{40, 10, 60, 1} {
			d := m.Dispatches[i]
			if d.Kernel == slow {
				milliseconds *= factor
			}
			if i == 3 {
				at += gap
			}
			took := time.Duration(milliseconds * times * float64(time.Millisecond))
			run.Start, run.Time = append(run.Start, at), append(run.Time, took)
			at += took
		}
		run.Wall = at + 2*time.Millisecond
		m.Runs[Isolated] = append(m.Runs[Isolated], run)
		m.Untimed = append(m.Untimed, run.Wall-time.Millisecond)
	}
	return m
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) }

func TestReport(t *testing.T) {
	r := sample("", 1).Report()
	if r.TotalGMAC != 0.02 || r.TotalBytes != 14e6+16 || *r.Step != 224 {
		t.Errorf("%g GMAC, %d bytes, %g ms", r.TotalGMAC, r.TotalBytes, *r.Step)
	}
	total := r.Modes[Isolated]
	if want := (Stat{222, 111, 333}); total.Parts != want || total.Wall != (Stat{225, 114, 336}) || !near(total.Between, 1) || !near(total.Host, 2) || !near(total.Covered, 222.0/225) {
		t.Errorf("%+v", total)
	}
	var names []string
	for _, rows := range [][]Row{r.Kernels, r.Layers, r.Phases} {
		sum := 0.0
		for _, row := range rows {
			names = append(names, row.Name)
			sum += row.Times[Isolated].Share
		}
		if !near(sum, 1) {
			t.Errorf("shares of %v add up to %g", names, sum)
		}
	}
	if diff := cmp.Diff([]string{"conv", "norm", "tiny", "G.2 " + hostile, "G.1 forward", "tiny", "forward", "update"}, names); diff != "" {
		t.Error(diff)
	}
	conv := r.Kernels[0]
	if conv.Count != 2 || conv.Work != 40e6 || conv.Read != 4e6 || conv.Written != 2e6 {
		t.Errorf("%+v", conv)
	}
	if c := conv.Times[Isolated]; c.Stat != (Stat{200, 100, 300}) || !near(c.GFLOPS, 0.2) || !near(c.GBPS, 0.03) || !near(c.OfPeak, 0.2) || c.Bound != "compute" {
		t.Errorf("%+v", c)
	}
	if d := r.Dispatches[2].Times[Isolated]; *d != (DispatchTime{Stat{120, 60, 180}, 100, 120}) {
		t.Errorf("%+v", d)
	}
}

func TestBound(t *testing.T) {
	p := &Peaks{GFLOPS: 100, GBPS: 10, Empty: 0.01}
	for _, c := range []struct {
		gflops, gbps, each float64
		ofPeak             float64
		bound              string
	}{
		{50, 1, 1, 0.5, "compute"},
		{5, 1, 1, 0.1, "memory"},
		{0, 20, 1, 2, "memory"}, // from a cache
		{50, 1, 0.029, 0.5, "launch"},
		{50, 1, 0.031, 0.5, "compute"},
	} {
		if ofPeak, bound := p.judge(c.gflops, c.gbps, c.each); ofPeak != c.ofPeak || bound != c.bound {
			t.Errorf("%+v: %g, %s", c, ofPeak, bound)
		}
	}
}

func TestStat(t *testing.T) {
	for _, c := range []struct {
		ms   []float64
		want Stat
	}{{nil, Stat{}}, {[]float64{3}, Stat{3, 3, 3}}, {[]float64{5, 1}, Stat{3, 1, 5}}, {[]float64{9, 1, 2}, Stat{2, 1, 9}}} {
		if got := newStat(c.ms); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.ms, got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	r := sample("", 1).Report()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"schema", "total_gmac", "step_ms", "dispatches", "modes", "peaks", "kernels", "layers", "phases"} {
		if keys[key] == nil {
			t.Errorf("no key %s", key)
		}
	}
	path := filepath.Join(t.TempDir(), "profile.json")
	for text, want := range map[string]string{string(data): "", "[]": "not a profile", `{"schema": 99}`: "schema 99"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		read, err := Read(path)
		switch {
		case want == "" && err != nil:
			t.Error(err)
		case want == "":
			read.Config = r.Config // its type is lost
			if diff := cmp.Diff(r, read); diff != "" {
				t.Error(diff)
			}
		case err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path):
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestCompare: what became slower beyond the spread stands first, with its factor; what does not compute the same is not compared.
func TestCompare(t *testing.T) {
	old := sample("", 1).Report()
	for _, c := range []struct {
		slow    string
		factor  float64
		outside bool
	}{{"norm", 4, true}, {"norm", 2.9, false}, {"conv", 0.3, true}, {"tiny", 5, true}} {
		first := Compare(old, sample(c.slow, c.factor).Report(), "kernel").Changes[0]
		if first.Name != c.slow || !near(first.Ratio, c.factor) || first.Outside != c.outside {
			t.Errorf("%+v: %+v", c, first)
		}
	}
	m := sample("", 1)
	m.Dispatches[1].Read++
	other := Compare(old, m.Report(), "kernel")
	if diff := cmp.Diff([][]string{{"norm"}, {"norm"}}, [][]string{other.Gone, other.Added}); diff != "" || len(other.Changes) != 2 {
		t.Errorf("%+v %s", other.Changes, diff)
	}
	var out strings.Builder
	if err := Compare(old, sample("norm", 4).Report(), "kernel").Print(&out, "kernel"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SLOWER", "4.000", "within the spread", "1 of 3 outside"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestPrint(t *testing.T) {
	counted := sample("", 1)
	counted.Runs, counted.Peaks, counted.Untimed, counted.Note = nil, nil, nil, "no clock"
	for by, want := range map[string][]string{
		"kernel": {"conv", "norm"}, "layer": {"G.1 forward"}, "phase": {"forward", "update"},
	} {
		for name, m := range map[string]*Measurement{"timed": sample("", 1), "counted": counted} {
			var out strings.Builder
			if err := m.Report().Print(&out, by); err != nil {
				t.Fatal(err)
			}
			want := append(slices.Clone(want), by, "0.02 GMAC", "4 dispatches", "2 submissions, 3 barriers", " 80 ms (estimated)")
			if name == "timed" {
				want = append(want, "isolated", "98.7 %", "between submissions 1.000", "host 2.000", "timestamps and barriers cost +0.4 %", "empty dispatch 500.0 us")
			} else {
				want = append(want, "no clock", "MB read")
			}
			for _, w := range want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("%s by %s: no %q in\n%s", name, by, w, out.String())
				}
			}
		}
	}
}

func TestTrace(t *testing.T) {
	var out bytes.Buffer
	if err := sample("", 1).Report().Trace(&out); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []event `json:"traceEvents"`
	}
	if err := json.Unmarshal(out.Bytes(), &trace); err != nil {
		t.Fatal(err)
	}
	type bar struct {
		Name       string
		From, Took float64
	}
	var got [2][]bar
	for _, e := range trace.TraceEvents {
		if e.Phase == "X" {
			got[e.TID] = append(got[e.TID], bar{e.Name, e.Time, e.Took})
		}
	}
	want := [2][]bar{
		{{"forward", 0, 220e3}, {"update", 221e3, 2e3}},
		{{"conv", 0, 80e3}, {"norm", 80e3, 20e3}, {"conv", 100e3, 120e3}, {"tiny", 221e3, 2e3}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
