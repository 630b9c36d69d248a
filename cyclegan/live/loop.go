// The loop: from the newest frame to the screen, again and again.

package live

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync"
	"time"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/video"
	"cyclevk/vk"
)

// Config of a loop.
type Config struct {
	Source   Source
	Screen   Screen // nil for none
	Settings Settings
	Frames   uint64      // end after so many frames; 0 for no end
	ToEnd    bool        // end with the source; else its last frame stays
	Lossless bool        // every frame that the source hands out is computed, and sinks are waited for
	Trouble  func(error) // called by the loop with what does not end it, such as a sink's or a reload's error; nil for none
}

// Loop paces a pipeline: it waits for the network, composes with the newest settings, shows, and hands the network the newest frame.
// A frame is computed once, and one is in flight.
type Loop struct {
	Config
	p     engine
	clock func() time.Time
	poll  time.Duration // of followed runs
	wake  chan struct{} // capacity 1
	news  chan news     // capacity 1: ring comes after what it tells of is there

	followers []*follower

	mu     sync.Mutex // of what follows
	wanted Settings
	dirty  bool // there is something to draw, be there a new translation or not
	takers []func(*image.RGBA, error)
	ended  bool
	stats  Stats
	tally  tally

	// What follows belongs to Run's goroutine.
	settings Settings // that were taken last
	sized    int      // that the pipeline has
	sinks    outlets
	staged   *Frame // the newest of the source that was not computed yet
	seen     uint64 // its serial, or the last one's
	loaded   bool   // it is in the pipeline
	last     *shot  // that the network began with
	flight   *shot  // in the network
	computed *shot  // not drawn yet
	again    bool   // the last frame is to be computed anew
	fresh    bool   // smoothing begins anew
	resumed  bool   // after a pause, in which nothing was dropped
	retry    bool   // the screen had no room
	drawing  drawing
	lost     error // of sinks, where there is no screen: the run is then for their sake
}

// shot is a frame on its way.
type shot struct {
	w, h     int
	captured time.Time
	repeated bool // computed once more
}

// drawing is a canvas on its way.
type drawing struct {
	any    bool  // there is one
	shot   *shot // that is seen for the first time; nil for none
	shown  bool  // by the screen, or there is none
	takers []func(*image.RGBA, error)
}

// engine is what the loop drives: a [Pipeline], or in tests what stands in for it.
type engine interface {
	size() (w, h int)
	fits(w, h, size int) bool
	resize(w, h, size int) error
	load(pix []byte)
	begin(keep float32) error
	wait() error
	compose(v View, picture bool) error
	show(w, h int, bgra bool, text *Overlay) (vk.Range, error)
	drawn() (picture []byte, err error)
	drain() error
	times() []Stage
	use(model int, direction string) error
	between() (switched, more bool, err error)
	wants() (model int, direction string)
	playing() Playing
	pack(model int, c *cyclegan.Checkpoint) (*checkpoint, error)
	reload(c *checkpoint)
}

// errGone is wrapped by errors after which there is no canvas any more.
var errGone = errors.New("what was before cannot be had again")

// NewLoop makes a loop, which Run starts. The pipeline is the loop's from then on, but for its Close.
func NewLoop(p *Pipeline, c Config) *Loop {
	l := newLoop(p, c)
	for i, m := range p.models {
		if m.Follow != "" {
			l.followers = append(l.followers, &follower{model: i, folder: m.Follow, step: m.Checkpoint.Step})
		}
	}
	if l.wanted.Direction == "" && l.wanted.Model >= 0 && l.wanted.Model < len(p.models) {
		l.wanted.Direction = p.models[l.wanted.Model].Direction
	}
	return l
}

func newLoop(p engine, c Config) *Loop {
	return &Loop{
		Config: c, p: p, clock: time.Now, poll: pollEvery, wake: make(chan struct{}, 1), news: make(chan news, 1), wanted: c.Settings, sized: c.Settings.Size, dirty: true, fresh: true,
	}
}

// Run runs until the context ends, the source ends where [Config.ToEnd] is set, [Config.Frames] were computed, or the device fails.
// The error is nil in the first three cases, unless the source or, where there is no screen to say so, a sink failed. The device is idle
// and the sinks have finished when it returns; the source is not closed.
func (l *Loop) Run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, l.ring)()
	for _, f := range l.followers {
		watchers.Go(func() { l.follow(inner, f) })
	}
	err := l.turns(ctx)
	return errors.Join(err, l.end())
}

// turns are one for each frame, or for each change while there is none. The canvas of a frame is made, and shown, between two runs of the
// network, so that one never waits for more than the rest of a run; the host waits for it while the network has the next frame.
func (l *Loop) turns(ctx context.Context) error {
	for {
		if err := l.await(); err != nil {
			return err
		}
		if err := l.draw(ctx); err != nil {
			return err
		}
		over, err := l.over(ctx)
		more := false
		if err == nil && !over {
			more, err = l.advance()
		}
		if err := errors.Join(err, l.finish()); err != nil || over {
			return err
		}
		if l.flight == nil && !more {
			l.sleep(ctx)
		}
	}
}

// over tells whether the last turn has come, in which nothing is in flight.
func (l *Loop) over(ctx context.Context) (bool, error) {
	if ctx.Err() != nil || l.Frames > 0 && l.stats.Frames >= l.Frames || l.Lossless && l.sinks.failed() {
		return true, nil
	}
	if !l.ToEnd {
		return false, nil
	}
	state := l.Source.State() // first: the last frame may come with it
	if state.Condition != video.Ended || l.pick() != nil {
		return false, nil
	}
	return true, state.Err
}

// end waits for the device and the sinks.
func (l *Loop) end() error {
	err := errors.Join(l.p.drain(), l.lost, l.sinks.close())
	l.mu.Lock()
	l.ended = true
	takers := slices.Concat(l.drawing.takers, l.takers)
	l.mu.Unlock()
	for _, take := range takers {
		go take(nil, errNoPicture)
	}
	return err
}

var errNoPicture = errors.New("snapshot: no picture came")

// retryAfter is how long the loop waits where the screen had no room for a picture and no newer one is there.
const retryAfter = 5 * time.Millisecond

// sleep waits until there is something to do.
func (l *Loop) sleep(ctx context.Context) {
	var again <-chan time.Time
	if l.retry {
		t := time.NewTimer(retryAfter)
		defer t.Stop()
		again = t.C
	}
	select {
	case <-ctx.Done():
	case <-l.wake:
	case <-l.Source.Wake():
	case <-again:
	}
}

// ring wakes the loop.
func (l *Loop) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// trouble tells of what does not end the loop.
func (l *Loop) trouble(err error) {
	l.mu.Lock()
	l.stats.Trouble = err
	l.mu.Unlock()
	if l.Trouble != nil {
		l.Trouble(err)
	}
}

// Do changes the settings, from any goroutine; it takes effect with the next picture. Changes happen in the order of the calls. What
// cannot be had, such as a size for which there is no memory, is reported and taken back.
func (l *Loop) Do(change func(*Settings)) {
	l.mu.Lock()
	change(&l.wanted)
	l.mu.Unlock()
	l.ring()
}

// Settings are those that hold now, from any goroutine.
func (l *Loop) Settings() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.wanted
	s.Sinks = slices.Clone(s.Sinks)
	return s
}

// Snapshot has take called with the canvas of the next picture, which is made at once, or with the error that keeps it from being
// made, by a goroutine of its own. It may be called from any goroutine.
func (l *Loop) Snapshot(take func(*image.RGBA, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		go take(nil, errNoPicture)
		return
	}
	l.takers = append(l.takers, take)
	l.ring()
}

// Redraw asks for a new picture of the last frame, such as for a window that has another size, from any goroutine.
func (l *Loop) Redraw() {
	l.mu.Lock()
	l.dirty = true
	l.mu.Unlock()
	l.ring()
}

// Stats may be called from any goroutine.
func (l *Loop) Stats() Stats {
	state := l.Source.State()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	l.tally.read(l.clock(), &s)
	s.Source = state
	return s
}
