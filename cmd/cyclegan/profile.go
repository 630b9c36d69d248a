// The command profile: which dispatch takes the time, and how far each is from what the device can do.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/profile"
	"cyclevk/vk"
)

// workloads are what can be profiled as a whole, by the operand that names it.
var workloads = map[string]func(*vk.Device, cyclegan.Config) (*cyclegan.Workload, error){
	"train":     cyclegan.TrainingWorkload,
	"translate": cyclegan.TranslationWorkload,
}

func profileCommand() *cli.Command {
	return &cli.Command{
		Name:      "profile",
		Usage:     "time every dispatch of a training step or of a translation, or one shader over its tiles",
		ArgsUsage: "train|translate|kernel [SHADER]",
		Description: `Every dispatch of a real step on noise is timed by timestamps on the device, in two modes: isolated, with a barrier between any two
dispatches, so that each has the device for itself; and concurrent, as the step runs. Runs of both take turns with runs without
timestamps, to whose time by the clock the dispatches are held. GFLOP/s count two for each product of the convolutions, GB/s the
bytes that a dispatch's buffers hold; the peaks that they are parts of are measured on the spot. min and max are over all repeats.
--count_only counts and runs nothing; memory is planned, not measured, so it needs no device of that size. Barriers, submissions and
how long the largest of these takes on a slow integrated GPU are the planner's too. With --as gpu it counts what a discrete GPU would
run, with the features and limits of the device at hand, but for bindings of 4 GiB.

profile kernel holds one shader against its float64 reference and then times it: a convolution over its tiles, at every shape of the
step or at one --shape, where a tile is timed once it has given the same bits as the default; any other shader at its usual shapes or
at --shape, where it is held against the reference once more. Without a name it lists all shaders and what their shapes are made of.
--spv puts a shader binary from outside in its place. --watch compiles the shader's source in the folder --shaders with
glslangValidator each time that it or an include of it changes, verifies and times it, until Ctrl-C.

Examples:
   cyclegan profile train
   cyclegan profile train --count_only --by phase
   cyclegan profile train --count_only --size 512 --low_memory
   cyclegan profile train --count_only --as gpu --precision fp16
   cyclegan profile train --size 64 --netG resnet_6blocks --ngf 32 --ndf 32 --by layer --html step.html --trace step.trace.json
   cyclegan profile translate --size 512 --mode concurrent --json today.json --compare yesterday.json
   cyclegan profile kernel conv_forward --shape 1,64,64,256,256,3,1
   cyclegan profile kernel
   cyclegan profile kernel norm_forward --shape 1,256,256,64
   cyclegan profile kernel conv_weight_grad --shape 1,64,64,256,256,3,1 --watch --shaders my/shaders
   cyclegan profile kernel conv_forward_shuffle --size 64 --ngf 32 --ndf 32 --spv mine.spv`,
		Flags: append(networkFlags(),
			&cli.StringFlag{Name: "mode", Value: "both", Usage: "`MODE` in which dispatches run: isolated, concurrent or both"},
			&cli.IntFlag{Name: "repeats", Value: 10, Usage: "`NUMBER` of timed runs in each mode"},
			&cli.StringFlag{Name: "by", Value: "kernel", Usage: "`WHAT` the rows of the tables are: kernel, layer or phase"},
			&cli.BoolFlag{Name: "count_only", Usage: "count dispatches, operations and bytes, and run nothing"},
			&cli.StringFlag{Name: "as", Usage: "of --count_only: count what another `KIND` of device would run: gpu"},
			&cli.PathFlag{Name: "json", Usage: "write everything to a `FILE`, for --compare and for other programs"},
			&cli.PathFlag{Name: "trace", Usage: "write the timeline to a `FILE` for ui.perfetto.dev or chrome://tracing"},
			&cli.PathFlag{Name: "html", Usage: "write a page with roofline, timeline and table to a `FILE`"},
			&cli.PathFlag{Name: "compare", Usage: "compare with the `FILE` that --json wrote before"},
			&cli.StringFlag{Name: "shape", Usage: "of profile kernel: `NUMBERS` such as N,H,W,IN,OUT,KERNEL,STRIDE of a convolution"},
			&cli.PathFlag{Name: "spv", Usage: "of profile kernel: SPIR-V `FILE` in the place of the shader"},
			&cli.BoolFlag{Name: "watch", Usage: "of profile kernel: verify and time the shader again each time that its source changes"},
			&cli.PathFlag{Name: "shaders", Value: "shaders", Usage: "of --watch: `FOLDER` of the sources"},
			app.DeviceFlag(),
		),
		Action: func(c *cli.Context) error {
			if c.Args().First() == "kernel" {
				return profileKernel(c)
			}
			return profileWorkload(c)
		},
	}
}

// profiling is what the options say.
type profiling struct {
	subject func(*vk.Device, cyclegan.Config) (*cyclegan.Workload, error)
	config  cyclegan.Config
	modes   []string // none where nothing runs
	repeats int
	by      string
	gpu     bool            // count what a discrete GPU would run
	old     *profile.Report // of --compare; nil without
}

// profilingOf reads the options.
func profilingOf(c *cli.Context) (*profiling, error) {
	o := &profiling{subject: workloads[c.Args().First()], repeats: c.Int("repeats"), by: c.String("by")}
	if c.Args().Len() != 1 || o.subject == nil {
		return nil, fmt.Errorf("profile %s: name one of train, translate, kernel", strings.Join(c.Args().Slice(), " "))
	}
	for _, option := range []string{"shape", "spv", "watch", "shaders"} {
		if c.IsSet(option) {
			return nil, fmt.Errorf("--%s is for profile kernel alone", option)
		}
	}
	switch as := c.String("as"); {
	case c.IsSet("as") && as != "gpu":
		return nil, fmt.Errorf("--as %q: use gpu", as)
	case c.IsSet("as") && !c.Bool("count_only"):
		return nil, fmt.Errorf("--as %s runs nothing: add --count_only", as)
	}
	o.gpu = c.IsSet("as")
	var err error
	if o.config, err = networkConfig(c); err != nil {
		return nil, err
	}
	switch mode := c.String("mode"); {
	case c.Bool("count_only"):
		for _, option := range []string{"compare", "trace", "html"} {
			if c.IsSet(option) {
				return nil, fmt.Errorf("--%s needs times: leave --count_only out", option)
			}
		}
	case mode == "both":
		o.modes = profile.Modes
	case slices.Contains(profile.Modes, mode):
		o.modes = []string{mode}
	default:
		return nil, fmt.Errorf("--mode %q: use isolated, concurrent or both", mode)
	}
	if o.repeats < 1 {
		return nil, fmt.Errorf("--repeats %d: use a number from 1", o.repeats)
	}
	if !slices.Contains(profile.Groups, o.by) {
		return nil, fmt.Errorf("--by %q: use one of %s", o.by, strings.Join(profile.Groups, ", "))
	}
	if path := c.Path("compare"); path != "" {
		if o.old, err = profile.Read(path); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func profileWorkload(c *cli.Context) error {
	o, err := profilingOf(c)
	if err != nil {
		return app.BadInput(err)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	var report *profile.Report
	err = app.WithDevice(c.String("device"), func(dev *vk.Device) error {
		bar := app.NewProgress(c.App.ErrWriter, 0)
		defer bar.Clear()
		report, err = o.measure(ctx, dev, bar)
		return err
	}, vk.Statistics)
	if err != nil {
		return err
	}
	if err := report.Print(c.App.Writer, o.by); err != nil {
		return err
	}
	if o.old != nil {
		fmt.Fprintf(c.App.Writer, "\ncompared with %s\n", c.Path("compare"))
		if err := profile.Compare(o.old, report, o.by).Print(c.App.Writer, o.by); err != nil {
			return err
		}
	}
	if path := c.Path("json"); path != "" {
		if err := app.WriteJSON(path, report); err != nil {
			return app.BadInput(err)
		}
	}
	for option, write := range map[string]func(io.Writer) error{"trace": report.Trace, "html": report.HTML} {
		if path := c.Path(option); path != "" {
			if err := atomicfile.Write(path, write); err != nil {
				return app.BadInput(err)
			}
		}
	}
	return nil
}

// measure counts the workload and, where it is to run, times it.
func (o *profiling) measure(ctx context.Context, dev *vk.Device, bar *app.Progress) (report *profile.Report, err error) {
	if o.gpu {
		planAsGPU(dev)
	}
	w, err := o.subject(dev, o.config)
	if err != nil {
		return nil, err
	}
	var again *vk.Device // of the rounds after the first
	release := func() (err error) {
		w.Close()
		if again != nil {
			err = again.Close()
		}
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	m := &profile.Measurement{
		Subject: w.Name, Device: dev.Info.Name, Driver: dev.Info.Driver, Config: o.config, Dispatches: dispatches(w.Program),
		Submissions: submissions(w.Program), Note: w.Unused(),
	}
	if m.Memory, err = memory(w); err != nil {
		return nil, err
	}
	if len(o.modes) == 0 {
		return m.Report(), nil
	}
	modes := o.modes
	if dev.Info.Limits.TimestampPeriod == 0 {
		modes = nil
		m.Note = strings.TrimPrefix(m.Note+"\n", "\n") + fmt.Sprintf("the device %s has no timestamps: whole runs are timed, by the host's clock, and no dispatch is", dev.Info.Name)
	}
	if m.Peaks, err = measurePeaks(ctx, dev); err != nil {
		return nil, err
	}
	if err := w.Start(); err != nil {
		return nil, err
	}
	if m.Pipelines, err = pipelines(w.Program); err != nil {
		return nil, err
	}
	s := &session{Program: w.Program, work: w.Once, measurement: m, modes: modes, repeats: o.repeats}
	s.renew = func() error {
		next, err := vk.Open(strconv.Itoa(dev.Info.Index), vk.Statistics)
		if err != nil {
			return err
		}
		app.UseCaches(next)
		renewed, err := o.subject(next, o.config)
		if err != nil {
			return errors.Join(err, next.Close())
		}
		err = release()
		w, again = renewed, next
		if err != nil {
			return err
		}
		s.Program, s.work = w.Program, w.Once
		return w.Start()
	}
	if err := s.run(ctx, bar); err != nil {
		return nil, err
	}
	return m.Report(), nil
}

// planAsGPU makes a device one to plan for alone: what is planned from now on is what a discrete GPU of its features and limits would
// run. Bindings are as large as such GPUs have them.
func planAsGPU(dev *vk.Device) {
	dev.Info.Type, dev.Tuning = vk.DiscreteGPU, nil
	dev.Info.Limits.MaxStorageBufferRange = math.MaxUint32
	dev.Info.Name += ", planned for as a discrete GPU"
}

// memory is what a workload takes.
func memory(w *cyclegan.Workload) (*profile.Memory, error) {
	all, err := w.Memory()
	if err != nil {
		return nil, err
	}
	u, err := w.Usage()
	if err != nil {
		return nil, err
	}
	m := &profile.Memory{Device: all.Device, Temporaries: u.Temporaries, Alive: u.Alive, Host: all.Host}
	for _, s := range u.Stages {
		m.Phases = append(m.Phases, profile.PhaseMemory{Name: cmp.Or(s.Stage, w.Name), Alive: s.Alive})
	}
	return m, nil
}

// dispatches are a planned program's, as reports list them.
func dispatches(p *vk.Program) []profile.Dispatch {
	var list []profile.Dispatch
	for _, d := range p.List() {
		list = append(list, profile.Dispatch{
			Kernel: d.Label, Shader: d.Shader, Phase: d.Stage, Layer: d.Layer, Work: d.Work, Read: d.Read, Written: d.Written,
		})
	}
	return list
}

// submissions are a planned program's.
func submissions(p *vk.Program) []profile.Submission {
	var list []profile.Submission
	for _, s := range p.Submissions() {
		list = append(list, profile.Submission{Dispatches: s.Dispatches, Barriers: s.Barriers, Estimate: 1000 * s.Estimate.Seconds()})
	}
	return list
}
