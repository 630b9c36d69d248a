// The command profile kernel: the workbench of whoever writes a shader or chooses its tiles. One shader alone, held against its
// reference before it is timed.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/profile"
	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
)

// kernelProfile is what --json writes of a kernel. Times are milliseconds on the device.
type kernelProfile struct {
	Schema int         `json:"schema"`
	Kernel string      `json:"kernel"`
	SPIRV  string      `json:"spv,omitempty"` // the file in the shader's place
	Device string      `json:"device"`
	Driver string      `json:"driver"`
	Cases  int         `json:"cases"`    // that were held against the float64 reference
	Worst  float64     `json:"of_bound"` // the largest error, as a part of what it may be
	Note   string      `json:"note,omitempty"`
	Passes []shapeTime `json:"passes"`
}

// shapeTime is the shader at one shape.
type shapeTime struct {
	Pass    string     `json:"pass"`
	Shader  string     `json:"shader"`
	Work    int64      `json:"flop"`
	Read    int64      `json:"bytes_read"`
	Written int64      `json:"bytes_written"`
	Tiles   []tileTime `json:"tiles"`   // the default first
	Dropped []string   `json:"dropped"` // tiles that failed, or gave other bits than the first
}

// tileTime is how one variant did.
type tileTime struct {
	Constants []uint32 `json:"constants"`
	Groups    [3]int   `json:"workgroups"`
	Median    float64  `json:"median_ms"`
	Min       float64  `json:"min_ms"`
	Max       float64  `json:"max_ms"`

	Executables []profile.Executable `json:"executables,omitempty"` // where the driver tells what it compiled
}

// kernelRun is what the options say.
type kernelRun struct {
	name, spv, device string
	config            cyclegan.Config // whose training step has the shapes of convolutions
	sized             *kernels.Sized  // nil for convolutions
	shape             []int           // of --shape; nil without
	repeats           int
	foreign           bool // the shader is not the program's own, so that no cache is to keep it
	stderr            io.Writer
}

// convDims is the shape of a convolution as networks have them, padded so that a stride of 1 keeps the size, by reflection where
// the stride is 1.
const convDims = "N,H,W,IN,OUT,KERNEL,STRIDE"

func profileKernel(c *cli.Context) error {
	if c.Args().Len() == 1 && !c.Bool("watch") {
		return listKernels(c.App.Writer)
	}
	o, err := kernelRunOf(c)
	if err != nil {
		return app.BadInput(err)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	if c.Bool("watch") {
		return o.watch(ctx, c.App.Writer, c.Path("shaders"))
	}
	if o.spv != "" {
		code, err := os.ReadFile(o.spv)
		if err != nil {
			return app.BadInput(err)
		}
		defer kernels.Replace(o.name, code)()
	}
	k, err := o.run(ctx)
	if err != nil {
		return err
	}
	if err := k.print(c.App.Writer); err != nil {
		return err
	}
	if path := c.Path("json"); path != "" {
		return app.BadInput(app.WriteJSON(path, k))
	}
	return nil
}

// listKernels writes a line for each shader.
func listKernels(out io.Writer) error {
	modules, err := shaders.Modules()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "shader\t--shape\tmade from\twhat it does")
	for _, name := range shaders.Names() {
		m, dims := modules[name], convDims
		if s := kernels.SizedOf(name); s != nil {
			dims = s.Dims
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, dims, strings.TrimSpace(m.Source+" "+m.Defines), m.Title())
	}
	return w.Flush()
}

// kernelRunOf reads the options and refuses what does not go with a kernel.
func kernelRunOf(c *cli.Context) (*kernelRun, error) {
	o := &kernelRun{
		name: c.Args().Get(1), spv: c.Path("spv"), device: c.String("device"), repeats: c.Int("repeats"), stderr: c.App.ErrWriter,
		foreign: c.IsSet("spv") || c.Bool("watch"),
	}
	names := shaders.Names()
	switch {
	case c.Args().Len() != 2:
		return nil, errors.New("profile kernel: name one shader, such as conv_forward; cyclegan profile kernel alone lists all")
	case !slices.Contains(names, o.name):
		return nil, fmt.Errorf("profile kernel %s: no such shader%s", o.name, app.Nearest(o.name, names))
	case o.repeats < 1:
		return nil, fmt.Errorf("--repeats %d: use a number from 1", o.repeats)
	}
	for _, option := range []string{"mode", "by", "count_only", "as", "trace", "html", "compare"} {
		if c.IsSet(option) {
			return nil, fmt.Errorf("--%s is not for a single kernel: leave it out", option)
		}
	}
	for _, option := range []string{"spv", "json", "shaders"} {
		if c.IsSet(option) && c.Bool("watch") != (option == "shaders") {
			return nil, fmt.Errorf("--%s goes %s --watch", option, map[bool]string{true: "only with", false: "without"}[option == "shaders"])
		}
	}
	dims, usual := convDims, []int{1, 64, 64, 256, 256, 3, 1}
	if o.sized = kernels.SizedOf(o.name); o.sized != nil {
		dims, usual = o.sized.Dims, o.sized.Usual[0]
	}
	var err error
	if o.shape, err = parseShape(c.String("shape"), dims, usual); err == nil {
		o.config, err = networkConfig(c)
	}
	return o, err
}

// mostValues bounds a tensor: references hold several float64 for each value.
const mostValues = 1 << 25

// parseShape reads a shape of so many numbers as dims names; nil for an empty text.
func parseShape(text, dims string, example []int) (shape []int, err error) {
	if text == "" {
		return nil, nil
	}
	refused := fmt.Errorf("--shape %q: use %s, such as %s, with no more than %d values in a tensor", text, dims, commas(example), mostValues)
	pixels := 1
	for i, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > mostValues || n*pixels > mostValues {
			return nil, refused
		}
		if shape = append(shape, n); i < 3 { // the numbers behind N,H,W stand side by side
			pixels *= n
		}
	}
	if len(shape) != len(example) {
		return nil, refused
	}
	return shape, nil
}

func commas(shape []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ","), "[]")
}

// run opens the device, holds the shader against its reference and times it.
func (o *kernelRun) run(ctx context.Context) (*kernelProfile, error) {
	k := &kernelProfile{Schema: 1, Kernel: o.name, SPIRV: o.spv}
	open := app.WithDevice
	if o.foreign {
		open = app.WithBareDevice
	}
	return k, open(o.device, func(dev *vk.Device) error {
		k.Device, k.Driver = dev.Info.Name, dev.Info.Driver
		bar := app.NewProgress(o.stderr, 0)
		defer bar.Clear()
		if err := k.verify(ctx, dev, bar); err != nil {
			return err
		}
		if o.sized != nil {
			return k.timeSized(ctx, dev, bar, o)
		}
		return k.timeConvolutions(ctx, dev, bar, o)
	}, vk.Statistics)
}

// print writes a table for each pass, the fastest tile first.
func (k *kernelProfile) print(out io.Writer) error {
	fmt.Fprintf(out, "%s on %s, %s\n%s\n", k.Kernel, k.Device, k.Driver, k.verdict())
	if k.Note != "" {
		fmt.Fprintln(out, k.Note)
	}
	for _, pass := range k.Passes {
		fmt.Fprintf(out, "\n%s, %s, %.3f GMAC, %.1f MB\n", pass.Pass, pass.Shader, float64(pass.Work)/2e9, float64(pass.Read+pass.Written)/1e6)
		if len(pass.Tiles) == 0 {
			fmt.Fprintf(out, "not timed: the device %s has no timestamps\n", k.Device)
			continue
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "constants\tworkgroups\tms\tmin\tmax\tGFLOP/s\tGB/s\t\t")
		used := pass.Tiles[0]
		for _, t := range slices.SortedStableFunc(slices.Values(pass.Tiles), func(a, b tileTime) int { return cmp.Compare(a.Median, b.Median) }) {
			note := fmt.Sprintf("%.2f of the default", t.Median/used.Median)
			switch {
			case len(pass.Tiles) == 1 && len(pass.Dropped) == 0:
				note = "launched in one way only"
			case slices.Equal(t.Constants, used.Constants):
				note = "default"
			}
			fmt.Fprintf(w, "%v\t%v\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%s\t\n", t.Constants, t.Groups, t.Median, t.Min, t.Max,
				float64(pass.Work)/t.Median/1e6, float64(pass.Read+pass.Written)/t.Median/1e6, note)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, why := range pass.Dropped {
			fmt.Fprintln(out, why)
		}
	}
	fmt.Fprintln(out)
	return k.printCompiled(out)
}

// verdict is what came of the references.
func (k *kernelProfile) verdict() string {
	return fmt.Sprintf("%d cases against the float64 reference: the largest error is %.0f %% of what it may be", k.Cases, 100*k.Worst)
}
