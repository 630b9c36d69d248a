// The command tune: which tiles of the convolutions run fastest on the user's device.

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/shaders"
	"cyclevk/vk"
)

func tuneCommand() *cli.Command {
	return &cli.Command{
		Name:  "tune",
		Usage: "measure which tiles of the convolutions are the fastest on a device",
		Description: `Nothing needs to be tuned: the program chooses tiles by a model of the device. This command measures, for each convolution of a
training step and of a generator's forward pass with these options, whether other tiles are faster than the model's. A tile is
timed once it has given the same bits as the model's, and taken if it is faster beyond the noise, on an otherwise idle device.
What was found is stored in the user's cache folder, under cyclevk, for this device, driver and version of the shaders, and
used by all commands from then on, unless CYCLEVK_TUNING is "off". It changes how long a training takes and not one bit of it.
train --tune and bench --tune do the same before they begin.

Examples:
   cyclegan tune
   cyclegan tune --size 64 --netG resnet_6blocks --ngf 32 --ndf 32
   cyclegan tune --size 128 --batch_size 4 --device radeon --json tuning.json`,
		Flags: append(networkFlags(),
			&cli.PathFlag{Name: "json", Usage: "write what was measured to a `FILE`"},
			app.DeviceFlag(),
		),
		Action: tune,
	}
}

// tuneFlag is the option of other commands that tunes before they begin.
func tuneFlag(category string) cli.Flag {
	return &cli.BoolFlag{Name: "tune", Category: category, Usage: "first measure which tiles of the convolutions are the fastest on the device, and store it, as the command tune does"}
}

func tune(c *cli.Context) error {
	config, err := networkConfig(c)
	if err != nil {
		return app.BadInput(err)
	}
	if err := checkTuningFolder(); err != nil {
		return err
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	var report *tuneReport
	err = app.WithDevice(c.String("device"), func(dev *vk.Device) error {
		report, err = tuneDevice(ctx, dev, config, c.App.ErrWriter, app.Name(c))
		return err
	})
	if err != nil {
		return err
	}
	if report.Unused != "" {
		app.Say(c, "%s", report.Unused)
	}
	if err := report.print(c.App.Writer); err != nil {
		return err
	}
	if path := c.Path("json"); path != "" {
		return app.BadInput(app.WriteJSON(path, report))
	}
	return nil
}

// checkTuningFolder refuses to measure what could not be stored.
func checkTuningFolder() error {
	if app.TuningFolder() != "" {
		return nil
	}
	return app.BadInput(fmt.Errorf("no place for what is measured: set HOME or XDG_CACHE_HOME, and %s to something else than %q",
		app.TuningVariable, os.Getenv(app.TuningVariable)))
}

// tuneDevice measures, says on stderr in a command's name what was left out, stores the rest, and makes programs that are written from now on
// use it.
func tuneDevice(ctx context.Context, dev *vk.Device, config cyclegan.Config, stderr io.Writer, command string) (*tuneReport, error) {
	report := &tuneReport{Device: dev.Info.Name, Driver: dev.Info.Driver, Config: config}
	tuning := vk.Tuning{}
	maps.Copy(tuning, dev.Tuning) // of other options, perhaps
	if err := report.measure(ctx, dev, tuning, app.NewProgress(stderr, 0)); err != nil {
		return nil, err
	}
	if err := tuning.Write(app.TuningFolder(), shaders.Hash(), dev.Info); err != nil {
		return nil, app.BadInput(err)
	}
	for _, dropped := range report.Dropped {
		fmt.Fprintf(stderr, "%s: left out: %s\n", command, dropped)
	}
	dev.Tuning = tuning
	return report, nil
}

// tuneReport is what --json writes. Times are milliseconds on the device.
type tuneReport struct {
	Device string          `json:"device"`
	Driver string          `json:"driver"`
	Config cyclegan.Config `json:"config"`
	Unused string          `json:"unused,omitempty"` // what of it changes nothing

	Passes  []tunedPass `json:"passes"`
	Default float64     `json:"default_ms"` // of all passes as often as the step and the forward pass have them
	Tuned   float64     `json:"tuned_ms"`
	Dropped []string    `json:"dropped"` // tiles that failed or gave other bits
}

// tunedPass is a convolution that steps have so many times.
type tunedPass struct {
	Pass      string   `json:"pass"`
	Shader    string   `json:"shader"`
	Count     int      `json:"count"`
	Tiles     int      `json:"tiles"` // that were measured
	Default   float64  `json:"default_ms"`
	Tuned     float64  `json:"tuned_ms"`
	Constants []uint32 `json:"constants,omitempty"` // of the faster tile
}

// measure measures all passes and brings a tuning up to date with what was found.
func (r *tuneReport) measure(ctx context.Context, dev *vk.Device, tuning vk.Tuning, bar *app.Progress) error {
	b, err := cyclegan.NewBenchmark(dev, r.Config)
	if err != nil {
		return err
	}
	defer b.Close()
	defer bar.Clear()
	r.Unused = b.Unused()
	list := b.Tunables()
	bar.Of(len(list))
	for i, t := range list {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		bar.Set(i, t.Label)
		m, err := t.Measure()
		if err != nil {
			return err
		}
		ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
		r.Passes = append(r.Passes, tunedPass{
			Pass: t.Label, Shader: t.Shader, Count: t.Count, Tiles: len(t.Variants) - len(m.Dropped),
			Default: ms(m.Default), Tuned: ms(m.Best), Constants: m.Spec,
		})
		r.Default += float64(t.Count) * ms(m.Default)
		r.Tuned += float64(t.Count) * ms(m.Best)
		for _, err := range m.Dropped {
			r.Dropped = append(r.Dropped, err.Error())
		}
		if delete(tuning, t.Key); m.Spec != nil {
			tuning[t.Key] = m.Spec
		}
	}
	return nil
}

// print writes the passes that have become faster, and the sum.
func (r *tuneReport) print(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s\n%s\n\n", r.Device, r.Driver, settings(&r.Config))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\ttimes\tms\ttuned ms\tgain\t")
	for _, p := range r.Passes {
		if p.Constants != nil {
			fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%.1f %%\t\n", p.Pass, p.Count, p.Default, p.Tuned, 100*(1-p.Tuned/p.Default))
		}
	}
	fmt.Fprintf(w, "all %d, %d of them faster\t\t%.1f\t%.1f\t%.1f %%\t\n", len(r.Passes), r.faster(), r.Default, r.Tuned, 100*(1-r.Tuned/r.Default))
	return w.Flush()
}

// faster is how many passes have become so.
func (r *tuneReport) faster() (n int) {
	for _, p := range r.Passes {
		if p.Constants != nil {
			n++
		}
	}
	return n
}

// summary is one line of what print writes.
func (r *tuneReport) summary() string {
	return fmt.Sprintf("%d of %d convolutions have faster tiles: all take %.1f ms in place of %.1f", r.faster(), len(r.Passes), r.Tuned, r.Default)
}
