// Reading a trained model, for the commands that use one.

package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
)

func modelFlag() cli.Flag {
	return &cli.PathFlag{Name: "model", Usage: "`MODEL`: the folder of a training run, whose newest checkpoint is taken, or one with latest_net_G_A.pth and so on; " +
		"a checkpoint file, or PyTorch or safetensors weights (required)"}
}

func epochFlag() cli.Flag {
	return &cli.StringFlag{Name: "epoch", Value: cyclegan.Latest, Usage: "`EPOCH` after which the model was saved, a number or latest"}
}

// loadModel reads a model, of --epoch where the command has it; nets are the networks that it must have.
func loadModel(c *cli.Context, path string, nets ...string) (*cyclegan.Checkpoint, error) {
	model, err := cyclegan.LoadModel(path, cyclegan.Wanted{Epoch: c.String("epoch"), Nets: nets})
	if err != nil {
		return nil, badInput{err}
	}
	warnOfDamage(c.App.ErrWriter, c.Command.Name, model)
	sayNotes(c.App.ErrWriter, c.Command.Name, model)
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

// sayNotes says what an imported model was found to be.
func sayNotes(stderr io.Writer, command string, model *cyclegan.Checkpoint) {
	for _, note := range model.Notes {
		fmt.Fprintf(stderr, "cyclegan %s: %s\n", command, note)
	}
}

// warnOfDamage says which newer checkpoints were passed over, and for which one.
func warnOfDamage(stderr io.Writer, command string, model *cyclegan.Checkpoint) {
	for _, err := range model.Damaged {
		fmt.Fprintf(stderr, "cyclegan %s: %v; falling back to %s\n", command, err, model.Path)
	}
}
