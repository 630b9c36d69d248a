// The command translate: pictures and videos through one generator of a training run.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

func translateCommand() *cli.Command {
	return &cli.Command{
		Name:      "translate",
		Usage:     "translate pictures and videos with a trained model",
		ArgsUsage: "FILE|FOLDER...",
		Description: `AtoB runs the generator G_A, which makes a picture of domain A look like one of domain B; BtoA runs G_B. Domain A was
trainA, or trainB where the model was trained with --direction BtoA.

Results have the original size and go to the folder --out: under the name of a FILE, and under the path below a FOLDER, which is
searched with its sub-folders. What cannot be read is named and left out.

Pictures become PNG, of 16 bits where the picture has them, with its alpha. Animated GIF stays animated. Videos become MP4 with the
frame rate and the sound that they had; they need ffmpeg. Where a picture needs more memory than the device has, or than
--max_memory, it is translated in tiles, without seams, and in fp32 whatever --precision says.

Examples:
   cyclegan translate --model checkpoints/horse2zebra --direction AtoB --out zebras horse.jpg
   cyclegan translate --model checkpoints/horse2zebra --direction BtoA --out horses datasets/horse2zebra/testB
   cyclegan translate --model checkpoints/horse2zebra --direction AtoB --out zebras --crf 20 gallop.mp4
   cyclegan translate --model checkpoints/horse2zebra --direction AtoB --out zebras --max_memory 2000 panorama.tif
   cyclegan translate --model latest_net_G_A.pth --out zebras horse.jpg`,
		Flags: []cli.Flag{
			app.ModelFlag(),
			app.EpochFlag(),
			&cli.StringFlag{Name: "direction", Usage: "`DIRECTION` of the translation, AtoB or BtoA (required, but for a file of one generator)"},
			&cli.PathFlag{Name: "out", Usage: "`FOLDER` for the results (required)"},
			&cli.IntFlag{Name: "max_memory", Usage: "most memory to use on the device, in `MIB` (default: what is free)"},
			&cli.IntFlag{Name: "crf", Value: 18, Usage: "`QUALITY` of videos, from 0, without loss, to 51"},
			app.EvalFlag(),
			app.PrecisionFlag(),
			app.DeviceFlag(),
		},
		Action: translate,
	}
}

func translate(c *cli.Context) error {
	if d := cyclegan.DirectionOf(c.Path("model")); d != "" && !c.IsSet("direction") {
		if err := c.Set("direction", d); err != nil {
			return err
		}
	}
	if err := app.Required(c, "model", "direction", "out"); err != nil {
		return err
	}
	if n := c.Int("max_memory"); c.IsSet("max_memory") && n < 1 {
		return app.BadInput(fmt.Errorf("--max_memory %d: use 1 MiB or more", n))
	}
	if n := c.Int("crf"); n < 0 || n > 51 {
		return app.BadInput(fmt.Errorf("--crf %d: use a value from 0 to 51", n))
	}
	precision, err := app.Precision(c)
	if err != nil {
		return app.BadInput(err)
	}
	generator, err := cyclegan.GeneratorOf(c.String("direction"))
	if err != nil {
		return app.BadInput(err)
	}
	jobs, err := findJobs(c.Path("out"), c.Args().Slice())
	if err != nil {
		return app.BadInput(err)
	}
	model, err := app.LoadModel(c, c.Path("model"), generator)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Path("out"), 0o755); err != nil {
		return app.BadInput(err)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	return app.WithDevice(c.String("device"), func(dev *vk.Device) error {
		translator, err := cyclegan.NewTranslatorIn(dev, model, c.String("direction"), precision)
		if err != nil {
			return app.BadInput(err)
		}
		defer translator.Close()
		translator.Eval, translator.MaxMemory = c.Bool("eval"), c.Int("max_memory")<<20
		t := &translation{
			ctx: ctx, translator: translator, orientation: model.Data.ExifOrientation, crf: c.Int("crf"),
			stdout: c.App.Writer, stderr: c.App.ErrWriter,
		}
		return t.all(jobs)
	})
}

// translation is one run of the command.
type translation struct {
	ctx            context.Context
	translator     *cyclegan.Translator
	orientation    data.Orientation // as in training
	crf            int
	stdout, stderr io.Writer
	bar            *app.Progress
}

// leftOut marks an error for which a file is left out, and the next one translated.
type leftOut struct{ error }

func (l leftOut) Unwrap() error { return l.error }

// all translates every file that can be read. It fails where none can.
func (t *translation) all(jobs []job) error {
	t.bar = app.NewProgress(t.stderr, len(jobs))
	defer func() { t.bar.Clear() }()
	done := 0
	for i, j := range jobs {
		t.bar.Set(i, "translating "+filepath.Base(j.in))
		err := t.one(j, i)
		switch {
		case t.ctx.Err() != nil:
			return fmt.Errorf("%w after %d of %d files", app.ErrInterrupted, i, len(jobs))
		case errors.As(err, &leftOut{}):
			t.say("left out: %v", err)
		case err != nil:
			return err
		default:
			done++
		}
	}
	t.bar.Clear()
	switch {
	case done == 0:
		return app.BadInput(fmt.Errorf("none of %d files could be translated", len(jobs)))
	case done < len(jobs):
		fmt.Fprintf(t.stdout, "%s, %d left out\n", translated(jobs, done), len(jobs)-done)
	default:
		fmt.Fprintln(t.stdout, translated(jobs, done))
	}
	return nil
}

// translated counts what was done.
func translated(jobs []job, done int) string {
	for _, j := range jobs {
		if j.kind == film {
			return fmt.Sprintf("%d files translated", done)
		}
	}
	return fmt.Sprintf("%d pictures translated", done)
}

// say prints a line about a file, without the bar.
func (t *translation) say(format string, args ...any) {
	t.bar.Clear()
	fmt.Fprintf(t.stderr, "cyclegan translate: "+format+"\n", args...)
}

// one translates the file that is number i.
func (t *translation) one(j job, i int) error {
	if j.kind != picture {
		if err := os.MkdirAll(filepath.Dir(j.out), 0o755); err != nil {
			return app.BadInput(err)
		}
	}
	switch j.kind {
	case film:
		return t.video(j)
	case animation:
		return t.gif(j)
	}
	x, err := data.Decode(j.in, data.Format{}, t.orientation)
	if err != nil {
		return leftOut{err}
	}
	if data.Animated(j.in) != "" {
		t.say("%q is animated: its first frame is translated", j.in)
	}
	y, err := t.picture(j, x, func(share float64) {
		t.bar.Set(i, fmt.Sprintf("translating %s in tiles, %.0f %%", filepath.Base(j.in), 100*share))
	})
	if err != nil {
		return err
	}
	return app.BadInput(savePicture(j.out, y))
}

// picture translates a picture or a frame of a file.
func (t *translation) picture(j job, x *data.Image, show func(share float64)) (*data.Image, error) {
	t.translator.Progress = func(share float64) error {
		show(share)
		return t.ctx.Err()
	}
	y, err := t.translator.Translate(x)
	if err != nil {
		err = fmt.Errorf("%s (%dx%d): %w", j.in, x.W, x.H, err)
	}
	if errors.Is(err, vk.ErrTooLarge) || errors.Is(err, cyclegan.ErrOutOfHostMemory) { // the next may be smaller
		err = leftOut{err}
	}
	return y, err
}

func savePicture(path string, m *data.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return data.EncodePNG(path, m)
}
