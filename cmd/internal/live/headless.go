// The run without a window.

package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/live"
	"cyclevk/cyclegan/video"
	"cyclevk/vk"
)

// Run is the action of `cyclegan live` and of cyclegan-live: what needs no window is done here, window does the rest.
func Run(c *cli.Context, window func(*cli.Context, *Options) error) error {
	if c.Bool("list_devices") {
		return listDevices(c)
	}
	o, err := read(c)
	if err != nil {
		return app.BadInput(err)
	}
	switch {
	case o.Headless:
		return o.headless(c)
	case !hasDisplay():
		return app.BadInput(errors.New("there is no display, DISPLAY is empty: run without a window, with --headless"))
	}
	return window(c, o)
}

func listDevices(c *cli.Context) error {
	devices, err := video.ListDevices(c.Context)
	if err != nil {
		return app.BadInput(err)
	}
	if len(devices) == 0 {
		_, err := fmt.Fprintln(c.App.Writer, "no cameras found: plug one in, or use --camera with a FILE, a FOLDER, a URL, screen or test")
		return err
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "--camera\tname\tdevice\tsizes")
	for _, d := range devices {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Camera, d.Name, d.Path, strings.Join(d.Sizes, " "))
	}
	return w.Flush()
}

// headless runs to the end of the source, to --frames or to an interrupt, each of which leaves whole files.
func (o *Options) headless(c *cli.Context) error {
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	s, err := o.Open(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	bar := app.NewProgress(c.App.ErrWriter, s.expected())
	say := func(format string, args ...any) {
		bar.Clear()
		app.Say(c, format, args...)
	}
	var r *report
	err = app.WithDevice(o.Device, func(dev *vk.Device) error {
		if err := s.Start(dev, nil, func(err error) { say("%v", err) }); err != nil {
			return err
		}
		defer s.Stop()
		begin := time.Now()
		err := s.run(ctx, bar, say)
		r = newReport(dev, s, time.Since(begin))
		if errors.Is(err, vk.ErrTooLarge) {
			err = app.BadInput(err)
		}
		return err
	})
	if r != nil && r.Frames > 0 {
		err = errors.Join(err, r.print(c.App.Writer))
	}
	if r != nil && o.JSON != "" {
		err = errors.Join(err, app.BadInput(app.WriteJSON(o.JSON, r)))
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w after %d frames", app.ErrInterrupted, r.Frames)
	case r.Frames == 0:
		return app.BadInput(fmt.Errorf("%s: no picture came", s.Camera))
	}
	return nil
}

// expected is how many frames there will be, or -1 where that is not known.
func (s *Session) expected() int {
	n := s.total
	if s.Frames > 0 && (n == 0 || s.Frames < uint64(n)) {
		n = int(min(s.Frames, math.MaxInt32))
	}
	if n == 0 {
		return -1
	}
	return n
}

// run runs the loop, moves the bar, and says what happens meanwhile.
func (s *Session) run(ctx context.Context, bar *app.Progress, say func(format string, args ...any)) error {
	done := make(chan error, 1)
	go func() { done <- s.Loop.Run(ctx) }()
	for before := s.Loop.Stats(); ; {
		select {
		case err := <-done:
			bar.Clear()
			return err
		case <-time.After(200 * time.Millisecond):
		}
		now := s.Loop.Stats()
		switch was, is := before.Source, now.Source; {
		case is.Condition == video.Waiting && was.Message != is.Message:
			say("%s", is.Message)
		case is.Condition == video.Running && was.Condition == video.Waiting:
			say("%s is back", s.Camera)
		}
		if now.Reloads > before.Reloads {
			say("%s: the checkpoint of step %d", now.Model, now.Step)
		}
		before = now
		frames := int(now.Frames)
		if n := s.expected(); n > 0 {
			frames = min(frames, n-1) // the end is the summary's
		}
		bar.Set(frames, fmt.Sprintf("%s, %.1f frames/s", now.Model, now.FPS))
	}
}

// report is what a run says at its end; --json writes it.
type report struct {
	Device    string             `json:"device"`
	Driver    string             `json:"driver"`
	Model     string             `json:"model"`
	Direction string             `json:"direction"`
	Step      int                `json:"step,omitempty"` // of the checkpoint
	Reloads   uint64             `json:"reloads"`
	Source    string             `json:"source"`
	SourceW   int                `json:"source_width"`
	SourceH   int                `json:"source_height"`
	W         int                `json:"width"` // of the canvas
	H         int                `json:"height"`
	Frames    uint64             `json:"frames"`
	Runs      uint64             `json:"network_runs"`
	Seconds   float64            `json:"seconds"`           // with the making of the programs
	FPS       float64            `json:"frames_per_second"` // of the last seconds, as all that follows
	Latency   float64            `json:"latency_ms"`
	Latency95 float64            `json:"latency_95_ms"`
	Dropped   uint64             `json:"dropped"`
	Unwritten uint64             `json:"not_recorded"`
	Stages    map[string]float64 `json:"stages_ms"` // on the device

	stages []live.Stage // in their order
}

func newReport(dev *vk.Device, s *Session, took time.Duration) *report {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	t := s.Loop.Stats()
	r := &report{
		Device: dev.Info.Name, Driver: dev.Info.Driver, Model: t.Model, Direction: t.Direction, Step: t.Step, Reloads: t.Reloads,
		Source: s.Camera, SourceW: t.SourceW, SourceH: t.SourceH, W: t.CanvasW, H: t.CanvasH,
		Frames: t.Frames, Runs: t.Runs, Seconds: took.Seconds(), FPS: t.FPS, Latency: ms(t.Latency), Latency95: ms(t.Latency95),
		Dropped: t.Dropped, Unwritten: t.SinkDropped, Stages: map[string]float64{}, stages: t.Stages,
	}
	if t.FPS == 0 { // it takes seconds a frame
		r.FPS = float64(t.Frames) / took.Seconds()
	}
	for _, stage := range t.Stages {
		r.Stages[stage.Name] = ms(stage.Time)
	}
	return r
}

// print writes the summary.
func (r *report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d frames in %.1f s at %dx%d: %.1f frames/s, latency %.1f ms (95 %% within %.1f), %d dropped", r.Frames, r.Seconds, r.W, r.H, r.FPS, r.Latency, r.Latency95, r.Dropped)
	if r.Unwritten > 0 {
		fmt.Fprintf(&b, ", %d not recorded", r.Unwritten)
	}
	for i, stage := range r.stages {
		fmt.Fprintf(&b, "%s %s %.2f ms", map[bool]string{true: "; on the device:", false: ","}[i == 0], stage.Name, r.Stages[stage.Name])
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}
