// The pages of a training as it grows: every grid is found by following links, no page grows without end, and curves keep
// their shape when they are thinned.

package report_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/report"
	"cyclevk/cyclegan/report/reporttest"
)

// site is a folder of pages, and what the last Write wrote.
type site struct {
	*report.Training
	folder         string
	written, bytes int
}

func newSite(t *testing.T) *site {
	return &site{Training: &report.Training{Title: "Experiment name = </title><script>"}, folder: t.TempDir()}
}

// grid adds a grid of a step and brings the pages up to date.
func (s *site) grid(t *testing.T, step int) {
	t.Helper()
	file := fmt.Sprintf("images/%d.png", step)
	write(t, filepath.Join(s.folder, file), "")
	s.AddGrid(report.Grid{Epoch: 1 + step/10, Step: step, File: file})
	s.written, s.bytes = 0, 0
	err := s.Write(func(name string, page func(io.Writer) error) error {
		var text strings.Builder
		if err := page(&text); err != nil {
			return err
		}
		s.written++
		s.bytes += text.Len()
		return os.WriteFile(filepath.Join(s.folder, name), []byte(text.String()), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// steps are those of the grids in the order in which links lead to them.
func (s *site) steps(t *testing.T) (steps []int) {
	t.Helper()
	for name := "index.html"; name != ""; {
		page := reporttest.Read(t, filepath.Join(s.folder, name))
		if !strings.HasPrefix(page.Title, s.Title) {
			t.Errorf("%s has the title %q", name, page.Title)
		}
		for _, picture := range page.Pictures {
			step, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(picture, "images/"), ".png"))
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
		name = ""
		if last := page.Links[len(page.Links)-1]; strings.HasPrefix(last, "grids-") {
			name = last
		}
	}
	return steps
}

func TestTrainingPages(t *testing.T) {
	s := newSite(t)
	var want []int
	losses := map[string]float32{}
	for _, side := range []string{"A", "B"} {
		for _, name := range []string{"D_", "G_", "cycle_", "idt_"} {
			losses[name+side] = float32(len(losses))
		}
	}
	for step := range 130 {
		for range 3 {
			s.AddLosses(step, losses)
		}
		s.grid(t, step)
		want = append([]int{step}, want...)
		if s.written > 2 || s.bytes > 70_000 {
			t.Fatalf("grid %d takes %d pages of %d bytes in all", step, s.written, s.bytes)
		}
	}
	t.Logf("the last of 130 grids: %d bytes", s.bytes)
	if diff := cmp.Diff(want, s.steps(t)); diff != "" {
		t.Errorf("grids (-want +got):\n%s", diff)
	}

	s.grid(t, 40) // training went on from an older checkpoint, and takes another way
	s.grid(t, 45)
	if diff := cmp.Diff(append([]int{45}, want[89:]...), s.steps(t)); diff != "" {
		t.Errorf("grids after going back (-want +got):\n%s", diff)
	}
	for step := 46; step < 120; step++ {
		s.grid(t, step)
	}
	for i, step := range s.steps(t) {
		if want := 119 - i; step != want && want >= 45 {
			t.Fatalf("grid %d from the newest is of step %d, want %d", i, step, want)
		}
	}
}

var polyline = regexp.MustCompile(`<polyline class="s\d" points="([^"]+)"`)

func TestTrainingCurves(t *testing.T) {
	s := newSite(t)
	const steps = 5000
	for step := 1; step <= steps; step++ { // a straight line down, one up, and one below zero
		x := float32(step) / steps
		s.AddLosses(step, map[string]float32{"G_A": 1 - x, "cycle_<A>": x, "D_A": -x})
	}
	s.grid(t, steps)
	path := filepath.Join(s.folder, "index.html")
	page := reporttest.Read(t, path)
	for _, text := range []string{"adversarial losses", "cycle and identity losses", "G_A", "cycle_<A>", "-1.000", "1.000", "0.000", "5000", "epoch 501, step 5000"} {
		if !strings.Contains(page.Text, text+"\n") {
			t.Errorf("the page does not show %q:\n%s", text, page.Text)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	curves := polyline.FindAllStringSubmatch(string(raw), -1)
	if len(curves) != 3 {
		t.Fatalf("%d curves, want 3", len(curves))
	}
	for i, curve := range curves { // D_A, G_A, cycle_A
		points := strings.Fields(curve[1])
		if n := len(points); n < 200 || n > 400 {
			t.Errorf("curve %d has %d points", i, n)
		}
		first, mid, last := place(t, points[0]), place(t, points[len(points)/2]), place(t, points[len(points)-1])
		falls := i < 2 // y grows downwards
		if (last[1] > first[1]) != falls || last[0] < 620 || first[0] > 60 {
			t.Errorf("curve %d goes from %v to %v", i, first, last)
		}
		share := (mid[0] - first[0]) / (last[0] - first[0])
		if line := first[1] + share*(last[1]-first[1]); mid[1] < line-1.5 || mid[1] > line+1.5 {
			t.Errorf("curve %d leaves the straight line: %v between %v and %v", i, mid, first, last)
		}
		for _, p := range points {
			if q := place(t, p); q[0] < 44 || q[0] > 632 || q[1] < 8 || q[1] > 196 {
				t.Errorf("curve %d leaves the plot at %s", i, p)
			}
		}
	}

	flat := newSite(t)
	flat.AddLosses(1, map[string]float32{"idt_A": 0}) // one value, and no span
	flat.grid(t, 1)
	reporttest.Read(t, filepath.Join(flat.folder, "index.html"))
}

func place(t *testing.T, point string) (at [2]float64) {
	t.Helper()
	if _, err := fmt.Sscanf(point, "%f,%f", &at[0], &at[1]); err != nil {
		t.Fatalf("%s: %v", point, err)
	}
	return at
}
