// One pass over a plane in tiles: how large they are, and how host and device share the work.

package cyclegan

import (
	"errors"
	"fmt"
	"sort"

	"cyclevk/vk"
)

type (
	tileSize struct{ h, w int }
	filler   = func(s vk.Slot, part rect)     // puts a part of the planes into a slot
	drainer  = func(s vk.Slot, from, to rect) // takes a part of a tile from a slot to its place
)

// tiling is a pass over planes of h x w.
type tiling struct {
	name    string
	reach   reach
	h, w    int
	program func(p *vk.Program, h, w int) (filler, drainer) // appends the work on a tile of h x w
}

// tiles runs a pass. The host fills and drains one slot while the device works on the other.
func (t *tiler) tiles(g tiling) error {
	if t.rehearsal {
		size, err := t.choose(g)
		t.sizes = append(t.sizes, size)
		return err
	}
	size := t.sizes[t.pass]
	t.pass++
	p := t.dev.NewProgram("tiles of " + g.name)
	fill, drain := g.program(p, size.h, size.w)
	if err := p.Build(); err != nil {
		return err
	}
	defer p.Free()
	type run struct {
		vk.Slot
		from, to rect
	}
	var running []run
	finish := func() error {
		r := running[0]
		running = running[1:]
		if err := p.Wait(r.Slot); err != nil {
			return err
		}
		drain(r.Slot, r.from, r.to)
		t.done += float64(p.Work())
		if t.progress != nil {
			return t.progress(t.done / t.work)
		}
		return nil
	}
	for _, row := range g.reach.cut(g.h, size.h) {
		for _, col := range g.reach.cut(g.w, size.w) {
			if len(running) == 2 {
				if err := finish(); err != nil {
					return err
				}
			}
			s, err := p.Acquire()
			if err != nil {
				return err
			}
			fill(s, rect{row.in, col.in, size.h, size.w})
			if err := p.Submit(s); err != nil {
				return err
			}
			h, w := row.to-row.from, col.to-col.from
			running = append(running, run{s, rect{row.from, col.from, h, w}, rect{row.out, col.out, h, w}})
		}
	}
	for len(running) > 0 {
		if err := finish(); err != nil {
			return err
		}
	}
	return nil
}

// choose takes the tile with the least to do, margins included, of those that the budget and the device's limits allow: for each
// number of columns the highest, and of the equals the smallest.
func (t *tiler) choose(g tiling) (best tileSize, err error) {
	var all, least float64
	var tooLarge error
	for columns := 1; columns <= g.w; columns *= 2 {
		w := g.reach.shortest(g.w, columns)
		heights := g.reach.sizes(g.h)
		i := sort.Search(len(heights), func(i int) bool {
			_, err := t.plan(g, heights[i], w)
			if errors.Is(err, vk.ErrTooLarge) {
				tooLarge = err
			}
			return !errors.Is(err, vk.ErrTooLarge)
		})
		if i == len(heights) {
			continue
		}
		rows := len(g.reach.cut(g.h, heights[i]))
		if rows == 0 {
			continue
		}
		h := g.reach.shortest(g.h, rows)
		work, err := t.plan(g, h, w)
		if err != nil {
			return best, err
		}
		tiles := float64(rows * len(g.reach.cut(g.w, w)))
		cost := tiles * float64(h*w)
		if best != (tileSize{}) && cost >= least {
			break
		}
		best, least, all = tileSize{h, w}, cost, tiles*work
	}
	if best == (tileSize{}) {
		return best, tooLarge
	}
	t.work += all
	return best, nil
}

// plan is the work of a tile's program. The error wraps vk.ErrTooLarge where it needs too much.
func (t *tiler) plan(g tiling, h, w int) (work float64, err error) {
	p := t.dev.NewProgram("tiles of " + g.name)
	g.program(p, h, w)
	bytes, err := p.Plan()
	if err == nil && bytes > t.budget {
		err = fmt.Errorf("tiles of %s: %.2f MiB, %w: %.2f MiB are left", g.name, float64(bytes)/(1<<20), vk.ErrTooLarge, float64(max(0, t.budget))/(1<<20))
	}
	return float64(p.Work()), err
}
