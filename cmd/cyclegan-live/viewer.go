// The viewer: the main thread with the window and its keys, and a goroutine with the device and the loop.

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-gl/glfw/v3.3/glfw"
	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	options "cyclevk/cmd/internal/live"
	"cyclevk/cyclegan/live"
	"cyclevk/cyclegan/video"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// viewer belongs to the main thread, but for what tell is told.
type viewer struct {
	c       *cli.Context
	session *options.Session
	win     *window
	path    string // of the settings
	saved   settings
	given   [2]int // size of the window on the command line
	camera  string // as titles and messages call it

	loop  *live.Loop // nil until the device is open
	begun time.Time

	typeface  *typeface
	notes     notes
	help      bool
	now       report
	read      time.Time // when now was read
	drawn     content   // on the overlay
	stale     bool      // the overlay, perhaps
	dragging  bool      // the split
	moved     time.Time // the mouse
	names     names
	saving    sync.WaitGroup // snapshots
	recording string         // the file's name, empty for none
	since     time.Time      // when it began

	mu   sync.Mutex // of told
	told []note
}

// content is what the overlay is drawn from.
type content struct {
	frame  image.Point
	size   int
	blocks []block
	line   image.Rectangle
}

// show is the run with a window.
func show(c *cli.Context, o *options.Options) error {
	if err := openGLFW(); err != nil {
		return app.BadInput(err)
	}
	defer glfw.Terminate()
	v := &viewer{c: c, path: settingsFile(), saved: settings{Figures: true}, given: o.Window}
	old, err := readSettings(v.path)
	if err != nil {
		app.Say(c, "%v", err)
	}
	if old != nil {
		old.apply(o, c.IsSet)
		v.saved = *old
	}
	if v.typeface, err = newTypeface(); err != nil {
		return err
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	o.Recorded = v.recorded
	if v.session, err = o.Open(ctx, c); err != nil {
		return err
	}
	defer v.session.Close()
	place, err := video.ParseSource(o.Camera)
	if err != nil {
		return app.BadInput(err)
	}
	v.camera = place.String()
	if v.win, err = openWindow(); err != nil {
		return app.BadInput(err)
	}
	log.SetOutput(complaints(func(line string) { v.tell("window", line) }))
	defer v.win.Destroy()
	if old == nil {
		v.notes.add(time.Now().Add(noteTime), "keys", "? shows the keys")
	}
	err = v.run(ctx)
	if errors.Is(err, vk.ErrCannotPresent) || errors.Is(err, vk.ErrTooLarge) {
		err = app.BadInput(err)
	}
	if err == nil && ctx.Err() != nil {
		err = app.ErrInterrupted
	}
	return err
}

// Times of the main thread.
const (
	eventWait  = 0.05 // seconds that it waits for events, until it looks after the rest
	readEvery  = 250 * time.Millisecond
	openWithin = time.Second     // the window, though there is no picture yet
	cursorTime = 3 * time.Second // that the cursor stays in full screen where the mouse does not move
)

// run handles events until the window is closed, the context ends or the loop does.
func (v *viewer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v.begun = time.Now()
	if v.session.Record != "" {
		v.recording, v.since = v.session.Record, v.begun
	} else {
		go video.ReadyToRecord(ctx) // or the key r would hold this thread up
	}
	v.place(false)
	v.win.follow(func() {
		v.stale = true
		if v.loop != nil {
			v.loop.Redraw()
		}
	})
	newKeyboard().listen(v)
	v.listenToMouse()
	started, ended := make(chan *live.Loop, 1), make(chan error, 1)
	extensions := v.win.GetRequiredInstanceExtensions()
	go func() { ended <- v.drive(ctx, extensions, started) }()
	for {
		glfw.WaitEventsTimeout(eventWait)
		select {
		case v.loop = <-started:
		case err := <-ended:
			v.saving.Wait()
			v.keep()
			return err
		default:
		}
		if v.win.ShouldClose() {
			cancel()
		}
		v.tick(time.Now())
	}
}

// place shows the window where and as large as it was asked for; with last, also where it was not.
func (v *viewer) place(last bool) {
	if v.win.shown {
		return
	}
	p := v.saved.Window
	v.win.placed = p.W > 0
	switch {
	case v.given != [2]int{}:
		p.W, p.H = v.given[0], v.given[1]
	case p.W > 0:
	case v.now.CanvasW > 0:
		p = v.win.fitting(image.Pt(v.now.CanvasW, v.now.CanvasH))
	case last:
		p = v.win.fitting(image.Pt(4, 3))
	default:
		return
	}
	v.win.show(p, v.session.Full)
}

// drive is the goroutine of the device.
func (v *viewer) drive(ctx context.Context, extensions []string, started chan<- *live.Loop) error {
	var surface *vk.Surface
	defer func() {
		if surface != nil {
			surface.Close()
		}
	}()
	open := func() (_ *vk.Device, err error) {
		if len(extensions) == 0 {
			extensions = []string{"VK_KHR_surface"} // which GLFW did not find
		}
		if err = vk.UseInstanceExtensions(extensions...); err != nil {
			return nil, err
		}
		surface, err = vk.NewSurface(func(instance any) (uintptr, error) { return v.win.CreateWindowSurface(instance, nil) })
		if err != nil {
			return nil, err
		}
		return vk.OpenPresenting(v.session.Device, surface)
	}
	return app.Opened(open, func(dev *vk.Device) error {
		app.UseCaches(dev)
		chain, err := dev.NewSwapchain(surface, 0, 0)
		if err != nil {
			return err
		}
		if err := v.session.Start(dev, &screen{Swapchain: chain, extent: &v.win.framebuffer}, v.trouble); err != nil {
			chain.Close()
			return err
		}
		defer v.session.Stop()
		defer chain.Close() // first: it may still read the pixels
		started <- v.session.Loop
		return v.session.Loop.Run(ctx)
	})
}

// recorded is told of a recording that has ended, by any goroutine.
func (v *viewer) recorded(path string, pictures int) {
	if pictures == 0 {
		v.tell("record", "nothing was recorded: no picture came")
		return
	}
	v.tell("record", "recorded "+path)
}

// trouble is told of what does not end the loop, by any goroutine.
func (v *viewer) trouble(err error) { v.tell("trouble", strings.ReplaceAll(err.Error(), "\n", "; ")) }

// tell says something in the window and on the terminal, from any goroutine.
func (v *viewer) tell(about, text string) {
	app.Say(v.c, "%s", text)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.told = append(v.told, note{about: about, text: text})
}

// note says something in the window.
func (v *viewer) note(about, text string) {
	v.notes.add(time.Now(), about, text)
	v.stale = true
}

// tick is what the main thread does beside events.
func (v *viewer) tick(now time.Time) {
	v.mu.Lock()
	told := v.told
	v.told = nil
	v.mu.Unlock()
	for _, n := range told {
		v.note(n.about, n.text)
	}
	if v.loop == nil {
		return
	}
	if v.stale || now.Sub(v.read) >= readEvery {
		v.look(now)
		v.place(now.Sub(v.begun) > openWithin)
		v.draw(now)
	}
}

// look reads how the loop does.
func (v *viewer) look(now time.Time) {
	before := v.now
	v.now = report{Stats: v.loop.Stats(), set: v.loop.Settings(), camera: v.camera}
	if v.recording != "" && !v.session.Recording() { // it failed
		v.session.StopRecording()
		v.recording = ""
	}
	if v.recording != "" {
		v.now.recording = max(now.Sub(v.since), 1)
	}
	if n := &v.now; n.Reloads != before.Reloads && n.Step != before.Step {
		v.notes.add(now, "checkpoint", fmt.Sprintf("new checkpoint: step %d, epoch %d", n.Step, n.Epoch))
	}
	if title := v.now.title(); title != before.title() || before.Stats.Runs == 0 {
		v.win.SetTitle(title)
	}
	v.read, v.stale = now, false
	v.win.hideCursor(now.Sub(v.moved) > cursorTime)
}

// draw draws the overlay anew where it has changed.
func (v *viewer) draw(now time.Time) {
	var c content
	c.frame.X, c.frame.Y = v.win.framebuffer.load()
	if c.frame.X == 0 || c.frame.Y == 0 {
		return
	}
	density, _ := v.win.GetContentScale()
	c.size = max(leastText, int(14*density), c.frame.Y/50)
	if v.help {
		c.blocks = []block{{lines: helpLines(), x: 0.5, y: 0.5}}
	} else if v.saved.Figures {
		c.blocks = []block{{lines: v.now.figures(), wrap: true}}
	}
	c.blocks = append(c.blocks, block{lines: append(v.now.standing(), v.notes.lines(now)...), x: 0, y: 1, wrap: true})
	if v.now.set.Mode == live.Split && v.now.CanvasW > 0 {
		c.line = v.splitLine(c.frame, max(1, int(density+0.5)))
	}
	if reflect.DeepEqual(c, v.drawn) {
		return
	}
	o, err := v.typeface.overlay(c.frame, c.size, c.blocks, c.line)
	if err != nil {
		v.trouble(err)
	}
	v.drawn = c
	v.loop.Do(func(s *live.Settings) { s.Overlay = o })
}

// letterbox is where the canvas lies in the framebuffer.
func (v *viewer) letterbox(frame image.Point) kernels.Window {
	return kernels.Letterbox(max(1, v.now.CanvasW), max(1, v.now.CanvasH), frame.X, frame.Y)
}

// splitLine is the place of a line between the halves, of 4 times a width.
func (v *viewer) splitLine(frame image.Point, width int) image.Rectangle {
	box := v.letterbox(frame)
	column := int(float64(v.now.set.Split)*float64(box.W) + 0.5) // as the canvas has it
	x := box.X + column*box.ShownW/box.W
	return image.Rect(x-2*width, box.Y, x+2*width, box.Y+box.ShownH)
}

// keep writes the settings, and says so where it cannot. Those with which nothing was shown, such as a size too large, are not kept.
func (v *viewer) keep() {
	if v.session.Loop == nil || v.session.Loop.Stats().Frames == 0 {
		return
	}
	v.saved.keep(v.session.Loop.Settings())
	v.saved.Full = v.win.full()
	if v.win.shown {
		v.saved.Window = v.win.place()
	}
	if err := v.saved.write(v.path); err != nil {
		app.Say(v.c, "the settings are lost: %v", err)
	}
}

// names are those of files that this run has made or is making.
type names struct {
	mu    sync.Mutex
	taken []string
}

// take is a name that is used for nothing else.
func (n *names) take(model, direction, extension string, now time.Time) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, err := newFile(model, direction, extension, now, func(name string) bool { return slices.Contains(n.taken, name) })
	if err == nil {
		n.taken = append(n.taken, name)
	}
	return name, err
}
