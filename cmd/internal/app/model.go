// Reading a trained model, for the commands that use one.

package app

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"cyclevk/cyclegan"
	"cyclevk/kernels"
)

// ModelFlag is --model.
func ModelFlag() cli.Flag {
	return &cli.PathFlag{Name: "model", Usage: "`MODEL`: the folder of a training run, whose newest checkpoint is taken, or one with latest_net_G_A.pth and so on; " +
		"a checkpoint file, or PyTorch or safetensors weights (required)"}
}

// EpochFlag is --epoch.
func EpochFlag() cli.Flag {
	return &cli.StringFlag{Name: "epoch", Value: cyclegan.Latest, Usage: "`EPOCH` after which the model was saved, a number or latest"}
}

// LoadModel reads a model, of --epoch where the command has it; nets are the networks that it must have.
func LoadModel(c *cli.Context, path string, nets ...string) (*cyclegan.Checkpoint, error) {
	model, err := cyclegan.LoadModel(path, cyclegan.Wanted{Epoch: c.String("epoch"), Nets: nets})
	if err != nil {
		return nil, BadInput(err)
	}
	WarnOfDamage(c, model)
	SayNotes(c, model)
	return model, nil
}

// EvalFlag is --eval, the official test.py's.
func EvalFlag() cli.Flag {
	return &cli.BoolFlag{Name: "eval", Usage: "normalise batch norm by its running statistics, not by those of each picture; other norms know no difference"}
}

// PrecisionFlag is --precision.
func PrecisionFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "precision", Value: kernels.Float32.String(),
		Usage: "`TYPE` of the numbers between layers: fp32, or fp16 or bf16 for half the memory; sums are fp32 in any case",
	}
}

// Precision is what --precision says.
func Precision(c *cli.Context) (kernels.Element, error) {
	e, err := kernels.ParseElement(c.String("precision"))
	if err != nil {
		return 0, fmt.Errorf("--%w", err)
	}
	return e, nil
}

// SayNotes says what an imported model was found to be.
func SayNotes(c *cli.Context, model *cyclegan.Checkpoint) {
	for _, note := range model.Notes {
		Say(c, "%s", note)
	}
}

// WarnOfDamage says which newer checkpoints were passed over, and for which one.
func WarnOfDamage(c *cli.Context, model *cyclegan.Checkpoint) {
	for _, err := range model.Damaged {
		Say(c, "%v; falling back to %s", err, model.Path)
	}
}
