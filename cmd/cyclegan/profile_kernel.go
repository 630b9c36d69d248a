// The command profile kernel: the workbench of whoever writes a shader or chooses its tiles. One shader alone, over its tile variants,
// held against its reference before it is timed.

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

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
	Passes []shapeTime `json:"passes"`
}

// shapeTime is the shader at one shape.
type shapeTime struct {
	Pass    string     `json:"pass"`
	Shader  string     `json:"shader"`
	Work    int64      `json:"flop"`
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

func profileKernel(c *cli.Context) error {
	name := c.Args().Get(1)
	config, err := networkConfig(c)
	if err == nil {
		err = checkKernelOptions(c, name)
	}
	if err != nil {
		return app.BadInput(err)
	}
	conv, images, err := parseShape(c.String("shape"))
	if err != nil {
		return app.BadInput(err)
	}
	if path := c.Path("spv"); path != "" {
		code, err := os.ReadFile(path)
		if err != nil {
			return app.BadInput(err)
		}
		kernels.Replace(name, code)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	k := &kernelProfile{Schema: 1, Kernel: name, SPIRV: c.Path("spv")}
	err = app.WithDevice(c.String("device"), func(dev *vk.Device) error {
		k.Device, k.Driver = dev.Info.Name, dev.Info.Driver
		bar := app.NewProgress(c.App.ErrWriter, 0)
		defer bar.Clear()
		if err := k.verify(ctx, dev, bar); err != nil {
			return err
		}
		if conv != nil {
			return k.survey(ctx, dev, bar, c.Int("repeats"), convolution(dev, *conv, images))
		}
		w, err := cyclegan.TrainingWorkload(dev, config)
		if err != nil {
			return err
		}
		defer w.Close()
		return k.survey(ctx, dev, bar, c.Int("repeats"), w.Program)
	}, vk.Statistics)
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

// checkKernelOptions refuses what does not go with a kernel.
func checkKernelOptions(c *cli.Context, name string) error {
	names := shaders.Names()
	switch {
	case c.Args().Len() != 2:
		return fmt.Errorf("profile kernel: name one shader, such as conv_forward")
	case !slices.Contains(names, name):
		return fmt.Errorf("profile kernel %s: no such shader%s", name, app.Nearest(name, names))
	case c.Int("repeats") < 1:
		return fmt.Errorf("--repeats %d: use a number from 1", c.Int("repeats"))
	}
	for _, option := range []string{"mode", "by", "count_only", "trace", "html", "compare"} {
		if c.IsSet(option) {
			return fmt.Errorf("--%s is not for a single kernel: leave it out", option)
		}
	}
	return nil
}

// parseShape reads N,H,W,IN,OUT,KERNEL,STRIDE: a convolution as the networks have them, padded so that a stride of 1 keeps the size,
// by reflection where the stride is 1. images is its input's [N,H,W].
func parseShape(text string) (conv *kernels.Conv, images [3]int, err error) {
	if text == "" {
		return nil, images, nil
	}
	var v [7]int
	parts := strings.Split(text, ",")
	for i, part := range parts {
		var n int
		if n, err = strconv.Atoi(part); err != nil || n < 1 || n > 1<<16 || len(parts) != len(v) {
			return nil, images, fmt.Errorf("--shape %q: use N,H,W,IN,OUT,KERNEL,STRIDE, such as 1,64,64,256,256,3,1", text)
		}
		v[i] = n
	}
	c := kernels.Conv{In: v[3], Out: v[4], Kernel: v[5], Stride: v[6], Pad: (v[5] - 1) / 2}
	c.Reflect = c.Stride == 1 && c.Kernel%2 == 1
	return &c, [3]int(v[:3]), nil
}

// convolution is a program with the passes of one convolution, on paper.
func convolution(dev *vk.Device, c kernels.Conv, images [3]int) *vk.Program {
	p := dev.NewProgram(c.String())
	n, h, w := images[0], images[1], images[2]
	x, w0 := kernels.NewTensor(p, "x", n, h, w, c.In), p.Temp("w", 4*c.WeightLen()).All()
	y := kernels.NewTensor(p, "y", n, c.OutSize(h), c.OutSize(w), c.Out)
	c.Forward(p, x, w0, vk.Range{}, y, kernels.None)
	c.DataGrad(p, y, w0, x, false)
	c.DataGrad(p, y, w0, x, true)
	return p
}

// verify runs the checks of the shader on the device.
func (k *kernelProfile) verify(ctx context.Context, dev *vk.Device, bar *app.Progress) error {
	const seed = 1
	var cases []kernels.Case
	for _, check := range kernels.Checks() {
		if slices.Contains(check.Shaders, k.Kernel) {
			cases = append(cases, check.Cases...)
		}
	}
	bar.Of(len(cases))
	for i, test := range cases {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		bar.Set(i, "verifying")
		worst, err := kernels.RunCase(dev, test, seed)
		if kernels.Skipped(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", k.Kernel, test.Name, err)
		}
		k.Cases, k.Worst = k.Cases+1, max(k.Worst, worst)
	}
	return nil
}

// survey times the tiles of each launch of the shader, or of a variant of it, that a program has.
func (k *kernelProfile) survey(ctx context.Context, dev *vk.Device, bar *app.Progress, repeats int, p *vk.Program) error {
	if p.Err() != nil {
		return app.BadInput(p.Err())
	}
	list := slices.DeleteFunc(vk.Tunables(p), func(t *vk.Tunable) bool { return t.Shader != k.Kernel && !strings.HasPrefix(t.Shader, k.Kernel+"_") })
	if len(list) == 0 {
		return app.BadInput(fmt.Errorf("%s on %s: passes its %d checks, and the %s launches it with one tile or not at all: cyclegan profile train --mode isolated times those",
			k.Kernel, dev.Info.Name, k.Cases, p.Name))
	}
	bar.Of(len(list))
	for i, t := range list {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		bar.Set(i, t.Label)
		surveyed, dropped, err := t.Survey(repeats)
		if err != nil {
			return err
		}
		pass := shapeTime{Pass: t.Label, Shader: t.Shader, Work: t.Work(), Dropped: []string{}}
		for _, s := range surveyed {
			sorted := slices.Sorted(slices.Values(s.Times))
			ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
			pass.Tiles = append(pass.Tiles, tileTime{s.Spec, s.Groups, ms(sorted[len(sorted)/2]), ms(sorted[0]), ms(sorted[len(sorted)-1]), executables(s.Executables)})
		}
		for _, err := range dropped {
			pass.Dropped = append(pass.Dropped, err.Error())
		}
		k.Passes = append(k.Passes, pass)
	}
	return nil
}

// print writes a table for each pass, the fastest tile first.
func (k *kernelProfile) print(out io.Writer) error {
	fmt.Fprintf(out, "%s on %s, %s\n%d cases against the float64 reference: the largest error is %.0f %% of what it may be\n",
		k.Kernel, k.Device, k.Driver, k.Cases, 100*k.Worst)
	for _, pass := range k.Passes {
		fmt.Fprintf(out, "\n%s, %s, %.3f GMAC\n", pass.Pass, pass.Shader, float64(pass.Work)/2e9)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "constants\tworkgroups\tms\tmin\tmax\tGFLOP/s\t\t")
		used := pass.Tiles[0]
		for _, t := range slices.SortedStableFunc(slices.Values(pass.Tiles), func(a, b tileTime) int { return cmp.Compare(a.Median, b.Median) }) {
			note := fmt.Sprintf("%.2f of the default", t.Median/used.Median)
			if slices.Equal(t.Constants, used.Constants) {
				note = "default"
			}
			fmt.Fprintf(w, "%v\t%v\t%.3f\t%.3f\t%.3f\t%.1f\t%s\t\n", t.Constants, t.Groups, t.Median, t.Min, t.Max, float64(pass.Work)/t.Median/1e6, note)
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
