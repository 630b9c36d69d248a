// Tables for the terminal.

package profile

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Groups are what a table's rows can be.
var Groups = []string{"kernel", "layer", "phase"}

// rows are the report's by the name of the group.
func (r *Report) rows(by string) []Row {
	switch by {
	case "layer":
		return r.Layers
	case "phase":
		return r.Phases
	}
	return r.Kernels
}

// Print writes what the report has: the totals, and for each mode, or for the counts alone, a table by one of Groups.
func (r *Report) Print(w io.Writer, by string) error {
	fmt.Fprintf(w, "%s on %s, %s\n", r.Subject, r.Device, r.Driver)
	if r.Note != "" {
		fmt.Fprintln(w, r.Note)
	}
	fmt.Fprintf(w, "%d dispatches, %.2f GMAC, %.2f GB of traffic\n", len(r.Dispatches), r.TotalGMAC, float64(r.TotalBytes)/1e9)
	barriers, longest := 0, 0.0
	for _, s := range r.Submissions {
		barriers, longest = barriers+s.Barriers, max(longest, s.Estimate)
	}
	fmt.Fprintf(w, "%d submissions, %d barriers; the longest submission, on a slow integrated GPU: %.0f ms (estimated)\n", len(r.Submissions), barriers, longest)
	r.Memory.print(w)
	if p := r.Peaks; p != nil {
		fmt.Fprintf(w, "measured peaks: fp32 %.0f GFLOP/s", p.GFLOPS)
		if p.HalfGFLOPS > 0 {
			fmt.Fprintf(w, ", fp16 %.0f GFLOP/s", p.HalfGFLOPS)
		}
		if p.Matrix != nil {
			fmt.Fprintf(w, ", matrices %s %.0f GFLOP/s", p.Matrix.Shape, p.Matrix.GFLOPS)
		}
		fmt.Fprintf(w, ", memory %.1f GB/s, empty dispatch %.1f us\n", p.GBPS, 1000*p.Empty)
		if p.Note != "" {
			fmt.Fprintln(w, p.Note)
		}
	}
	r.printWalls(w)
	if len(r.Modes) == 0 {
		fmt.Fprintln(w)
		if err := printCounts(w, by, r.rows(by)); err != nil || r.Step == nil {
			return err
		}
	}
	for _, mode := range Modes {
		if t := r.Modes[mode]; t != nil {
			fmt.Fprintf(w, "\n%s, %d runs\n", mode, t.Runs)
			if err := printTimes(w, by, mode, r.rows(by), r.Peaks != nil); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(w)
	return r.printPipelines(w)
}

// print says what lasts, what is shared, and where most is needed.
func (m *Memory) print(w io.Writer) {
	if m == nil {
		return
	}
	mb := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	fmt.Fprintf(w, "memory: %s MB of the device, of it temporaries %s (alive at once %s); %s MB of the host\n", mb(m.Device), mb(m.Temporaries), mb(m.Alive), mb(m.Host))
	if len(m.Phases) < 2 {
		return
	}
	var each []string
	for _, p := range m.Phases {
		each = append(each, p.Name+" "+mb(p.Alive))
	}
	fmt.Fprintf(w, "alive at once, MB: %s\n", strings.Join(each, ", "))
}

// printWalls sets the parts against the whole, and names what lies between.
func (r *Report) printWalls(w io.Writer) {
	if r.Wall != nil {
		fmt.Fprintf(w, "without timestamps: %.3f ms (%.3f to %.3f), %.1f GFLOP/s\n", r.Wall.Median, r.Wall.Min, r.Wall.Max, 2e3*part(r.TotalGMAC, r.Wall.Median))
	}
	for _, mode := range Modes {
		t := r.Modes[mode]
		if t == nil {
			continue
		}
		fmt.Fprintf(w, "%s: %.3f ms (%.3f to %.3f), of it in dispatches %.3f (%.1f %%), between submissions %.3f, host %.3f; ",
			mode, t.Wall.Median, t.Wall.Min, t.Wall.Max, t.Parts.Median, 100*t.Covered, t.Between, t.Host)
		what := "timestamps"
		if mode == Isolated {
			what = "timestamps and barriers"
		}
		fmt.Fprintf(w, "%s cost %+.1f %%\n", what, 100*t.Cost)
	}
}

func printTimes(out io.Writer, by, mode string, rows []Row, peaks bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := by + "\ttimes\tms\tmin\tmax\tshare\tGFLOP/s\tGB/s\t"
	if peaks {
		head += "of peak\tbound\t"
	}
	fmt.Fprintln(w, head)
	few, rest, times := 0, 0.0, 0
	for _, row := range sorted(rows, mode) {
		t := row.Times[mode]
		if t.Share < leastShare {
			few, rest, times = few+1, rest+t.Median, times+row.Count
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.1f %%\t%s\t%.1f\t", row.Name, row.Count, t.Median, t.Min, t.Max, 100*t.Share, rate(t.GFLOPS), t.GBPS)
		if peaks {
			fmt.Fprintf(w, "%.0f %%\t%s\t", 100*t.OfPeak, t.Bound)
		}
		fmt.Fprintln(w)
	}
	if few > 0 {
		fmt.Fprintf(w, "%d more, each under %.1f %%\t%d\t%.3f\t\n", few, 100*leastShare, times, rest)
	}
	return w.Flush()
}

// leastShare is the share of the time that gives a row a line of its own in a terminal.
const leastShare = 0.001

// sorted are rows by their time in a mode, the longest first.
func sorted(rows []Row, mode string) []Row {
	return slices.SortedStableFunc(slices.Values(rows), func(a, b Row) int { return cmp.Compare(b.Times[mode].Median, a.Times[mode].Median) })
}

// rate is empty where nothing was counted.
func rate(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", x)
}

func printCounts(out io.Writer, by string, rows []Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\ttimes\tGMAC\tMB read\tMB written\t\n", by)
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.1f\t%.1f\t\n", row.Name, row.Count, float64(row.Work)/2e9, float64(row.Read)/1e6, float64(row.Written)/1e6)
	}
	return w.Flush()
}
