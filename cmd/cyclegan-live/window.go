// The window: where it lies, how large it is, full screen and back. All of it is for the main thread.

package main

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"log"
	"strings"

	"github.com/go-gl/glfw/v3.3/glfw"
)

// complaints take what GLFW's binding has to say of the window system: it logs that, and returns no error.
type complaints func(line string)

func (c complaints) Write(b []byte) (int, error) {
	c(strings.TrimSpace(string(b)))
	return len(b), nil
}

// complaining runs f, and returns its error with what was complained of meanwhile.
func complaining(f func() error) error {
	before := log.Writer()
	defer log.SetOutput(before)
	var said []error
	log.SetFlags(0)
	log.SetOutput(complaints(func(line string) { said = append(said, errors.New(line)) }))
	err := f()
	return errors.Join(append(said, err)...)
}

// openGLFW starts the window library, or says what is missing.
func openGLFW() error {
	if err := complaining(glfw.Init); err != nil {
		return fmt.Errorf("no window can be opened here (%w): run in a desktop session, or without a window, with --headless", err)
	}
	return nil
}

// window is GLFW's, with what it lacks.
type window struct {
	*glfw.Window
	framebuffer extent // as the loop reads it: 0 x 0 while nothing is seen
	before      place  // of the window in full screen
	placed      bool   // by the user, now or in an earlier run
	shown       bool
}

// openWindow makes a hidden window; show shows it.
func openWindow() (*window, error) {
	glfw.WindowHint(glfw.ClientAPI, glfw.NoAPI)
	glfw.WindowHint(glfw.Visible, glfw.False)
	glfw.WindowHint(glfw.FocusOnShow, glfw.True)
	glfw.WindowHintString(glfw.X11ClassName, "cyclegan-live")
	glfw.WindowHintString(glfw.X11InstanceName, "cyclegan-live")
	w := &window{}
	err := complaining(func() (err error) {
		w.Window, err = glfw.CreateWindow(640, 480, "cyclegan-live", nil, nil)
		return err
	})
	if w.Window == nil {
		return nil, fmt.Errorf("no window could be opened: %w", cmp.Or(err, errors.New("the window system refused")))
	}
	return w, nil
}

// follow keeps the framebuffer's size up to date, and calls changed for each change and whenever the picture is to be drawn anew.
func (w *window) follow(changed func()) {
	update := func() {
		width, height := w.GetFramebufferSize()
		if !w.shown || w.GetAttrib(glfw.Iconified) == glfw.True {
			width, height = 0, 0
		}
		w.framebuffer.store(width, height)
		changed()
	}
	w.SetFramebufferSizeCallback(func(*glfw.Window, int, int) { update() })
	w.SetIconifyCallback(func(*glfw.Window, bool) { update() })
	w.SetRefreshCallback(func(*glfw.Window) { update() })
	update()
}

// show shows the window in its place, or in the window system's.
func (w *window) show(p place, full bool) {
	w.SetSize(p.W, p.H)
	if w.placed && onScreen(p) {
		w.SetPos(p.X, p.Y)
	}
	w.shown = true
	w.Show()
	if full {
		w.toggleFull()
	}
	w.framebuffer.store(w.GetFramebufferSize())
}

// place is where the window lies, or will when it leaves full screen.
func (w *window) place() (p place) {
	if w.full() {
		return w.before
	}
	p.X, p.Y = w.GetPos()
	p.W, p.H = w.GetSize()
	return p
}

func (w *window) full() bool { return w.GetMonitor() != nil }

// toggleFull fills the screen that most of the window lies on, or brings the window back to its old size and place.
func (w *window) toggleFull() {
	if w.full() {
		p := w.before
		w.SetMonitor(nil, p.X, p.Y, p.W, p.H, 0)
		return
	}
	w.before = w.place()
	var best *glfw.Monitor
	most := -1
	for _, m := range glfw.GetMonitors() {
		if n := area(w.before.rectangle().Intersect(monitorArea(m))); n > most {
			best, most = m, n
		}
	}
	if best == nil {
		return
	}
	if mode := best.GetVideoMode(); mode != nil { // nil where it was unplugged just now
		w.SetMonitor(best, 0, 0, mode.Width, mode.Height, mode.RefreshRate)
	}
}

// hideCursor hides the cursor in full screen, or brings it back.
func (w *window) hideCursor(hide bool) {
	mode := glfw.CursorNormal
	if hide && w.full() {
		mode = glfw.CursorHidden
	}
	if w.GetInputMode(glfw.CursorMode) != mode {
		w.SetInputMode(glfw.CursorMode, mode)
	}
}

func (p place) rectangle() image.Rectangle { return image.Rect(p.X, p.Y, p.X+p.W, p.Y+p.H) }

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

func monitorArea(m *glfw.Monitor) image.Rectangle {
	x, y := m.GetPos()
	mode := m.GetVideoMode()
	if mode == nil { // unplugged just now
		return image.Rectangle{}
	}
	return image.Rect(x, y, x+mode.Width, y+mode.Height)
}

// leastSeen is how many pixels of a window have to be on some screen, each way, for it to be put there.
const leastSeen = 64

// onScreen tells whether a window would be seen: screens may be gone since it lay there.
func onScreen(p place) bool {
	for _, m := range glfw.GetMonitors() {
		x, y, w, h := m.GetWorkarea()
		seen := p.rectangle().Intersect(image.Rect(x, y, x+w, y+h))
		if seen.Dx() >= min(leastSeen, p.W) && seen.Dy() >= min(leastSeen, p.H) {
			return true
		}
	}
	return false
}

// usualSide is what the shorter side of a new window has at least, in pixels of a screen of usual density.
const usualSide = 512

// fitting is the size of a new window for a canvas: so many times the canvas's that each of its pixels is a square of pixels, or smaller
// where the screen asks for that.
func (w *window) fitting(canvas image.Point) place {
	density, _ := w.GetContentScale()
	room := image.Pt(1280, 720)
	if m := glfw.GetPrimaryMonitor(); m != nil {
		_, _, width, height := m.GetWorkarea()
		room = image.Pt(width, height)
	}
	units, _ := w.GetSize()
	pixels, _ := w.GetFramebufferSize()
	unit := max(1, pixels/max(1, units)) // pixels that macOS has to a unit of its windows
	p := fitting(canvas, room.Mul(unit), density)
	p.W, p.H = p.W/unit, p.H/unit
	return p
}

func fitting(canvas, room image.Point, density float32) place {
	room = room.Mul(17).Div(20) // the window has a frame, and is not alone
	times := max(1, int(usualSide*density)/min(canvas.X, canvas.Y))
	times = max(1, min(times, room.X/canvas.X, room.Y/canvas.Y))
	size := canvas.Mul(times)
	if over := max(float64(size.X)/float64(room.X), float64(size.Y)/float64(room.Y)); over > 1 {
		size = image.Pt(int(float64(size.X)/over), int(float64(size.Y)/over))
	}
	return place{W: max(1, size.X), H: max(1, size.Y)}
}
