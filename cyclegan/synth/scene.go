// Package synth draws an unpaired data set whose truth is known: domains A and B are two
// renderings of the same kind of scene, a landscape by day and at dusk. The training
// sets share no scene; each test scene is drawn in both, so that a translation can be
// measured although training never saw a pair.
//
// This file holds the scenes: what is where, without colour.
package synth

import "math/rand/v2"

// Scene is one landscape in the unit square, y down. Which class lies at a point depends
// on the scene alone, so pictures and labels of any size agree.
type Scene struct {
	horizon   [3]float64 // height c0 + c1 (x-1/2) + c2 (x-1/2)^2
	light     [2]float64 // slope of the brightness, across and down
	mountains []triangle
	lake      ellipse
	sun       ellipse
	things    []thing // far ones first
}

type (
	triangle struct{ x, top, half float64 } // apex, and half the width at its foot
	ellipse  struct{ x, y, rx, ry float64 }
	// thing is a tree or a house that stands at (x, y), size across.
	thing struct {
		class      uint8
		x, y, size float64
	}
)

// maxLight bounds how far the light changes the brightness: colours are multiplied by
// 1 plus or minus this at the most.
const maxLight = 0.10

// NewScene draws scene number id of a stream; another stream, id or seed is another
// scene. Each class covers enough of it to be seen.
func NewScene(seed uint64, stream, id uint32) Scene {
	r := rand.New(rand.NewPCG(seed, uint64(stream)<<32|uint64(id)))
	for {
		if s := drawScene(r); s.showsAll() {
			return s
		}
	}
}

func drawScene(r *rand.Rand) Scene {
	in := func(lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }
	var s Scene
	s.horizon = [3]float64{in(0.44, 0.54), in(-0.08, 0.08), in(-0.15, 0.15)}
	s.light = [2]float64{in(-maxLight, maxLight), in(-maxLight, maxLight)}
	for range 1 + r.IntN(2) {
		half := in(0.24, 0.36)
		x := in(0.1, 0.9)
		s.mountains = append(s.mountains, triangle{x, s.ground(x) - half*in(0.75, 1), half})
	}
	radius := in(0.06, 0.085)
	s.sun = ellipse{in(0.1, 0.9), in(0.1, 0.22), radius, radius}
	s.lake = ellipse{in(0.3, 0.7), in(0.72, 0.86), in(0.28, 0.38), in(0.1, 0.13)}
	trees, houses := 1+r.IntN(3), 1+r.IntN(2)
	near := in(0.02, 0.08) // how far below the horizon the farthest thing stands
	for i := range trees + houses {
		x := in(0.08, 0.92)
		y := s.ground(x) + near
		near += in(0.02, 0.14)
		t := thing{tree, x, y, in(0.16, 0.22) * (0.7 + y/2)}
		if (i*houses)/(trees+houses) != ((i+1)*houses)/(trees+houses) { // spread the houses evenly
			t.class = house
		}
		s.things = append(s.things, t)
	}
	return s
}

// ground is the height of the horizon at x.
func (s *Scene) ground(x float64) float64 {
	d := x - 0.5
	return s.horizon[0] + d*(s.horizon[1]+d*s.horizon[2])
}

// class returns what lies at a point: the nearest thing first.
func (s *Scene) class(x, y float64) uint8 {
	for i := len(s.things) - 1; i >= 0; i-- {
		if s.things[i].covers(x, y) {
			return s.things[i].class
		}
	}
	if y > s.ground(x) {
		if s.lake.covers(x, y) {
			return lake
		}
		return meadow
	}
	for _, m := range s.mountains {
		if m.covers(x, y, s.ground(m.x)) {
			return mountain
		}
	}
	if s.sun.covers(x, y) {
		return sun
	}
	return sky
}

// brightness is the factor of the light at a point, the same for every class and domain.
func (s *Scene) brightness(x, y float64) float64 {
	return 1 + s.light[0]*(x-0.5) + s.light[1]*(y-0.5)
}

// covers tells whether a mountain with its foot at height foot covers a point above ground.
func (m triangle) covers(x, y, foot float64) bool {
	return y > m.top && abs(x-m.x)*(foot-m.top) < (y-m.top)*m.half
}

func (e ellipse) covers(x, y float64) bool {
	dx, dy := (x-e.x)/e.rx, (y-e.y)/e.ry
	return dx*dx+dy*dy < 1
}

// covers: a tree is a round crown on a trunk, a house a square with a pitched roof.
func (t thing) covers(x, y float64) bool {
	dx, up := abs(x-t.x)/t.size, (t.y-y)/t.size
	if t.class == tree {
		crown := up - 0.9
		return dx*dx+crown*crown < 0.25 || dx < 0.1 && up > 0 && up < 0.5
	}
	return up > 0 && (dx < 0.5 && up < 0.7 || up >= 0.7 && dx < 1.3-up)
}

// showsAll tells whether each class covers its least share of the picture, on a grid.
func (s *Scene) showsAll() bool {
	const grid = 48
	var count [len(classes)]int
	for i := range grid * grid {
		count[s.class((float64(i%grid)+0.5)/grid, (float64(i/grid)+0.5)/grid)]++
	}
	for c, n := range count {
		if float64(n) < classes[c].least*grid*grid {
			return false
		}
	}
	return true
}

func abs(x float64) float64 { return max(x, -x) }
