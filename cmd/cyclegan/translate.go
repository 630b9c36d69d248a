// The command translate: pictures through one generator of a training run.

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

func translateCommand() *cli.Command {
	return &cli.Command{
		Name:      "translate",
		Usage:     "translate pictures with a trained model",
		ArgsUsage: "FILE|FOLDER...",
		Description: `AtoB runs the generator G_A, which makes a picture of domain A look like one of domain B; BtoA runs G_B. Domain A was
trainA, or trainB where the model was trained with --direction BtoA.

Results are PNG files of the original size in the folder --out: under the name of a FILE, and under the path below a FOLDER,
which is searched with its sub-folders. Pictures that cannot be read are named and left out.

Examples:
   cyclegan translate --model checkpoints/horse2zebra --direction AtoB --out zebras horse.jpg
   cyclegan translate --model checkpoints/horse2zebra --direction BtoA --out horses datasets/horse2zebra/testB`,
		Flags: []cli.Flag{
			modelFlag(),
			&cli.StringFlag{Name: "direction", Usage: "`DIRECTION` of the translation, AtoB or BtoA (required)"},
			&cli.PathFlag{Name: "out", Usage: "`FOLDER` for the results (required)"},
			evalFlag(),
			deviceFlag(),
		},
		Action: translate,
	}
}

func modelFlag() cli.Flag {
	return &cli.PathFlag{Name: "model", Usage: "folder of a training `RUN`, whose newest checkpoint is taken, or a checkpoint file (required)"}
}

func translate(c *cli.Context) error {
	if err := required(c, "model", "direction", "out"); err != nil {
		return err
	}
	jobs, err := findJobs(c.Path("out"), c.Args().Slice())
	if err != nil {
		return badInput{err}
	}
	model, err := loadModel(c, c.Path("model"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Path("out"), 0o755); err != nil {
		return badInput{err}
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	return withDevice(c.String("device"), func(dev *vk.Device) error {
		translator, err := cyclegan.NewTranslator(dev, model, c.String("direction"))
		if err != nil {
			return badInput{err}
		}
		defer translator.Close()
		translator.Eval = c.Bool("eval")
		return translateAll(ctx, translator, jobs, c.App.Writer, c.App.ErrWriter)
	})
}

// translateAll translates every picture that can be read. It fails where none can.
func translateAll(ctx context.Context, translator *cyclegan.Translator, jobs []job, stdout, stderr io.Writer) error {
	bar := newProgress(stderr, len(jobs))
	done := 0
	var bad error // the last
	for i, j := range jobs {
		if ctx.Err() != nil {
			bar.clear()
			return fmt.Errorf("%w after %d of %d pictures", errInterrupted, i, len(jobs))
		}
		picture, err := data.Decode(j.in)
		if err != nil {
			bar.clear()
			fmt.Fprintf(stderr, "cyclegan translate: left out: %v\n", err)
			bad = err
			continue
		}
		result, err := translator.Translate(picture)
		if err != nil {
			bar.clear()
			return fmt.Errorf("%s (%dx%d): %w", j.in, picture.W, picture.H, err)
		}
		if err := savePicture(j.out, result); err != nil {
			bar.clear()
			return badInput{err}
		}
		done++
		bar.set(i+1, "translating")
	}
	bar.clear()
	if done == 0 {
		return badInput{fmt.Errorf("none of %d pictures could be read", len(jobs))}
	}
	if bad != nil {
		fmt.Fprintf(stdout, "%d pictures translated, %d left out\n", done, len(jobs)-done)
		return nil
	}
	fmt.Fprintf(stdout, "%d pictures translated\n", done)
	return nil
}

func savePicture(path string, m *data.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return data.EncodePNG(path, m)
}
