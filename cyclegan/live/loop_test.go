// The loop without a device: its pace under a clock that the test moves, and what many goroutines do to it.

package live

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/video"
	"cyclevk/vk"
)

// clock is moved by what takes time in a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stand is an engine whose network takes a time by the clock. Frames tell their serial in their first bytes.
type stand struct {
	clock   *clock
	network time.Duration
	w, h    int
	side    int // of the canvas
	refused int // a size that cannot be had
	loaded  uint64
	began   []uint64 // serials, as the network began with them
	drew    int
	model   int
	did     func(n int) // called when the n-th picture was drawn
	picture bool
	drawing bool
	halfway func() // called in the middle of the network's time
}

func (s *stand) size() (w, h int) { return s.w, s.h }

func (s *stand) fits(w, h, size int) bool { return w == s.w && h == s.h && size == s.side }

func (s *stand) resize(w, h, size int) error {
	if size == s.refused {
		return errors.New("too large")
	}
	s.w, s.h, s.side = w, h, size
	return nil
}

func (s *stand) load(pix []byte) { s.loaded = binary.LittleEndian.Uint64(pix) }

func (s *stand) begin(float32) error {
	s.began = append(s.began, s.loaded)
	return nil
}

func (s *stand) wait() error {
	s.clock.move(s.network / 2)
	if s.halfway != nil {
		s.halfway()
	}
	s.clock.move(s.network / 2)
	return nil
}

func (s *stand) compose(_ View, picture bool) error {
	s.picture, s.drawing = picture, true
	return nil
}

func (s *stand) show(int, int, bool, *Overlay) (vk.Range, error) { return vk.Range{}, nil }

func (s *stand) drawn() ([]byte, error) {
	if !s.drawing {
		return nil, errors.New("nothing was drawn")
	}
	s.drawing = false
	s.drew++
	if s.did != nil {
		s.did(s.drew)
	}
	if s.picture {
		return make([]byte, 4*s.w*s.h), nil
	}
	return nil, nil
}

func (s *stand) drain() error   { return nil }
func (s *stand) times() []Stage { return []Stage{{"network", s.network}} }

func (s *stand) use(model int, direction string) error {
	if model > 1 {
		return errors.New("no such model")
	}
	s.model = model
	return nil
}

func (s *stand) between() (switched, more bool, err error)           { return false, false, nil }
func (s *stand) wants() (int, string)                                { return s.model, "AtoB" }
func (s *stand) playing() Playing                                    { return Playing{} }
func (s *stand) pack(int, *cyclegan.Checkpoint) (*checkpoint, error) { return nil, nil }
func (s *stand) reload(*checkpoint)                                  {}
func serialFrame(serial uint64, captured time.Time) *Frame {
	return &Frame{W: 4, H: 2, Pix: binary.LittleEndian.AppendUint64(nil, serial), Serial: serial, Captured: captured}
}

// camera captures a frame every period of the clock, and keeps the newest.
type camera struct {
	clock  *clock
	begin  time.Time
	period time.Duration
	wake   chan struct{}
}

func (c *camera) Latest(after uint64) (*Frame, uint64, bool) {
	serial := uint64(c.clock.read().Sub(c.begin)/c.period) + 1
	if serial <= after {
		return nil, 0, false
	}
	return serialFrame(serial, c.begin.Add(time.Duration(serial-1)*c.period)), 0, true
}

func (c *camera) Wake() <-chan struct{} { return c.wake }
func (c *camera) State() SourceState    { return SourceState{} }

// With a source that is faster than the network, a picture is at most as old as the time between two frames and one run of the network,
// whatever came before it: for 10 minutes of the clock.
func TestLatencyStaysWithAFastSource(t *testing.T) {
	const network, period, length = 50 * time.Millisecond, 33 * time.Millisecond, 10 * time.Minute
	c := &clock{now: time.Unix(0, 0)}
	s := &stand{clock: c, network: network, refused: -1}
	wake := make(chan struct{})
	s.halfway = func() {
		wake <- struct{}{}
		wake <- struct{}{} // when what was there at the first has been taken
	}
	l := newLoop(s, Config{Source: &camera{c, c.now, period, wake}, Frames: uint64(length / network), Settings: DefaultSettings()})
	l.clock = c.read
	var early, worst time.Duration
	s.did = func(n int) {
		if n == 0 || len(l.tally.latency) == 0 {
			return
		}
		latency := l.tally.latency[len(l.tally.latency)-1].value
		worst = max(worst, latency)
		if n < 100 {
			early = max(early, latency)
		}
	}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.read().Sub(time.Unix(0, 0)) < length {
		t.Errorf("the clock shows %v", c.read())
	}
	t.Logf("latency at most %v, in the first 100 frames %v", worst, early)
	if worst > network+period || worst > early {
		t.Errorf("latency was %v, in the first 100 frames %v", worst, early)
	}
	st := l.Stats()
	if last := s.began[len(s.began)-1]; st.Frames != st.Runs || st.Dropped != last-st.Frames {
		t.Errorf("%d frames up to %d, %d runs, %d dropped", st.Frames, last, st.Runs, st.Dropped)
	}
	for i := 1; i < len(s.began); i++ {
		if s.began[i] <= s.began[i-1] {
			t.Fatalf("frame %d was computed after frame %d", s.began[i], s.began[i-1])
		}
	}
	if fps := 1 / network.Seconds(); st.FPS < 0.99*fps || st.FPS > 1.01*fps || len(st.Stages) != 1 || st.Stages[0].Time != network {
		t.Errorf("%+v", st)
	}
}

// post is a source that has what the test puts into it.
type post struct {
	mu    sync.Mutex
	frame *Frame
	state SourceState
	wake  chan struct{}
}

func (p *post) put(f *Frame, s SourceState) {
	p.mu.Lock()
	p.frame, p.state = f, s
	p.mu.Unlock()
	p.ring()
}

func (p *post) ring() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *post) Latest(after uint64) (*Frame, uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frame, 0, p.frame != nil && p.frame.Serial > after
}

func (p *post) Wake() <-chan struct{} { return p.wake }

func (p *post) State() SourceState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// With a source that is slower than the network, each frame is computed once, however often the loop is woken and draws.
func TestNothingIsComputedTwiceWithASlowSource(t *testing.T) {
	const frames, redraws = 20, 5
	c := &clock{now: time.Unix(0, 0)}
	drew := make(chan int)
	s := &stand{clock: c, network: time.Millisecond, refused: -1, did: func(n int) { drew <- n }}
	source := &post{wake: make(chan struct{}, 1)}
	l := newLoop(s, Config{Source: source, ToEnd: true, Settings: DefaultSettings()})
	l.clock = c.read
	ended := make(chan error)
	go func() { ended <- l.Run(t.Context()) }()
	<-drew // there is no frame yet
	for serial := range uint64(frames) {
		source.put(serialFrame(serial+1, c.read()), SourceState{})
		<-drew
		for i := range redraws {
			source.ring() // for nothing
			l.Do(func(s *Settings) { s.Split = float32(i) / 10 })
			l.Redraw()
			<-drew
		}
	}
	source.put(nil, SourceState{Condition: video.Ended})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := l.Stats(); st.Runs != frames || st.Frames != frames || st.Dropped != 0 || len(s.began) != frames || s.drew <= frames*redraws {
		t.Errorf("%d runs of the network for %d frames, %d drawn: %+v", len(s.began), frames, s.drew, st)
	}
}

// A source's error ends the loop where it is to end with the source, and otherwise the last frame stays.
func TestSourceEnds(t *testing.T) {
	lost := errors.New("unplugged")
	for _, toEnd := range []bool{true, false} {
		source := &post{wake: make(chan struct{}, 1)}
		s := &stand{clock: &clock{}, refused: -1}
		drew := make(chan int, 100)
		s.did = func(n int) { drew <- n }
		l := newLoop(s, Config{Source: source, ToEnd: toEnd, Frames: 2, Settings: DefaultSettings()})
		ended := make(chan error)
		go func() { ended <- l.Run(t.Context()) }()
		source.put(serialFrame(1, time.Time{}), SourceState{Condition: video.Ended, Err: lost})
		if toEnd {
			if err := <-ended; !errors.Is(err, lost) || l.Stats().Frames != 1 {
				t.Errorf("%v after %d frames", err, l.Stats().Frames)
			}
			continue
		}
		for l.Stats().Frames == 0 {
			<-drew
			l.Redraw()
		}
		if st := l.Stats(); st.Source.Condition != video.Ended || !errors.Is(st.Source.Err, lost) {
			t.Errorf("%+v", st.Source)
		}
		source.put(serialFrame(2, time.Time{}), SourceState{})
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// What cannot be had is reported and taken back.
func TestRefusedSettings(t *testing.T) {
	source := &post{wake: make(chan struct{}, 1), frame: serialFrame(1, time.Time{})}
	s := &stand{clock: &clock{}, refused: 999}
	var troubles []error
	set := DefaultSettings()
	l := newLoop(s, Config{Source: source, Frames: 3, Settings: set, Trouble: func(err error) { troubles = append(troubles, err) }})
	l.wanted.Direction = "AtoB"
	s.did = func(n int) {
		switch n {
		case 2:
			l.Do(func(s *Settings) { s.Size, s.Model = 999, 5 })
			source.put(serialFrame(2, time.Time{}), SourceState{})
		case 3:
			source.put(serialFrame(3, time.Time{}), SourceState{})
		}
	}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.Settings(); len(troubles) != 2 || got.Size != set.Size || got.Model != 0 {
		t.Errorf("%v, settings %+v", troubles, got)
	}
}

// Settings, statistics, snapshots, sinks and the source are used by many goroutines at once: for the race detector.
func TestManyGoroutines(t *testing.T) {
	c := &clock{now: time.Unix(0, 0)}
	s := &stand{clock: c, network: 10 * time.Millisecond, refused: -1}
	l := newLoop(s, Config{Source: &camera{c, c.now, time.Millisecond, make(chan struct{}, 1)}, Frames: 500, Settings: DefaultSettings()})
	l.clock = c.read
	ended := make(chan error)
	go func() { ended <- l.Run(t.Context()) }()
	var users sync.WaitGroup
	var mu sync.Mutex
	snapshots := 0
	for i := range 4 {
		users.Go(func() {
			sink := &album{}
			for j := range 50 {
				l.Do(func(s *Settings) {
					s.Mode, s.Mirror, s.Paused = s.Mode.Next(), j%2 == 0, false
					s.Sinks = append(s.Sinks[:0], s.Sinks...)
					if j%10 == 0 {
						s.Sinks = append(s.Sinks, sink)
					} else if j%10 == 9 {
						for k := range s.Sinks {
							if s.Sinks[k] == Sink(sink) {
								s.Sinks = append(s.Sinks[:k], s.Sinks[k+1:]...)
								break
							}
						}
						sink = &album{}
					}
				})
				l.Snapshot(func(*image.RGBA, error) {
					mu.Lock()
					defer mu.Unlock()
					snapshots++
				})
				if st := l.Stats(); st.Frames > 500 || i > 0 && l.Settings().Size != 256 {
					t.Errorf("%+v", st)
				}
				l.Redraw()
			}
		})
	}
	users.Wait()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for {
		mu.Lock()
		n := snapshots
		mu.Unlock()
		if n == 200 {
			break
		}
		time.Sleep(time.Millisecond) // they come from goroutines of their own
	}
}

var errFull = errors.New("the disk is full")

// full is a sink that takes nothing.
type full struct{}

func (full) Write(int, int, []byte, time.Time) error { return errFull }

func (full) Finish(context.Context) error { return nil }

// Without a screen a run whose sink failed has failed, whenever that was noticed.
func TestSinkFails(t *testing.T) {
	for _, lossless := range []bool{false, true} {
		c := &clock{now: time.Unix(0, 0)}
		s := &stand{clock: c, network: 10 * time.Millisecond, refused: -1}
		set := DefaultSettings()
		set.Sinks = []Sink{full{}}
		l := newLoop(s, Config{Source: &camera{c, c.now, time.Millisecond, make(chan struct{}, 1)}, Frames: 100, Lossless: lossless, Settings: set})
		l.clock = c.read
		if err := l.Run(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("lossless %v: %v", lossless, err)
		}
	}
}

// What a follower has to tell wakes a loop that nothing else does.
func TestNewsWakes(t *testing.T) {
	source := &post{wake: make(chan struct{}, 1), frame: serialFrame(1, time.Time{})}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	told := 0
	l := newLoop(&stand{clock: &clock{}, refused: -1}, Config{Source: source, Settings: DefaultSettings(), Trouble: func(error) { told++; cancel() }})
	l.followers, l.poll = []*follower{{folder: filepath.Join(t.TempDir(), "gone")}}, 50*time.Millisecond
	if err := l.Run(ctx); err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}
