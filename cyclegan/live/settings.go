// What a user can change while the pipeline runs.

package live

import (
	"math"

	"cyclevk/kernels"
)

// Mode is what of a frame is shown.
type Mode int

// The modes, in the order in which a key goes through them.
const (
	Translated Mode = iota
	Original
	Split // the original left of a column, the translation right of it
	modes
)

// Next is the mode after m.
func (m Mode) Next() Mode { return (m + 1) % modes }

func (m Mode) String() string {
	switch m {
	case Original:
		return "original"
	case Split:
		return "split"
	}
	return "translated"
}

// View is how the canvas and the screen are made of a frame. What lies outside of a range is brought into it.
type View struct {
	Mode     Mode
	Split    float32 // the column of Split, as a share of the width from 0 to 1
	Strength float32 // how much of the translation is blended into the original, from 0 to 1
	// Smoothing against flicker, from 0 for none to below 1: the share that the earlier picture keeps where the camera's pixel stands
	// still. Where it moves, the new picture is taken.
	Smoothing float32
	Mirror    bool
	Overlay   *Overlay // nil for none
}

// Overlay is text over the picture, as a screen shows it; a recording has none. Pix holds W x H bytes: 0 leaves the picture as it
// is, 1 makes it darker, and more is white text over that, opaque at 255. It lies at X, Y of the framebuffer, from the top left;
// what reaches outside is cut off. It must not be changed once the loop has it.
type Overlay struct {
	X, Y, W, H int
	Pix        []byte
}

// DefaultSettings show the translation, in the size that most models were trained for.
func DefaultSettings() Settings {
	return Settings{View: View{Split: 0.5, Strength: 1}, Size: 256}
}

// mostKept bounds Smoothing: a picture that never changes is of no use.
const mostKept = 0.98

// within brings v into [low, high]; what is no number becomes low.
func within(v, low, high float32) float32 {
	if v != v {
		return low
	}
	return min(max(v, low), high)
}

// kept is Smoothing as the device takes it.
func (v *View) kept() float32 { return within(v.Smoothing, 0, mostKept) }

// composed is the view of a canvas of w columns as the device takes it.
func (v *View) composed(w int) kernels.ComposeView {
	c := kernels.ComposeView{Strength: within(v.Strength, 0, 1), Mirror: v.Mirror}
	switch v.Mode {
	case Original:
		c.From = w
	case Split:
		c.From = int(math.Round(float64(within(v.Split, 0, 1)) * float64(w)))
	}
	return c
}

// Settings are all that [Loop.Do] can change.
type Settings struct {
	View
	Size      int    // the shorter side of the canvas, in pixels, before it is cropped to what the networks take; 0 is the source's own
	Model     int    // index into the pipeline's models
	Direction string // AtoB or BtoA; what the model lacks is refused, and reported
	Paused    bool
	Sinks     []Sink // get every new picture of the canvas
}
