// The command train: prepare everything, say what will happen, train, save.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

// gridSamples is how many pictures of each domain the sample grids show.
const gridSamples = 2

// training is one run.
type training struct {
	*trainOptions
	set     *data.Set
	samples []*data.Batch // for the grids: one picture of each domain
	trainer *cyclegan.Trainer
	folder  *cyclegan.RunFolder
	from    *cyclegan.Checkpoint // what --continue_train goes on from; nil for a new run
	weights *cyclegan.Checkpoint // official files that a new run starts from; nil to draw weights

	schedule *cyclegan.Schedule
	saves

	perEpoch, total int // steps

	stdout, stderr io.Writer
	progress       *app.Progress

	recordStep int // of the last record
	recordTime time.Time
	waited     time.Duration // for pictures since then
}

func train(c *cli.Context) (err error) {
	t := &training{stdout: c.App.Writer, stderr: c.App.ErrWriter}
	if c.Bool("continue_train") {
		if err := t.openRun(c); err != nil {
			return app.BadInput(err)
		}
		if t.folder != nil {
			defer t.folder.Close()
		}
	}
	if t.trainOptions, err = readTrainOptions(c); err != nil {
		return err
	}
	if err := t.openPictures(); err != nil {
		return app.BadInput(err)
	}
	if t.from != nil && t.from.Step >= t.total {
		fmt.Fprintf(t.stdout, "%s is already at step %d of %d: raise --n_epochs, --n_epochs_decay or --max_steps to train on\n",
			t.runPath, t.from.Step, t.total)
		return nil
	}
	return app.WithDevice(t.device, func(dev *vk.Device) error { return t.run(c.Context, dev) })
}

// run trains on a device and saves.
func (t *training) run(ctx context.Context, dev *vk.Device) (err error) {
	if t.trainer, err = cyclegan.NewTrainer(dev, t.config); err != nil {
		return err
	}
	defer func() { t.trainer.Close() }() // --tune makes another
	var remembered *cyclegan.Plateau
	if t.from != nil {
		remembered = t.from.Plateau
	}
	t.schedule = cyclegan.NewSchedule(t.config, remembered)
	if t.from == nil {
		if t.folder, err = cyclegan.CreateRun(t.runPath); err != nil {
			return app.BadInput(err)
		}
		defer t.folder.Close()
	} else if err := t.folder.Continue(t.from); err != nil {
		return app.BadInput(err)
	}
	t.folder.Keep = t.endsSavedEpoch
	if err := t.announce(dev.Info); err != nil {
		return err
	}
	if unused := t.trainer.Unused(); unused != "" {
		fmt.Fprintf(t.stderr, "cyclegan train: %s\n", unused)
	}
	if err := t.checkFolder(); err != nil {
		return app.BadInput(err)
	}
	if t.tune {
		if err := t.tuneFirst(ctx, dev); err != nil {
			return err
		}
	}
	if err := t.start(dev); err != nil {
		return err
	}
	t.progress = app.NewProgress(t.stderr, t.total)
	ctx, stop := app.Interruptible(ctx) // not before: until here an interrupt has nothing to save
	defer stop()
	context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != context.Canceled { // a signal came; its error wraps Canceled, stop gives Canceled itself
			t.progress.Clear()
			fmt.Fprintln(t.stderr, "cyclegan train: finishing the step and saving; interrupt again to end at once")
		}
	})
	return t.finish(t.epochs(ctx))
}

// openPictures opens the data set and works out the number of steps.
func (t *training) openPictures() error {
	set, err := data.Open(t.data)
	if err != nil {
		return err
	}
	t.set = set
	if t.perEpoch = set.Len() / t.config.StepSize(); t.perEpoch == 0 {
		return fmt.Errorf("--batch_size %d times --accumulate %d is more than the %d pictures of an epoch", t.config.BatchSize, t.config.Accumulate, set.Len())
	}
	t.total = t.perEpoch * (t.lastEpoch() - t.config.EpochCount + 1)
	if t.maxSteps > 0 {
		t.total = min(t.total, t.maxSteps)
	}
	if err := t.checkManifest(); err != nil {
		return err
	}
	if err := t.adoptSize(); err != nil {
		return err
	}
	for i := range min(gridSamples, set.Len()) {
		b, err := set.Sample(t.config.EpochCount, i)
		if err != nil {
			return err
		}
		t.samples = append(t.samples, b)
	}
	return nil
}

// adoptSize makes training take the size of the pictures where they are no squares of --crop_size.
func (t *training) adoptSize() error {
	w, h, err := t.set.SampleSize()
	if err != nil {
		return err
	}
	if size := t.config.CropSize; w != size || h != size {
		t.config.Width, t.config.Height = w, h
	}
	return t.config.Validate()
}

// announce says what will be trained, where, on what, and whether it fits.
func (t *training) announce(device vk.DeviceInfo) error {
	need, err := t.trainer.Memory()
	if err != nil {
		return err
	}
	c, d := &t.config, &t.data
	w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("device", "%v", device)
	memory := fmt.Sprintf("%s of device memory needed, %s there", byteSize(need.Device), byteSize(device.Memory))
	if c.LowMemory {
		memory += fmt.Sprintf("; %s of the computer's for the image pools", byteSize(need.Host))
	}
	line("memory", "%s", memory)
	line("generators", "%s: %s, ngf %d", counts(t.trainer.GA, t.trainer.GB), c.NetG, c.NGF)
	judges := fmt.Sprintf("%d layers", c.LayersD)
	if c.NetD == "pixel" {
		judges = "of each pixel alone"
	}
	line("discriminators", "%s: %s, ndf %d", counts(t.trainer.DA, t.trainer.DB, t.trainer.DCycleA, t.trainer.DCycleB), judges, c.NDF)
	height, width := c.Size()
	line("pictures", "%d of A, %d of B (%s, %s, direction %s), %s to %dx%d", t.set.SizeA(), t.set.SizeB(), d.Root, d.Mode, d.Direction, d.Preprocess, width, height)
	steps := fmt.Sprintf("%d: %d an epoch, batch size %d", t.total, t.perEpoch, c.BatchSize)
	if c.Accumulate > 1 {
		steps += fmt.Sprintf(", gradients of %d batches to a step", c.Accumulate)
	}
	line("steps", "%s", steps)
	for _, r := range unusual(c) {
		line(r.what, "%s", r.text)
	}
	line("run folder", "%s", t.runPath)
	if t.weights != nil {
		line("weights", "%s, with a fresh optimiser", t.weights.Path)
	}
	if t.from != nil {
		line("continues", "%s: %d steps done, epoch %d", t.from.Path, t.from.Step, t.from.Epoch)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	t.warnOfSkipped()
	t.warnOfChanges(device)
	if moving := t.set.Animated(); len(moving) > 0 {
		fmt.Fprintf(t.stderr, "cyclegan train: of %d animated pictures the first frame is used, the first: %q\n", len(moving), moving[0])
	}
	return nil
}

// checkFolder writes the options, and refuses a disk on which checkpoints would not fit.
func (t *training) checkFolder() error {
	bytes, err := t.config.CheckpointBytes()
	if err != nil {
		return err
	}
	if err := t.folder.CheckSpace(bytes); err != nil {
		return err
	}
	return t.folder.WriteOptions(t.effective)
}

// tuneFirst measures tiles and plans the training anew, with the fastest.
func (t *training) tuneFirst(ctx context.Context, dev *vk.Device) error {
	ctx, stop := app.Interruptible(ctx)
	defer stop()
	report, err := tuneDevice(ctx, dev, t.config, t.stderr, "cyclegan train")
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "tuned: %s\n", report.summary())
	trainer, err := cyclegan.NewTrainer(dev, t.config)
	if err == nil {
		t.trainer.Close()
		t.trainer = trainer
	}
	return err
}

// start allocates. A driver may lend more than it says the device has (a CPU's does), so only its refusal counts.
func (t *training) start(dev *vk.Device) error {
	free := dev.Free()
	from := t.from
	if from == nil {
		from = t.weights
	}
	err := t.trainer.Start(from)
	if errors.Is(err, vk.ErrOutOfDeviceMemory) {
		need, _ := t.trainer.Memory() // it was announced
		cure := "lower --crop_size, --batch_size, --ngf or --ndf"
		switch less := t.sparing(dev); {
		case less > free:
			cure = fmt.Sprintf("--low_memory needs %s, too much as well: %s", byteSize(less), cure)
		case less > 0:
			cure = fmt.Sprintf("add --low_memory, which needs %s, or %s", byteSize(less), cure)
		}
		return app.BadInput(fmt.Errorf("%w: training needs %s, and %s had %s free: %s", err, byteSize(need.Device), dev.Info.Name, byteSize(free), cure))
	}
	return err
}

// sparing is the device memory that training needs with --low_memory; 0 where that is given.
func (t *training) sparing(dev *vk.Device) int {
	c := t.config
	if c.LowMemory {
		return 0
	}
	c.LowMemory = true
	trainer, err := cyclegan.NewTrainer(dev, c)
	if err != nil {
		return 0
	}
	defer trainer.Close()
	need, err := trainer.Memory()
	if err != nil {
		return 0
	}
	return need.Device
}

func (t *training) warnOfSkipped() {
	if skipped := t.set.Skipped(); len(skipped) > 0 {
		fmt.Fprintf(t.stderr, "cyclegan train: %d pictures are left out, the first: %v\n", len(skipped), skipped[0])
	}
}
