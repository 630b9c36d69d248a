// What a run has open: models, source, recording, virtual camera, and on a device the pipeline and its loop.

package live

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/live"
	"cyclevk/cyclegan/video"
	"cyclevk/vk"
)

// Session is one run. Open needs no device, Start does.
type Session struct {
	*Options
	Loop *live.Loop // from Start on

	c        *cli.Context
	source   *video.Source
	models   []live.Model
	fps      float64 // of a source that is not live, else 0
	total    int     // frames of the source; 0 where that is not known
	pipeline *live.Pipeline

	mu        sync.Mutex // of what follows
	files     []*video.Sink
	recording *sink // among the settings' sinks; nil for none
}

// Open reads the models and opens the source, which ends with ctx, the recording and the virtual camera. What is wrong with one of
// them is said before a device is looked for.
func (o *Options) Open(ctx context.Context, c *cli.Context) (*Session, error) {
	s := &Session{Options: o, c: c}
	err := s.open(ctx)
	if err == nil {
		return s, nil
	}
	s.Close()
	if ctx.Err() != nil {
		return nil, app.ErrInterrupted
	}
	return nil, app.BadInput(err)
}

func (s *Session) open(ctx context.Context) error {
	if len(s.Options.Models) == 0 {
		checkpoint, err := Demo()
		if err != nil {
			return err
		}
		app.Say(s.c, "no --model is given: this is %s", DemoName)
		s.models = []live.Model{{Name: "demo", Checkpoint: checkpoint, Direction: cmp.Or(s.Settings.Direction, "AtoB")}}
	}
	for i, path := range s.Options.Models {
		m, err := loadModel(s.c, path, s.Settings.Direction)
		if err != nil {
			return err
		}
		if i == 0 {
			m.Follow = s.Follow
		}
		s.models = append(s.models, m)
	}
	s.Settings.Direction = s.models[0].Direction
	place, err := video.ParseSource(s.Camera)
	if err != nil {
		return err
	}
	if s.fps, s.total, err = place.Pace(ctx, s.Source); err != nil {
		return err
	}
	if s.Virtual != "" {
		camera, err := video.OpenVirtualCamera(ctx, s.Virtual, video.SinkOptions{FPS: s.Source.FPS})
		if err != nil {
			return err
		}
		s.files = append(s.files, camera)
		s.Settings.Sinks = append(s.Settings.Sinks, &sink{Sink: camera})
	}
	if s.Record != "" {
		if err := s.record(ctx, s.Record); err != nil {
			return err
		}
		s.Settings.Sinks = append(s.Settings.Sinks, s.recording)
	}
	if s.Snapshot != "" {
		s.Settings.Sinks = append(s.Settings.Sinks, &snapshot{path: s.Snapshot})
	}
	s.source, err = video.OpenSource(ctx, s.Camera, s.Source)
	return err
}

// loadModel reads a model with the direction in which it begins.
func loadModel(c *cli.Context, path, direction string) (live.Model, error) {
	direction = cmp.Or(direction, cyclegan.DirectionOf(path), "AtoB")
	generator, err := cyclegan.GeneratorOf(direction)
	if err != nil {
		return live.Model{}, err
	}
	checkpoint, err := app.LoadModel(c, path, generator)
	if err != nil {
		return live.Model{}, err
	}
	name := filepath.Base(filepath.Clean(path))
	return live.Model{Name: strings.TrimSuffix(name, filepath.Ext(name)), Checkpoint: checkpoint, Direction: direction}, nil
}

// Start uploads the models to a device and makes the loop, for a screen or nil. trouble is told of what does not end it.
func (s *Session) Start(dev *vk.Device, screen live.Screen, trouble func(error)) (err error) {
	if s.pipeline, err = live.NewPipeline(dev, s.models, live.Options{Eval: s.Eval, Precision: s.Element, Timing: true}); err != nil {
		return app.BadInput(err)
	}
	s.Loop = live.NewLoop(s.pipeline, live.Config{
		Source: source{s.source}, Screen: screen, Settings: s.Settings, Frames: s.Frames,
		ToEnd: s.Headless, Lossless: s.Headless && s.fps > 0, Trouble: trouble,
	})
	return nil
}

// Stop frees what Start made, when the loop has ended and before the device is closed.
func (s *Session) Stop() {
	if s.pipeline != nil {
		s.pipeline.Close()
	}
}

// Close ends all that Open opened. The loop has finished the recordings.
func (s *Session) Close() {
	if s.source != nil {
		s.source.Close()
	}
	for _, f := range s.files {
		f.Close()
	}
}

// Recording tells whether one runs, and has not failed.
func (s *Session) Recording() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recording != nil && !s.recording.failed.Load()
}

// StartRecording begins one. What is wrong with it later is told to Start's trouble.
func (s *Session) StartRecording(path string) error {
	s.StopRecording()
	if err := s.record(context.Background(), path); err != nil {
		return err
	}
	s.mu.Lock()
	r := s.recording
	s.mu.Unlock()
	s.Loop.Do(func(set *live.Settings) { set.Sinks = append(set.Sinks, r) })
	return nil
}

// StopRecording ends the recording, if one runs; the loop makes a whole file of it.
func (s *Session) StopRecording() {
	s.mu.Lock()
	r := s.recording
	s.recording = nil
	s.mu.Unlock()
	if r != nil {
		s.Loop.Do(func(set *live.Settings) {
			set.Sinks = slices.DeleteFunc(set.Sinks, func(k live.Sink) bool { return k == live.Sink(r) })
		})
	}
}

// record makes ready for a recording. That of a source that is not live has the source's pace, not the device's.
func (s *Session) record(ctx context.Context, path string) error {
	file, err := video.Record(ctx, path, video.SinkOptions{CRF: s.CRF})
	if err != nil {
		return err
	}
	if codec := file.Codec(); codec != "libx264" {
		app.Say(s.c, "ffmpeg has no encoder libx264: the recording is %s", codec)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &sink{Sink: file}
	if s.Recorded != nil {
		r.told = func(pictures int) { s.Recorded(path, pictures) }
	}
	if s.Headless {
		r.fps = s.fps
	}
	s.files, s.recording = append(s.files, file), r
	return nil
}
