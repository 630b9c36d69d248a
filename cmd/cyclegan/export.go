// The command export: a model's networks in the files of other programs.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/atomicfile"
)

// exportFormats are the formats by their names, each with what writes a model into a folder and returns the files' names.
var exportFormats = []struct {
	name  string
	write func(model *cyclegan.Checkpoint, folder string) (names []string, err error)
}{
	{"pth", exporter(".pth", (*cyclegan.Checkpoint).WritePTH)},
	{"safetensors", exporter(".safetensors", (*cyclegan.Checkpoint).WriteSafetensors)},
	{"onnx", exportONNX},
}

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write a model's networks into files for other programs",
		Description: `pth: latest_net_{G_A,G_B,D_A,D_B}.pth, the official files, which torch.load reads (weights_only=True) and the official
networks take.

safetensors: the same networks and keys, one file each.

onnx: latest_net_G_A.onnx and latest_net_G_B.onnx, the two generators for onnxruntime, OpenCV and whatever else reads ONNX
(operator set 13). "input" and "output" are float32 pictures [N,C,H,W] in [-1,1], of any number and size whose sides are
multiples of the number that the file's metadata calls size_multiple.

Examples:
   cyclegan export --model checkpoints/horse2zebra --format pth --out exported
   cyclegan export --model latest_net_G_A.pth --format safetensors --out exported
   cyclegan export --model checkpoints/horse2zebra --format onnx --out exported`,
		Flags: []cli.Flag{
			app.ModelFlag(),
			app.EpochFlag(),
			&cli.StringFlag{Name: "format", Usage: "`FORMAT` of the files: " + strings.Join(formatNames(), ", ") + " (required)"},
			&cli.PathFlag{Name: "out", Usage: "`FOLDER` for the files (required)"},
		},
		Action: export,
	}
}

func formatNames() (names []string) {
	for _, f := range exportFormats {
		names = append(names, f.name)
	}
	return names
}

func export(c *cli.Context) error {
	if err := app.Required(c, "model", "format", "out"); err != nil {
		return err
	}
	i := slices.Index(formatNames(), c.String("format"))
	if i < 0 {
		return app.BadInput(fmt.Errorf("--format %q: use %s", c.String("format"), strings.Join(formatNames(), ", ")))
	}
	model, err := app.LoadModel(c, c.Path("model"))
	if err != nil {
		return err
	}
	folder := c.Path("out")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return app.BadInput(err)
	}
	names, err := exportFormats[i].write(model, folder)
	for _, name := range names {
		fmt.Fprintf(c.App.Writer, "wrote %s\n", filepath.Join(folder, name))
	}
	return app.BadInput(err)
}

// exporter writes all networks that the model has, each in a file that write makes.
func exporter(extension string, write func(*cyclegan.Checkpoint, io.Writer, string) error) func(*cyclegan.Checkpoint, string) ([]string, error) {
	return func(model *cyclegan.Checkpoint, folder string) (names []string, err error) {
		for _, net := range model.Networks() {
			name := "latest_net_" + net + extension
			if err := atomicfile.Write(filepath.Join(folder, name), func(w io.Writer) error { return write(model, w, net) }); err != nil {
				return names, err
			}
			names = append(names, name)
		}
		return names, nil
	}
}

// exportONNX writes both generators.
func exportONNX(model *cyclegan.Checkpoint, folder string) (names []string, err error) {
	for _, net := range model.Networks() {
		if !strings.HasPrefix(net, "G") {
			continue
		}
		name := "latest_net_" + net + ".onnx"
		err := atomicfile.Write(filepath.Join(folder, name), func(w io.Writer) error { return model.WriteONNX(w, net, app.Version) })
		if err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}
