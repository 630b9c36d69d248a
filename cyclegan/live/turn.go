// The steps of a turn: wait for the network, draw, hand the network the next frame, see to what was drawn.

package live

import (
	"context"
	"errors"
	"image"
	"slices"
)

// await waits for the network. Meanwhile the newest frame is brought to where the network will take it from.
func (l *Loop) await() error {
	if l.flight == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- l.p.wait() }()
	for {
		if !l.settings.Paused {
			l.stage()
		}
		select {
		case err := <-done:
			l.computed, l.flight = l.flight, nil
			l.mu.Lock()
			defer l.mu.Unlock()
			l.tally.addStages(l.clock(), l.p.times())
			return err
		case <-l.Source.Wake():
		}
	}
}

// stage takes the newest frame from the source. The one that was staged before is dropped for it, unless none may be.
func (l *Loop) stage() {
	if l.staged != nil && l.Lossless {
		return
	}
	if f, _, ok := l.Source.Latest(l.seen); ok {
		if l.resumed {
			l.seen, l.resumed = f.Serial-1, false
		}
		l.mu.Lock()
		if f.Serial > l.seen {
			l.stats.Dropped += f.Serial - l.seen - 1
		}
		if l.staged != nil {
			l.stats.Dropped++
		}
		l.mu.Unlock()
		l.staged, l.seen = f, f.Serial
		if l.loaded = l.p.fits(f.W, f.H, l.settings.Size); l.loaded {
			l.p.load(f.Pix)
		}
	}
}

// pick is the newest frame that was not computed yet; nil for none.
func (l *Loop) pick() *Frame {
	if l.settings.Paused {
		l.resumed = true
		return nil
	}
	l.stage()
	return l.staged
}

// draw starts to make a canvas, where there is a new translation or its looks have changed, and shows it.
func (l *Loop) draw(ctx context.Context) error {
	d := drawing{shot: l.computed}
	l.computed = nil
	l.mu.Lock()
	view := l.wanted.View
	d.any = d.shot != nil || l.dirty || l.retry || view != l.settings.View || len(l.takers) > 0
	if l.last != nil {
		d.takers, l.takers = l.takers, nil
	}
	l.settings, l.dirty, l.retry = l.wanted, false, false
	l.settings.Sinks = slices.Clone(l.wanted.Sinks) // whose array Do may change
	l.mu.Unlock()
	for _, err := range l.sinks.set(ctx, l.settings.Sinks) {
		if l.Screen == nil {
			l.lost = errors.Join(l.lost, err)
		}
		if l.Screen != nil || !l.Lossless { // else it ends the loop now
			l.trouble(err)
		}
	}
	if !d.any {
		return nil
	}
	if d.shot != nil && d.shot.repeated {
		d.shot = nil
	}
	err := l.p.compose(view, len(d.takers) > 0 || d.shot != nil && len(l.sinks.open) > 0)
	if err == nil {
		d.shown, err = l.present(view.Overlay)
	}
	l.drawing = d
	return err
}

// present shows what was composed.
func (l *Loop) present(text *Overlay) (shown bool, err error) {
	if l.Screen == nil {
		return true, nil
	}
	for range 3 { // sizes may follow one another fast
		w, h := l.Screen.Size()
		if w < 1 || h < 1 {
			return false, nil
		}
		pixels, err := l.p.show(w, h, l.Screen.BGRA(), text)
		if err != nil {
			return false, err
		}
		if shown, err = l.Screen.Present(pixels); shown || err != nil {
			return shown, err
		}
		if w2, h2 := l.Screen.Size(); w == w2 && h == h2 {
			break
		}
	}
	l.retry = true
	return false, nil
}

// advance starts the network on the newest frame, or once more on the last one where model or size have changed. more says that a
// checkpoint is on its way to the device.
func (l *Loop) advance() (more bool, err error) {
	l.hear()
	if err := l.p.use(l.settings.Model, l.settings.Direction); err != nil {
		l.refuseModel(err)
	}
	switched, more, err := l.p.between()
	if err != nil {
		return more, err
	}
	if switched {
		l.again, l.fresh = true, true
	}
	f := l.pick()
	if f == nil && l.last == nil {
		return more, nil
	}
	next := l.last
	if f != nil {
		next = &shot{w: f.W, h: f.H, captured: f.Captured}
	}
	if err := l.resize(next); err != nil {
		return more, err
	}
	switch {
	case f != nil:
		if !l.loaded {
			l.p.load(f.Pix)
		}
		l.staged = nil
	case l.again:
		next = &shot{w: next.w, h: next.h, captured: next.captured, repeated: true}
	default:
		return more, nil
	}
	keep := l.settings.kept()
	if l.fresh {
		keep = 0
	}
	l.again, l.fresh = false, false
	if err := l.p.begin(keep); err != nil {
		return more, err
	}
	l.last, l.flight = next, next
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Playing = l.p.playing()
	l.stats.Runs++
	if f != nil {
		l.stats.Frames++
		l.stats.SourceW, l.stats.SourceH = f.W, f.H
	}
	l.stats.CanvasW, l.stats.CanvasH = l.p.size()
	return more, nil
}

// hear takes in what the followers have found.
func (l *Loop) hear() {
	select {
	case n := <-l.news:
		if n.err != nil {
			l.trouble(n.err)
			return
		}
		l.p.reload(n.checkpoint)
	default:
	}
}

// resize makes the programs for a frame and the size that is wanted. A size that cannot be had is taken back.
func (l *Loop) resize(s *shot) error {
	for !l.p.fits(s.w, s.h, l.settings.Size) {
		if err := l.finish(); err != nil {
			return err
		}
		l.loaded, l.again, l.fresh = false, true, true
		err := l.p.resize(s.w, s.h, l.settings.Size)
		switch {
		case err == nil:
			l.sized = l.settings.Size
		case errors.Is(err, errGone) || l.settings.Size == l.sized:
			return err
		default:
			l.refuseSize(err)
		}
	}
	return nil
}

// refuseModel takes back a model that cannot be had, unless there is a newer wish.
func (l *Loop) refuseModel(err error) {
	l.trouble(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	model, direction := l.p.wants()
	if l.wanted.Model == l.settings.Model && l.wanted.Direction == l.settings.Direction {
		l.wanted.Model, l.wanted.Direction = model, direction
	}
	l.settings.Model, l.settings.Direction = model, direction
}

// refuseSize does the same for a size.
func (l *Loop) refuseSize(err error) {
	l.trouble(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted.Size == l.settings.Size {
		l.wanted.Size = l.sized
	}
	l.settings.Size = l.sized
}

// finish waits for what was drawn, and hands it on.
func (l *Loop) finish() error {
	d := l.drawing
	l.drawing = drawing{}
	if !d.any {
		return nil
	}
	rgba, err := l.p.drawn()
	if err != nil {
		l.drawing.takers = d.takers // for end to tell
		return err
	}
	now := l.clock()
	w, h := l.p.size()
	l.mu.Lock()
	if d.shown && l.Screen != nil {
		l.stats.Presented++
	}
	if d.shown && d.shot != nil {
		l.tally.addLatency(now, now.Sub(d.shot.captured))
	}
	l.mu.Unlock()
	if rgba == nil {
		return nil
	}
	for _, take := range d.takers {
		m := image.NewRGBA(image.Rect(0, 0, w, h))
		copy(m.Pix, rgba)
		go take(m, nil)
	}
	if d.shot != nil && len(l.sinks.open) > 0 {
		dropped := l.sinks.put(picture{w, h, rgbOf(rgba), d.shot.captured}, l.Lossless)
		l.mu.Lock()
		l.stats.SinkDropped += dropped
		l.mu.Unlock()
	}
	return nil
}
