// Comparison of two profiles: what became faster or slower by more than either was scattered.

package profile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// Read reads a report that was written as JSON.
func Read(path string) (*Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: not a profile: %w", path, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("%s: a profile of schema %d, this program compares those of schema %d", path, r.Schema, Schema)
	}
	return r, nil
}

// Change is a row of two reports.
type Change struct {
	Name     string
	Mode     string
	Old, New Stat
	Ratio    float64 // New / Old, by the medians
	Outside  bool    // the two spreads have nothing in common
}

// Comparison is two reports, row by row.
type Comparison struct {
	Changes []Change // those outside the spread first, by how much time they cost or save
	Gone    []string // only in the old report, or with other counts
	Added   []string // only in the new one, or with other counts
}

// Compare compares the rows of one of Groups in all modes that both reports have. Rows whose counts of dispatches, operations or
// bytes differ do not compute the same, and are not compared.
func Compare(old, now *Report, by string) *Comparison {
	c := &Comparison{}
	before := map[string]Row{}
	for _, row := range old.rows(by) {
		before[row.Name] = row
	}
	for _, row := range now.rows(by) {
		b, ok := before[row.Name]
		if !ok || b.Count != row.Count || b.Work != row.Work || b.Read != row.Read || b.Written != row.Written {
			c.Added = append(c.Added, row.Name)
			continue
		}
		delete(before, row.Name)
		for _, mode := range Modes {
			if o, n := b.Times[mode], row.Times[mode]; o != nil && n != nil {
				c.Changes = append(c.Changes, Change{row.Name, mode, o.Stat, n.Stat, part(n.Median, o.Median), o.Max < n.Min || n.Max < o.Min})
			}
		}
	}
	for _, row := range old.rows(by) {
		if _, left := before[row.Name]; left {
			c.Gone = append(c.Gone, row.Name)
		}
	}
	slices.SortStableFunc(c.Changes, func(a, b Change) int {
		if a.Outside != b.Outside {
			if a.Outside {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.cost(), a.cost())
	})
	return c
}

// cost is by how much time the change moves the whole, up or down.
func (c Change) cost() float64 { return max(c.New.Median-c.Old.Median, c.Old.Median-c.New.Median) }

// Print writes the comparison as a table.
func (c *Comparison) Print(out io.Writer, by string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tmode\told ms\tmin\tmax\tnew ms\tmin\tmax\tnew / old\t\t\n", by)
	outside := 0
	for _, x := range c.Changes {
		verdict := "within the spread"
		switch {
		case x.Outside && x.Ratio > 1:
			verdict = "SLOWER"
		case x.Outside:
			verdict = "FASTER"
		}
		if x.Outside {
			outside++
		}
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%s\t\n",
			x.Name, x.Mode, x.Old.Median, x.Old.Min, x.Old.Max, x.New.Median, x.New.Min, x.New.Max, x.Ratio, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d outside the spread of both\n", outside, len(c.Changes))
	for _, list := range []struct {
		what  string
		names []string
	}{{"only in the old profile, or with other counts", c.Gone}, {"only in this one, or with other counts", c.Added}} {
		for _, name := range list.names {
			fmt.Fprintf(out, "%s: %s\n", list.what, name)
		}
	}
	return nil
}
