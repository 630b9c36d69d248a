// The command inspect: what a file of weights holds, and what network it is.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "list the tensors of files of weights, and say what networks they are",
		ArgsUsage: "FILE|RUN...",
		Description: `A FILE is a PyTorch checkpoint (.pth, .pt, .pkl; the zip and the legacy form), a safetensors file or a checkpoint of cyclegan,
whatever its name. A RUN is a folder: its newest checkpoint, or the PyTorch and safetensors files in it. Nothing in a file is
executed, however it was made.

Examples:
   cyclegan inspect latest_net_G_A.pth
   cyclegan inspect --json checkpoints/horse2zebra`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: inspect,
	}
}

func inspect(c *cli.Context) error {
	if !c.Args().Present() {
		return app.BadInput(fmt.Errorf("no FILE is named; `cyclegan inspect --help` has examples"))
	}
	reports := []*fileReport{} // in JSON never null
	for _, arg := range c.Args().Slice() {
		paths, err := weightFiles(arg)
		if err != nil {
			return app.BadInput(err)
		}
		for _, path := range paths {
			r, err := inspectFile(path)
			if err != nil {
				return app.BadInput(err)
			}
			if !c.Bool("json") {
				if err := r.print(c.App.Writer); err != nil {
					return err
				}
			}
			reports = append(reports, r)
		}
	}
	if c.Bool("json") {
		text, err := json.MarshalIndent(reports, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(text))
	}
	return nil
}

// weightFiles is a file, or those of a folder.
func weightFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	model, err := cyclegan.Load(path)
	if err == nil {
		return []string{model.Path}, nil
	}
	entries, readErr := os.ReadDir(path)
	if readErr != nil {
		return nil, readErr
	}
	var paths []string
	for _, e := range entries {
		if slices.Contains([]string{".pth", ".pt", ".pkl", ".safetensors"}, filepath.Ext(e.Name())) && !strings.HasSuffix(e.Name(), cyclegan.Extension) {
			paths = append(paths, filepath.Join(path, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, err
	}
	return paths, nil
}

// fileReport is what inspect says of a file.
type fileReport struct {
	Path     string          `json:"path"`
	Format   string          `json:"format"`
	Training *trainingReport `json:"training,omitempty"`
	Networks []networkReport `json:"networks"`
	Tensors  []tensorReport  `json:"tensors"`
	Ignored  []string        `json:"ignored,omitempty"`
}

// trainingReport is the state of the training in a checkpoint of this program.
type trainingReport struct {
	Step  int `json:"step"`
	Epoch int `json:"epoch"`
}

// networkReport is a network, or why the tensors are none.
type networkReport struct {
	Net          string                 `json:"net,omitempty"` // G_A, G_B, D_A, D_B, where the keys tell
	Description  string                 `json:"description"`
	Architecture *cyclegan.Architecture `json:"architecture,omitempty"` // missing where cyclevk builds no such network
	Parameters   int                    `json:"parameters,omitempty"`
	Dropped      []string               `json:"stale_statistics,omitempty"`
}

type tensorReport struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Shape []int  `json:"shape"`
}

func inspectFile(path string) (*fileReport, error) {
	w, err := cyclegan.ReadWeights(path)
	if err != nil {
		return nil, err
	}
	r := &fileReport{Path: path, Format: w.Format, Ignored: w.Ignored}
	for _, t := range w.Tensors {
		r.Tensors = append(r.Tensors, tensorReport{t.Name, t.DType, append([]int{}, t.Shape...)})
	}
	for _, g := range w.Groups() {
		n := networkReport{Net: g.Net}
		if in, err := cyclegan.InferNetwork(g.Net, g.Tensors); err != nil {
			n.Description = err.Error()
		} else {
			n.Architecture, n.Parameters, n.Dropped = &in.Architecture, in.Params.Count(), in.Dropped
			n.Description = fmt.Sprintf("%v, %s parameters", in.Architecture, grouped(n.Parameters))
		}
		r.Networks = append(r.Networks, n)
	}
	if w.IsCheckpoint() {
		c, err := cyclegan.Load(path) // with its checksum
		if err != nil {
			return nil, err
		}
		r.Training = &trainingReport{c.Step, c.Epoch}
	}
	return r, nil
}

func (r *fileReport) print(out io.Writer) error {
	fmt.Fprintf(out, "%s: %s, %d tensors\n", r.Path, r.Format, len(r.Tensors))
	if r.Training != nil {
		fmt.Fprintf(out, "  training: %d steps done, epoch %d\n", r.Training.Step, r.Training.Epoch)
	}
	for _, n := range r.Networks {
		name := ""
		if n.Net != "" {
			name = n.Net + ": "
		}
		fmt.Fprintf(out, "  %s%s\n", name, n.Description)
		if len(n.Dropped) > 0 {
			fmt.Fprintf(out, "    %d stale statistics of instance norm, which are not used\n", len(n.Dropped))
		}
	}
	if len(r.Ignored) > 0 {
		fmt.Fprintf(out, "  beside the tensors: %s\n", strings.Join(r.Ignored, ", "))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range r.Tensors {
		fmt.Fprintf(w, "  %s\t%s\t%v\n", t.Name, t.Type, t.Shape)
	}
	return w.Flush()
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
