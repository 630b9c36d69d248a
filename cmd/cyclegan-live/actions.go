// What keys and mouse do.

package main

import (
	"fmt"
	"image"
	"math"
	"time"

	"github.com/go-gl/glfw/v3.3/glfw"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/live"
)

// change changes the loop's settings, and says what f says.
func (v *viewer) change(about string, f func(s *live.Settings) string) {
	if v.loop == nil {
		return
	}
	text := ""
	v.loop.Do(func(s *live.Settings) { text = f(s) })
	if text != "" {
		v.note(about, text)
	}
	v.stale = true
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (v *viewer) quit(int) { v.win.SetShouldClose(true) }

func (v *viewer) nextMode(int) {
	v.change("view", func(s *live.Settings) string {
		s.Mode = s.Mode.Next()
		return s.Mode.String()
	})
}

// splitStep is how far a key moves the split, strengthStep how much it blends.
const (
	splitStep    = 0.02
	strengthStep = 0.1
)

func (v *viewer) moveSplit(way int) {
	v.change("", func(s *live.Settings) string {
		s.Mode, s.Split = live.Split, stepped(s.Split, splitStep, way)
		return ""
	})
}

func (v *viewer) blend(way int) {
	v.change("strength", func(s *live.Settings) string {
		s.Strength = stepped(s.Strength, strengthStep, way)
		return fmt.Sprintf("strength %.0f %%", 100*s.Strength)
	})
}

// stepped is the share one step up or down, on a multiple of the step.
func stepped(share float32, step float64, way int) float32 {
	n := math.Round(float64(share)/step) + float64(way)
	return float32(min(max(n*step, 0), 1))
}

func (v *viewer) smooth(int) {
	v.change("smoothing", func(s *live.Settings) string {
		next := float32(0)
		for _, share := range []float32{0.9, 0.75, 0.5} {
			if share > s.Smoothing {
				next = share
			}
		}
		s.Smoothing = next
		return fmt.Sprintf("smoothing %.0f %%", 100*next)
	})
}

func (v *viewer) mirror(int) {
	v.change("mirror", func(s *live.Settings) string {
		s.Mirror = !s.Mirror
		return "mirror " + onOff(s.Mirror)
	})
}

func (v *viewer) chooseModel(way int) {
	models := v.session.Models()
	if way >= len(models) {
		v.note("model", fmt.Sprintf("there is no model %d: there are %d; more with --model", way+1, len(models)))
		return
	}
	m := models[way]
	v.change("model", func(s *live.Settings) string {
		if s.Model = way; !translates(m, s.Direction) {
			s.Direction = m.Direction
		}
		return fmt.Sprintf("model %d: %s %s", way+1, m.Name, s.Direction)
	})
}

func (v *viewer) turn(int) {
	models := v.session.Models()
	v.change("model", func(s *live.Settings) string {
		m, other := models[s.Model], "AtoB"
		if s.Direction == other {
			other = "BtoA"
		}
		if !translates(m, other) {
			return fmt.Sprintf("%s has no generator for %s", m.Name, other)
		}
		s.Direction = other
		return other
	})
}

// translates tells whether a model has the generator of a direction.
func translates(m live.Model, direction string) bool {
	name, err := cyclegan.GeneratorOf(direction)
	_, there := m.Checkpoint.Nets[name]
	return err == nil && there
}

// sizes are what the keys + and - choose among.
var sizes = []int{64, 96, 128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 2048}

func (v *viewer) resize(way int) {
	v.change("size", func(s *live.Settings) string {
		now := s.Size
		if now == 0 {
			now = min(v.now.CanvasW, v.now.CanvasH)
		}
		s.Size = nextSize(now, way)
		return fmt.Sprintf("size %d", s.Size)
	})
}

// nextSize is the nearest of sizes above or below; beyond them all stays as it is.
func nextSize(now, way int) int {
	next := now
	for _, n := range sizes {
		if way > 0 && n > now {
			return n
		}
		if way < 0 && n < now {
			next = n
		}
	}
	return next
}

func (v *viewer) pause(int) {
	v.change("pause", func(s *live.Settings) string {
		if s.Paused = !s.Paused; s.Paused {
			return "paused: Space goes on"
		}
		return ""
	})
}

func (v *viewer) snapshot(int) {
	if v.loop == nil {
		return
	}
	v.saving.Add(1)
	v.loop.Snapshot(func(m *image.RGBA, err error) {
		defer v.saving.Done()
		stats, name := v.loop.Stats(), ""
		if err == nil {
			name, err = v.names.take(stats.Model, stats.Direction, ".png", time.Now())
		}
		if err == nil {
			err = writePNG(name, m)
		}
		if err != nil {
			v.trouble(err)
			return
		}
		v.tell("snapshot", "snapshot "+name)
	})
}

func (v *viewer) record(int) {
	if v.loop == nil {
		return
	}
	if v.recording != "" {
		v.session.StopRecording()
		v.recording, v.stale = "", true
		return
	}
	stats := v.loop.Stats()
	name, err := v.names.take(stats.Model, stats.Direction, ".mp4", time.Now())
	if err == nil {
		err = v.session.StartRecording(name)
	}
	if err != nil {
		v.trouble(err)
		return
	}
	v.recording, v.since, v.stale = name, time.Now(), true
}

func (v *viewer) toggleFull(int) { v.win.toggleFull() }

func (v *viewer) toggleFigures(int) { v.saved.Figures, v.stale = !v.saved.Figures, true }

func (v *viewer) toggleHelp(int) { v.help, v.stale = !v.help, true }

// nearSplit is how far from the split the mouse takes hold of it, in the window system's units; elsewhere it jumps to the mouse.
const nearSplit = 6

// listenToMouse has the left button drag the split.
func (v *viewer) listenToMouse() {
	arrow := glfw.CreateStandardCursor(glfw.HResizeCursor)
	over := false
	last, _ := v.win.GetCursorPos() // of the events so far: now it may be elsewhere
	v.win.SetMouseButtonCallback(func(_ *glfw.Window, b glfw.MouseButton, a glfw.Action, _ glfw.ModifierKey) {
		if b == glfw.MouseButtonLeft {
			v.dragging = a == glfw.Press && v.now.set.Mode == live.Split
			v.drag(last)
		}
	})
	v.win.SetCursorPosCallback(func(_ *glfw.Window, x, _ float64) {
		last, v.moved = x, time.Now()
		v.win.hideCursor(false)
		v.drag(x)
		if near := v.dragging || v.now.set.Mode == live.Split && math.Abs(v.share(x)-float64(v.now.set.Split))*float64(v.width()) < nearSplit; near != over {
			over = near
			v.win.SetCursor(map[bool]*glfw.Cursor{true: arrow}[near])
		}
	})
}

func (v *viewer) width() int {
	w, _ := v.win.GetSize()
	return w
}

// share is the column of the canvas under a place in the window, as a share of its width.
func (v *viewer) share(x float64) float64 {
	var frame image.Point
	if frame.X, frame.Y = v.win.framebuffer.load(); frame.X == 0 || frame.Y == 0 {
		return 0
	}
	box := v.letterbox(frame)
	x *= float64(frame.X) / float64(max(1, v.width()))
	return min(max((x-float64(box.X))/float64(box.ShownW), 0), 1)
}

// drag moves the split to a place in the window.
func (v *viewer) drag(x float64) {
	if v.dragging {
		v.change("", func(s *live.Settings) string {
			s.Split = float32(v.share(x))
			return ""
		})
	}
}
