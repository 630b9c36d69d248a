// The way to the screen: sizes, text, the order of bytes, screens that have no room, and memory over 2,000 frames.

package live

import (
	"bytes"
	"context"
	"image"
	"math"
	"runtime"
	"slices"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// fakeScreen reads the pixels back.
type fakeScreen struct {
	dev    *vk.Device
	w, h   int
	bgra   bool
	before func()            // called at each Present
	full   int               // how often there is no room from now on
	shown  func(rgba []byte) // nil where nobody looks
	n      int               // pictures shown
}

func (s *fakeScreen) Size() (w, h int) { return s.w, s.h }
func (s *fakeScreen) BGRA() bool       { return s.bgra }

func (s *fakeScreen) Present(pixels vk.Range) (bool, error) {
	if s.before != nil {
		s.before()
	}
	if s.full > 0 {
		s.full--
		return false, nil
	}
	if 4*s.w*s.h != pixels.Bytes {
		return false, nil // resized meanwhile
	}
	s.n++
	if s.shown == nil {
		return true, nil
	}
	raw := make([]byte, pixels.Bytes)
	err := s.dev.Read(pixels, raw)
	s.shown(raw)
	return true, err
}

// onScreen is pixels of RGB as a screen has them.
func onScreen(rgb []byte, bgra bool) (out []byte) {
	for i := 0; i < len(rgb); i += 3 {
		if bgra {
			out = append(out, rgb[i+2], rgb[i+1], rgb[i], 255)
		} else {
			out = append(out, rgb[i], rgb[i+1], rgb[i+2], 255)
		}
	}
	return out
}

// rows applies f to each row of a picture of w columns.
func rows(rgb []byte, w int, f func(row [][3]byte) [][3]byte) (out []byte) {
	for y := range len(rgb) / 3 / w {
		row := make([][3]byte, w)
		for x := range row {
			row[x] = [3]byte(rgb[3*(y*w+x):])
		}
		for _, p := range f(row) {
			out = append(out, p[:]...)
		}
	}
	return out
}

// What a screen shows, after each of the things that a user does.
func TestScreen(t *testing.T) {
	const w, h = 24, 16
	dev := vktest.Device(t)
	m, other := randomModel(t, "m", config(3, 3), 4), randomModel(t, "other", config(3, 1), 5)
	p := newPipeline(t, dev, m, other)
	var camera, translated [4][]byte
	for i := range camera {
		f := randomFrame(w, h, uint64(i))
		camera[i], translated[i] = f.Pix, offline(t, dev, m, "AtoB", f)
	}
	byOther := offline(t, dev, other, "AtoB", randomFrame(w, h, 3))
	got := make(chan []byte)
	screen := &fakeScreen{dev: dev, w: w, h: h, shown: func(rgba []byte) { got <- rgba }}
	source := &post{wake: make(chan struct{}, 1)}
	s := DefaultSettings()
	s.Size = h
	l := NewLoop(p, Config{Source: source, Screen: screen, Settings: s, Trouble: func(err error) { t.Error(err) }})
	ended := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- l.Run(ctx) }()
	is := func(what string, want []byte) {
		t.Helper()
		select {
		case rgba := <-got:
			if !bytes.Equal(rgba, want) {
				t.Errorf("%s: the screen shows something else", what)
			}
		case err := <-ended:
			t.Fatalf("%s: %v", what, err)
		}
	}
	frame := func(serial int) { source.put(randomFrame(w, h, uint64(serial)), SourceState{}) }
	black := func(n int) [][3]byte { return make([][3]byte, n) }
	half := func(a, b []byte) []byte { // the left half of a and the right one of b
		at := 0
		return rows(a, w, func(row [][3]byte) [][3]byte {
			for x := w / 2; x < w; x++ {
				row[x] = [3]byte(b[3*(at+x):])
			}
			at += w
			return row
		})
	}

	is("no frame yet", onScreen(make([]byte, 3*w*h), false))
	frame(1)
	is("a frame", onScreen(translated[1], false))
	screen.bgra = true
	l.Redraw()
	is("byte order", onScreen(translated[1], true))
	screen.bgra, screen.full = false, 2
	l.Redraw()
	is("no room, and again none", onScreen(translated[1], false))
	screen.w = 2 * w
	l.Redraw()
	is("wide", onScreen(rows(translated[1], w, func(row [][3]byte) [][3]byte {
		return slices.Concat(black(w/2), row, black(w/2))
	}), false))
	screen.before = func() { screen.w, screen.before = w, nil }
	l.Redraw()
	is("resized between Size and Present", onScreen(translated[1], false))
	l.Do(func(s *Settings) { s.Mode = Original })
	is("original", onScreen(camera[1], false))
	l.Do(func(s *Settings) { s.Mirror = true })
	is("mirrored", onScreen(rows(camera[1], w, func(row [][3]byte) [][3]byte { slices.Reverse(row); return row }), false))
	l.Do(func(s *Settings) { s.Mirror, s.Mode = false, Split })
	is("split", onScreen(half(camera[1], translated[1]), false))
	l.Do(func(s *Settings) { s.Mode, s.Strength = Translated, 0 })
	is("no strength", onScreen(camera[1], false))
	l.Do(func(s *Settings) {
		s.Strength, s.Overlay = 2, &Overlay{X: -1, Y: h - 1, W: 4, H: 2, Pix: []byte{9, 255, 1, 0, 9, 9, 9, 9}}
	})
	text := bytes.Clone(translated[1])
	at := text[3*w*(h-1):]
	copy(at, []byte{255, 255, 255})
	for i, v := range at[3:6] {
		at[3+i] = byte(math.Round(float64(v) / 3))
	}
	is("text, cut off", onScreen(text, false))
	l.Do(func(s *Settings) { s.Overlay = nil })
	is("no text", onScreen(translated[1], false))

	screen.w = 0
	drawn := make(chan int, 10)
	sink := &album{each: func(n int) { drawn <- n }}
	l.Do(func(s *Settings) { s.Sinks = []Sink{sink} })
	frame(2)
	<-drawn
	screen.w = w
	l.Redraw()
	is("back from the icon", onScreen(translated[2], false))
	l.Do(func(s *Settings) { s.Paused = true })
	frame(3)
	l.Redraw()
	is("paused", onScreen(translated[2], false))
	taken := make(chan []byte, 1)
	l.Snapshot(func(m *image.RGBA, err error) {
		if err != nil {
			t.Error(err)
		}
		taken <- m.Pix
	})
	is("snapshot", onScreen(translated[2], false))
	if !bytes.Equal(<-taken, onScreen(translated[2], false)) {
		t.Error("the snapshot is something else")
	}
	l.Do(func(s *Settings) { s.Paused = false })
	is("resumed", onScreen(translated[3], false))
	l.Do(func(s *Settings) { s.Model = 1 })
	is("another model on the last frame", onScreen(byOther, false))
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if st := l.Stats(); st.Frames != 3 || st.Runs != 4 || len(sink.pictures) != 2 || st.Presented != uint64(screen.n) || st.Dropped != 0 {
		t.Errorf("%d shown: %+v", screen.n, st)
	}
}

// A canvas follows the sizes of frames and of the settings; what was there before is computed anew for it.
func TestSizes(t *testing.T) {
	dev := vktest.Device(t)
	m := randomModel(t, "m", config(3, 3), 4)
	p := newPipeline(t, dev, m)
	sizes := [][2]int{{24, 16}, {16, 24}, {16, 24}, {33, 19}, {1, 1}, {200, 9}}
	frame := func(serial uint64) *Frame { return randomFrame(sizes[serial-1][0], sizes[serial-1][1], serial) }
	sink := &album{}
	s := DefaultSettings()
	s.Size, s.Sinks = 16, []Sink{sink}
	var troubles []error
	l := NewLoop(p, Config{
		Source: newScript(uint64(len(sizes)), frame), Settings: s, ToEnd: true, Lossless: true,
		Trouble: func(err error) { troubles = append(troubles, err) },
	})
	sink.each = func(n int) {
		if n == 2 {
			l.Do(func(s *Settings) { s.Size = 1 << 20 })
		}
	}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{24, 16}, {16, 24}, {16, 24}, {24, 16}, {16, 16}, {64, 16}}
	if !slices.Equal(sink.sizes, want) || len(troubles) != 1 || l.Settings().Size != 16 {
		t.Errorf("pictures of %v, want %v; %v", sink.sizes, want, troubles)
	}
	for i := range 3 {
		if !bytes.Equal(sink.pictures[i], offline(t, dev, m, "AtoB", frame(uint64(i+1)))) {
			t.Errorf("picture %d is not the translation", i+1)
		}
	}
}

// Over 2,000 frames, with all that users do meanwhile, nothing is allocated that is not freed, and between two changes of size nothing
// at all.
func TestNothingLeaks(t *testing.T) {
	dev := vktest.Device(t)
	p := newPipeline(t, dev, randomModel(t, "a", config(3, 3), 1), randomModel(t, "b", config(1, 3), 2))
	frames := uint64(2000)
	if testing.Short() {
		frames = 200
	}
	pictures := [2]*Frame{randomFrame(12, 8, 1), randomFrame(12, 8, 2)}
	screen := &fakeScreen{dev: dev, w: 16, h: 16}
	type memory struct{ bytes, allocations, goroutines int }
	measure := func() (m memory) {
		m.bytes, m.allocations = dev.Allocated()
		m.goroutines = runtime.NumGoroutine()
		return m
	}
	var first, last memory
	s := DefaultSettings()
	s.Size, s.Smoothing = 8, 0.5
	l := NewLoop(p, Config{
		Source: newScript(frames, func(serial uint64) *Frame { return pictures[serial%2] }), Screen: screen, Settings: s, ToEnd: true, Lossless: true,
	})
	sink := &album{}
	screen.before = func() {
		switch n := screen.n; {
		case n == 100:
			first = measure()
		case n == int(frames)-1:
			last = measure()
		case n > 100 && n < 110: // sizes, and back again
			screen.w = 16 + n%2
			size := []int{8, 16}[n%2]
			l.Do(func(s *Settings) { s.Size = size })
		case n == 110:
			screen.w = 16
			l.Do(func(s *Settings) { s.Size = 8 })
		case n == 120:
			first.allocations = measure().allocations
		case n > 120:
			model, mode := n/7%2, Mode(n/5%3)
			l.Do(func(s *Settings) {
				s.Model, s.Mode, s.Overlay = model, mode, &Overlay{W: 2, H: 2, Pix: []byte{1, 2, 3, 4}}
				if s.Sinks = nil; n/50%2 == 0 {
					s.Sinks = []Sink{sink}
				}
			})
		}
	}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d frames: %+v, then %+v", l.Stats().Frames, first, last)
	last.goroutines = min(last.goroutines, first.goroutines+2) // a sink's, and the one that waits
	if first.goroutines = last.goroutines; first != last || l.Stats().Frames != frames || last.bytes == 0 {
		t.Errorf("after 100 frames %+v, after %d %+v", first, frames, last)
	}
}
