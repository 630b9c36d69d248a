// Reading a trained model, for the commands that use one.

package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
)

// loadModel reads a checkpoint: a file, or the newest one of a run folder.
func loadModel(c *cli.Context, path string) (*cyclegan.Checkpoint, error) {
	model, err := cyclegan.Load(path)
	if err != nil {
		return nil, badInput{err}
	}
	warnOfDamage(c.App.ErrWriter, c.Command.Name, model)
	return model, nil
}

// evalFlag is the official test.py's.
func evalFlag() cli.Flag {
	return &cli.BoolFlag{Name: "eval", Usage: "normalise batch norm by its running statistics, not by those of each picture; other norms know no difference"}
}

// pictureFormat is how a model takes the pictures of domain A or B.
func pictureFormat(model *cyclegan.Checkpoint, domain string) data.Format {
	f := data.Format{C: model.Config.InputNC, Bits: model.Config.Bits}
	if domain == "B" {
		f.C = model.Config.OutputNC
	}
	return f
}

// warnOfDamage says which newer checkpoints were passed over, and for which one.
func warnOfDamage(stderr io.Writer, command string, model *cyclegan.Checkpoint) {
	for _, err := range model.Damaged {
		fmt.Fprintf(stderr, "cyclegan %s: %v; falling back to %s\n", command, err, model.Path)
	}
}
