// Where the live window's pictures go while they are shown: a process that takes them through a pipe.

package video

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// SinkOptions say how a recording or a virtual camera is made.
type SinkOptions struct {
	CRF int     // of libx264: 0 loses nothing but chroma resolution, 51 most
	FPS float64 // the rate that a virtual camera promises; 0 for 30
}

// Sink is a recording or a virtual camera. It has the size of its first picture; others are scaled to that.
type Sink struct {
	name   string // as errors call it
	codec  string
	args   func(w, h int) []string // of ffmpeg
	encode func(out io.Writer, w, h int, rgb []byte, after time.Duration) error
	finish func(context.Context) error // what is to be done after the process ended well
	part   string                      // where a recording grows

	p      *process
	pipe   io.WriteCloser
	w, h   int
	begin  time.Time
	scaled []byte
	err    error // of the process: nothing is written after it
	done   bool
}

// Write adds a picture of w x h pixels of RGB, shown from the moment of captured on. It waits for a process that is behind.
func (s *Sink) Write(w, h int, rgb []byte, captured time.Time) error {
	if s.err == nil && s.p == nil {
		s.err = s.start(w, h, captured)
	}
	if s.err != nil {
		return s.err
	}
	if w != s.w || h != s.h {
		rgb = s.scale(w, h, rgb)
	}
	if err := s.encode(s.pipe, s.w, s.h, rgb, captured.Sub(s.begin)); err != nil {
		s.err = s.named(s.ended(err))
	}
	return s.err
}

// start runs ffmpeg. An interrupt of this program must not end it before it has finished its file: it ends when its pipe does.
func (s *Sink) start(w, h int, captured time.Time) error {
	if w < 2 || h < 2 || w > maxPixels/h {
		return s.named(fmt.Errorf("pictures of %dx%d: use 2x2 to %d megapixels", w, h, maxPixels/1_000_000))
	}
	s.w, s.h, s.begin = w, h, captured
	p := command(context.Background(), "ffmpeg", s.args(w, h)...)
	var err error
	if s.pipe, err = p.StdinPipe(); err == nil {
		err = p.Start()
	}
	if err != nil {
		return s.named(p.end(err))
	}
	s.p = p
	return nil
}

// ended waits for the process, whose reason goes before err.
func (s *Sink) ended(err error) error {
	_ = s.pipe.Close() // it reads no more
	s.done = true
	if reason := s.p.end(s.p.Wait()); reason != nil {
		return reason
	}
	return err
}

// scale brings a picture to the size of the first, by nearest neighbours.
func (s *Sink) scale(w, h int, rgb []byte) []byte {
	if s.scaled == nil {
		s.scaled = make([]byte, 3*s.w*s.h)
	}
	for y := range s.h {
		from, to := rgb[3*w*((2*y+1)*h/(2*s.h)):], s.scaled[3*s.w*y:]
		for x := range s.w {
			copy(to[3*x:3*x+3], from[3*((2*x+1)*w/(2*s.w)):])
		}
	}
	return s.scaled
}

// Codec is the encoder of a recording: libx264, or mpeg4 where ffmpeg was built without it, which should be said.
func (s *Sink) Codec() string { return s.codec }

// Finish ends the process; a recording then has its name, unless no picture came. It is cut short by ctx. What could not be
// finished stays under its temporary name, which the error says.
func (s *Sink) Finish(ctx context.Context) error {
	if s.p == nil || s.done {
		return s.err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.p.Process.Kill() })
	defer stop()
	err := s.ended(nil)
	if err == nil && s.finish != nil {
		err = s.finish(ctx)
	}
	s.err = s.named(err)
	return s.err
}

// Close finishes what Finish did not, for which it takes 10 s at most.
func (s *Sink) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), defaultPatience)
	defer cancel()
	_ = s.Finish(ctx) // whoever wants to know calls Finish
}

func (s *Sink) named(err error) error {
	if err == nil {
		return nil
	}
	if info, lost := os.Stat(s.part); lost == nil && info.Size() > 0 {
		return fmt.Errorf("%s: %w: what was recorded is %s", s.name, err, s.part)
	}
	return fmt.Errorf("%s: %w", s.name, err)
}
