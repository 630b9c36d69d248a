// The two renderings of a scene. The truth is no function of a pixel's colour: by day
// the lake has the sky's colour and at dusk it has not; at dusk the lake has the
// mountains' colour and houses have the trees', and by day they have not.

package synth

import (
	"math"

	"cyclevk/cyclegan/data"
)

// Domain is one of the two renderings.
type Domain int

// The domains: A is the day, B the dusk.
const (
	A Domain = iota
	B
)

// The classes, in the order of their indices.
const (
	sky uint8 = iota
	mountain
	meadow
	lake
	tree
	house
	sun
)

// Class is one kind of thing in a scene.
type Class struct {
	Name  string   `json:"name"`
	A     Ramp     `json:"a"`     // by day
	B     Ramp     `json:"b"`     // at dusk
	Label [3]uint8 `json:"label"` // colour in the label pictures, for looking at
	Shape string   `json:"shape"` // what tells it from a class of the same colour

	least float64 // share of a scene that it covers at the least
}

// Ramp returns the class's colours in a domain.
func (c Class) Ramp(d Domain) Ramp {
	if d == A {
		return c.A
	}
	return c.B
}

// Ramp is the sRGB colour of a class before the light: Far at half the height of a
// picture, where the horizon lies, and Near at its upper and lower edge, linear between.
type Ramp struct {
	Far  [3]uint8 `json:"far"`
	Near [3]uint8 `json:"near"`
}

// At returns the colour at height y, 0 at the top and 1 at the bottom.
func (r Ramp) At(y float64) [3]float64 {
	var colour [3]float64
	t := abs(2*y - 1)
	for c := range colour {
		colour[c] = (1-t)*float64(r.Far[c]) + t*float64(r.Near[c])
	}
	return colour
}

// flat is one colour at any height.
func flat(r, g, b uint8) Ramp { return Ramp{[3]uint8{r, g, b}, [3]uint8{r, g, b}} }

var (
	daySky   = flat(140, 195, 235)
	duskSky  = Ramp{Far: [3]uint8{255, 205, 100}, Near: [3]uint8{225, 85, 85}}
	dayGrass = Ramp{Far: [3]uint8{170, 200, 95}, Near: [3]uint8{70, 140, 55}}
	blueHour = flat(25, 35, 90)
	outline  = flat(22, 18, 30)
)

var classes = [...]Class{
	sky:      {"sky", daySky, duskSky, [3]uint8{70, 130, 180}, "all above the horizon that is nothing else", 0.20},
	mountain: {"mountain", flat(110, 85, 80), blueHour, [3]uint8{120, 120, 120}, "triangle on the horizon", 0.06},
	meadow:   {"meadow", dayGrass, flat(130, 82, 98), [3]uint8{107, 142, 35}, "all below the horizon that is nothing else", 0.15},
	lake:     {"lake", daySky, blueHour, [3]uint8{0, 0, 205}, "ellipse in the meadow", 0.08},
	tree:     {"tree", flat(25, 85, 45), outline, [3]uint8{0, 80, 0}, "round crown on a trunk", 0.03},
	house:    {"house", flat(215, 70, 55), outline, [3]uint8{220, 20, 60}, "square with a pitched roof", 0.03},
	sun:      {"sun", flat(250, 240, 175), flat(255, 225, 160), [3]uint8{255, 215, 0}, "disc in the sky", 0.008},
}

// Classes returns the classes; a label is an index into them.
func Classes() []Class { return append([]Class(nil), classes[:]...) }

// Render draws a scene in one domain, size x size pixels. Each pixel has the class of its
// centre, whose colour is scaled by the scene's light: edges are hard, so that pictures
// and labels agree to the pixel.
func Render(s Scene, d Domain, size int) *data.Image {
	m := data.NewImage(size, size)
	for i, class := range Labels(s, size) {
		x, y := centre(i%size, size), centre(i/size, size)
		light := s.brightness(x, y)
		for c, v := range classes[class].Ramp(d).At(y) {
			m.Pix[i*3+c] = uint8(min(math.Round(v*light), 255))
		}
	}
	return m
}

// Labels returns the class of each pixel, size*size of them, rows from the top.
func Labels(s Scene, size int) []uint8 {
	labels := make([]uint8, size*size)
	for i := range labels {
		labels[i] = s.class(centre(i%size, size), centre(i/size, size))
	}
	return labels
}

func centre(i, size int) float64 { return (float64(i) + 0.5) / float64(size) }
