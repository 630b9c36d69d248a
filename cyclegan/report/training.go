// The pages of a training, which grow with it at a cost that does not: index.html holds the newest grids and the curves, which
// are thinned; older grids move, so many at a time, to pages that are written once.

package report

import (
	"fmt"
	"io"
)

// Training is what the pages of a training show.
type Training struct {
	Title string

	grids  []Grid // from the oldest on
	kept   int    // pages of older grids that are written
	curves curves
}

// Grid is a grid of sample pictures: the file, below the folder of the pages, and when it was made.
type Grid struct {
	Epoch, Step int
	File        string
}

// perPage is how many grids a page of older ones holds. index.html has as many at least, where there are so many, and not
// twice as many.
const perPage = 24

// AddLosses takes in the losses after a step, by their names.
func (t *Training) AddLosses(step int, losses map[string]float32) { t.curves.add(step, losses) }

// AddGrid takes in a grid, in the place of those that are not of an earlier step.
func (t *Training) AddGrid(g Grid) {
	for len(t.grids) > 0 && t.grids[len(t.grids)-1].Step >= g.Step {
		t.grids = t.grids[:len(t.grids)-1]
	}
	t.grids = append(t.grids, g)
	t.kept = min(t.kept, t.older())
}

// older is how many pages of older grids there are.
func (t *Training) older() int { return max(0, len(t.grids)/perPage-1) }

// Write has the pages written that are not yet, or no longer, as they should be: index.html always. The function write makes
// the file of that name, below the folder of the pages.
func (t *Training) Write(write func(name string, page func(io.Writer) error) error) error {
	for ; t.kept < t.older(); t.kept++ {
		p := &trainingPage{Title: fmt.Sprintf("%s, part %d", t.Title, t.kept+1), Newest: "index.html"}
		p.fill(t.grids[t.kept*perPage:][:perPage], t.kept)
		if err := write(pageName(t.kept), p.write); err != nil {
			return err
		}
	}
	p := &trainingPage{Title: t.Title, Charts: t.curves.charts()}
	p.fill(t.grids[t.older()*perPage:], t.older())
	return write("index.html", p.write)
}

func pageName(i int) string { return fmt.Sprintf("grids-%04d.html", i+1) }

// trainingPage is one page for the template.
type trainingPage struct {
	Title         string
	Charts        []chart
	Grids         []Grid // from the newest on
	Newest, Older string // pages to go to; empty for none
}

func (p *trainingPage) fill(grids []Grid, older int) {
	for i := range grids {
		p.Grids = append(p.Grids, grids[len(grids)-1-i])
	}
	if older > 0 {
		p.Older = pageName(older - 1)
	}
}

func (p *trainingPage) write(w io.Writer) error { return pages.ExecuteTemplate(w, "training.html", p) }
