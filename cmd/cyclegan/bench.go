// The command bench: how long a training step, a translation and the main convolution take on a device.

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/vk"
)

// benchWarmUp is the number of runs before those that are timed one by one: the first in each slot, where drivers compile, and then two
// that fill the slots, which count in the mean.
const (
	benchWarmUp = benchFirst + benchFill
	benchFirst  = 2
	benchFill   = 2
)

// forwardRuns is how many forward passes are timed for each step: they are short, and with two slots a host that comes late makes
// one of them look long and the next like nothing.
const forwardRuns = 10

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "time the training step and the generator on noise",
		Description: `The training step is replayed as in training, one run prepared while another works, and so is one generator's forward pass.
With --kernels the convolution that most of a step's work is, 3x3 from 256 to 256 channels at 64x64, is timed too: forward,
gradient of its input, gradient of its weights. img/s counts pictures of each domain; GFLOP/s counts two for each product of the
convolutions. CPU ms is the processor time of this program for a run: on a driver that computes on the CPU, a busy machine
changes it less than the time by the clock.

Examples:
   cyclegan bench
   cyclegan bench --size 64 --netG resnet_6blocks --ngf 32 --ndf 32 --kernels
   cyclegan bench --size 128 --batch_size 4 --steps 50 --device radeon --json times.json`,
		Flags: append(networkFlags(),
			&cli.IntFlag{Name: "steps", Value: 10, Usage: fmt.Sprintf("`NUMBER` of runs of each that are timed, of forward passes %d times as many, after %d that are not", forwardRuns, benchWarmUp)},
			&cli.BoolFlag{Name: "kernels", Usage: "time the main convolution too"},
			tuneFlag(""),
			&cli.PathFlag{Name: "json", Usage: "write the times to a `FILE`"},
			app.DeviceFlag(),
		),
		Action: bench,
	}
}

// networkFlags are the options that say which step is measured.
func networkFlags() []cli.Flag {
	d := cyclegan.DefaultConfig()
	return []cli.Flag{
		&cli.IntFlag{Name: "size", Aliases: []string{"crop_size"}, Value: d.CropSize, Usage: "side of the pictures in `PIXELS`, a multiple of 4 for resnet generators, of N for unet_N"},
		&cli.StringFlag{Name: "netG", Value: d.NetG, Usage: "`GENERATOR`: resnet_9blocks, resnet_6blocks or any resnet_Nblocks; unet_256, unet_128 or any unet_N with a power of two from 32"},
		&cli.IntFlag{Name: "ngf", Value: d.NGF, Usage: "`CHANNELS` after a generator's first convolution"},
		&cli.IntFlag{Name: "ndf", Value: d.NDF, Usage: "`CHANNELS` after a discriminator's first convolution"},
		&cli.IntFlag{Name: "n_layers_D", Value: d.LayersD, Usage: "`LAYERS` of the discriminator"},
		&cli.IntFlag{Name: "batch_size", Value: d.BatchSize, Usage: "`NUMBER` of pictures of each domain in a step"},
		&cli.Float64Flag{Name: "lambda_identity", Value: d.LambdaIdentity, Usage: "`WEIGHT` of the identity loss, as a part of the cycle's (0: none, and a step without its passes)"},
		app.PrecisionFlag(),
		&cli.BoolFlag{Name: "low_memory", Usage: "the step of train --low_memory"},
		winogradFlag(""),
	}
}

// winogradFlag is the option that trades exactness for speed.
func winogradFlag(category string) cli.Flag {
	return &cli.BoolFlag{Name: "winograd", Category: category, Usage: "compute 3x3 convolutions of generators by Winograd's F(4,3) where that is faster: rounding errors are about twice as large, in fp16 by cooperative matrices about four times"}
}

// networkConfig is what they say.
func networkConfig(c *cli.Context) (cyclegan.Config, error) {
	config := cyclegan.DefaultConfig()
	config.CropSize, config.BatchSize = c.Int("size"), c.Int("batch_size")
	config.NetG, config.NGF, config.NDF, config.LayersD = c.String("netG"), c.Int("ngf"), c.Int("ndf"), c.Int("n_layers_D")
	config.LambdaIdentity = c.Float64("lambda_identity")
	config.Precision = c.String("precision")
	config.LowMemory = c.Bool("low_memory")
	config.Winograd = c.Bool("winograd")
	return config, config.Validate()
}

// settings are the options of a step that decide what it takes.
func settings(c *cyclegan.Config) string {
	text := fmt.Sprintf("%dx%d, %s, ngf %d, ndf %d, n_layers_D %d, batch size %d, %s",
		c.CropSize, c.CropSize, c.NetG, c.NGF, c.NDF, c.LayersD, c.BatchSize, c.Precision)
	for _, more := range []struct {
		name string
		on   bool
	}{{"low memory", c.LowMemory}, {"Winograd", c.Winograd}, {"no identity loss", c.LambdaIdentity == 0}} {
		if more.on {
			text += ", " + more.name
		}
	}
	return text
}

func bench(c *cli.Context) error {
	config, err := networkConfig(c)
	if err != nil {
		return app.BadInput(err)
	}
	runs := c.Int("steps")
	if runs < 1 {
		return app.BadInput(fmt.Errorf("--steps %d: use a number from 1", runs))
	}
	if c.Bool("tune") {
		if err := checkTuningFolder(); err != nil {
			return err
		}
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	report := &benchReport{Config: config}
	err = app.WithDevice(c.String("device"), func(dev *vk.Device) error {
		report.Device, report.Driver = dev.Info.Name, dev.Info.Driver
		if c.Bool("tune") {
			tuned, err := tuneDevice(ctx, dev, config, c.App.ErrWriter, app.Name(c))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "tuned: %s\n", tuned.summary())
		}
		if err := report.networks(ctx, dev, runs); err != nil || !c.Bool("kernels") {
			return err
		}
		return report.kernels(ctx, dev, runs)
	})
	if err != nil {
		return err
	}
	if report.Unused != "" {
		app.Say(c, "%s", report.Unused)
	}
	if err := report.print(c.App.Writer); err != nil {
		return err
	}
	if path := c.Path("json"); path != "" {
		return app.BadInput(app.WriteJSON(path, report))
	}
	return nil
}

// benchReport is what --json writes.
type benchReport struct {
	Device string          `json:"device"`
	Driver string          `json:"driver"`
	Config cyclegan.Config `json:"config"`
	Memory int             `json:"memory_bytes"`     // device memory that training takes
	Host   int             `json:"host_bytes"`       // what it takes of the host's
	Unused string          `json:"unused,omitempty"` // what of the configuration changes nothing

	Step    *timing `json:"step_ms"`
	Forward *timing `json:"forward_ms"`

	// With --kernels.
	ConvForward    *timing `json:"conv_forward_ms,omitempty"`
	ConvDataGrad   *timing `json:"conv_data_gradient_ms,omitempty"`
	ConvWeightGrad *timing `json:"conv_weight_gradient_ms,omitempty"`
}

// timing is how long the runs of one thing took, in milliseconds.
type timing struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Runs   int     `json:"runs"`
	Mean   float64 `json:"mean"` // from a device without work to one without work, with the runs that fill the slots: few short runs have no better
	CPU    float64 `json:"cpu"`  // processor time of this program for each run of the mean; 0 where it is not known
	Work   int64   `json:"flop"` // of a run
}

// networks times the step and the forward pass.
func (r *benchReport) networks(ctx context.Context, dev *vk.Device, runs int) error {
	b, err := cyclegan.NewBenchmark(dev, r.Config)
	if err != nil {
		return err
	}
	defer b.Close()
	memory, err := b.Memory()
	if err != nil {
		return err
	}
	r.Memory, r.Host, r.Unused = memory.Device, memory.Host, b.Unused()
	if err := b.Start(); err != nil {
		return err
	}
	if r.Step, err = stopwatch(ctx, runs, b.TrainOnce, b.Wait); err != nil {
		return err
	}
	if r.Forward, err = stopwatch(ctx, forwardRuns*runs, b.ForwardOnce, b.Wait); err != nil {
		return err
	}
	r.Step.Work, r.Forward.Work = b.StepWork(), b.ForwardWork()
	return nil
}

// stopwatch calls f, which takes as long as one run, until enough runs are timed; wait waits for all of them.
func stopwatch(ctx context.Context, runs int, f, wait func() error) (*timing, error) {
	ms := make([]float64, 0, runs)
	var begun time.Time // of the runs that count
	var cpu time.Duration
	for i := range benchWarmUp + runs {
		if ctx.Err() != nil {
			return nil, app.ErrInterrupted
		}
		if i == benchFirst {
			if err := wait(); err != nil {
				return nil, err
			}
			begun, cpu = time.Now(), cpuTime()
		}
		start := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		if i >= benchWarmUp {
			ms = append(ms, 1000*time.Since(start).Seconds())
		}
	}
	if err := wait(); err != nil {
		return nil, err
	}
	all, cpu, counted := time.Since(begun), cpuTime()-cpu, float64(benchFill+runs)
	slices.Sort(ms)
	return &timing{
		Median: (ms[(runs-1)/2] + ms[runs/2]) / 2, Min: ms[0], Max: ms[runs-1], Runs: runs,
		Mean: 1000 * all.Seconds() / counted, CPU: 1000 * cpu.Seconds() / counted,
	}, nil
}

// print writes the report as a table.
func (r *benchReport) print(out io.Writer) error {
	c := &r.Config
	fmt.Fprintf(out, "%s, %s\n%s: training takes %s of memory, and %s of the host's\n\n", r.Device, r.Driver, settings(c), byteSize(r.Memory), byteSize(r.Host))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tmedian ms\tmin\tmax\truns\tCPU ms\timg/s\tGFLOP/s\t")
	for _, row := range []struct {
		name   string
		images int
		*timing
	}{
		{"training step", c.BatchSize, r.Step},
		{"generator forward", c.BatchSize, r.Forward},
		{"conv forward", 0, r.ConvForward},
		{"conv data gradient", 0, r.ConvDataGrad},
		{"conv weight gradient", 0, r.ConvWeightGrad},
	} {
		if row.timing == nil {
			continue
		}
		perSecond := "-"
		if row.images > 0 {
			perSecond = fmt.Sprintf("%.2f", 1000*float64(row.images)/row.Median)
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%d\t%.2f\t%s\t%.1f\t\n",
			row.name, row.Median, row.Min, row.Max, row.Runs, row.CPU, perSecond, float64(row.Work)/row.Median/1e6)
	}
	return w.Flush()
}
