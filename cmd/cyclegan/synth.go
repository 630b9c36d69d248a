// The command synth: drawn pictures whose true translation is known.

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/synth"
)

func synthCommand() *cli.Command {
	return &cli.Command{
		Name:  "synth",
		Usage: "draw a data set whose true translation is known",
		Description: `Landscapes by day (A) and at dusk (B). trainA and trainB share no scene; each test scene stands in testA and testB under
one name, its classes in testLabels, so that ` + "`cyclegan eval`" + ` can hold a translation against the truth. Classes share colours
in one domain that differ in the other, so no colour map is a solution. The same options draw the same bytes.

Examples:
   cyclegan synth --out scenes --size 64 --train 400 --test 50
   cyclegan synth --out other --size 128 --train 1000 --test 100 --seed 7`,
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "out", Usage: "new or empty `FOLDER` (required)"},
			&cli.IntFlag{Name: "size", Value: 64, Usage: "side of a picture in `PIXELS`"},
			&cli.IntFlag{Name: "train", Value: 400, Usage: "`NUMBER` of pictures in trainA, and in trainB"},
			&cli.IntFlag{Name: "test", Value: 50, Usage: "`NUMBER` of test scenes"},
			&cli.Uint64Flag{Name: "seed", Usage: "`NUMBER` that decides the scenes"},
		},
		Action: drawScenes,
	}
}

func drawScenes(c *cli.Context) error {
	if err := app.Required(c, "out"); err != nil {
		return err
	}
	o := synth.Options{Size: c.Int("size"), Train: c.Int("train"), Test: c.Int("test"), Seed: c.Uint64("seed")}
	if err := synth.Generate(c.Path("out"), o); err != nil {
		return app.BadInput(err)
	}
	fmt.Fprintf(c.App.Writer, "%s: %d + %d training pictures, %d test pairs of %dx%d\n", c.Path("out"), o.Train, o.Train, o.Test, o.Size, o.Size)
	return nil
}
