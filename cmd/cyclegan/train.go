// The command train: prepare everything, say what will happen, train, save.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

// gridSamples is how many pictures of each domain the sample grids show.
const gridSamples = 2

// training is one run.
type training struct {
	*trainOptions
	set     *data.Unpaired
	samples []*data.Batch // for the grids: one picture of each domain
	trainer *cyclegan.Trainer
	folder  *cyclegan.RunFolder

	perEpoch, total int // steps

	stdout, stderr io.Writer
	progress       *progress

	recordStep int // of the last record
	recordTime time.Time
	waited     time.Duration // for pictures since then
}

func train(c *cli.Context) error {
	options, err := readTrainOptions(c)
	if err != nil {
		return err
	}
	t := &training{trainOptions: options, stdout: c.App.Writer, stderr: c.App.ErrWriter}
	if err := t.openPictures(); err != nil {
		return badInput{err}
	}
	return withDevice(t.device, func(dev *vk.Device) error { return t.run(c.Context, dev) })
}

// run trains on a device and saves.
func (t *training) run(ctx context.Context, dev *vk.Device) (err error) {
	if t.trainer, err = cyclegan.NewTrainer(dev, t.config); err != nil {
		return err
	}
	defer t.trainer.Close()
	if t.folder, err = cyclegan.CreateRun(t.runPath); err != nil {
		return badInput{err}
	}
	defer t.folder.Close()
	if err := t.announce(dev.Info); err != nil {
		return err
	}
	if err := t.folder.WriteOptions(t.effective); err != nil {
		return badInput{err}
	}
	if err := t.start(dev); err != nil {
		return err
	}
	t.progress = newProgress(t.stderr, t.total)
	ctx, stop := interruptible(ctx) // not before: until here an interrupt has nothing to save
	defer stop()
	context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != context.Canceled { // a signal came; its error wraps Canceled, stop gives Canceled itself
			t.progress.clear()
			fmt.Fprintln(t.stderr, "cyclegan train: finishing the step and saving; interrupt again to end at once")
		}
	})
	return t.finish(t.epochs(ctx))
}

// openPictures opens the data set and works out the number of steps.
func (t *training) openPictures() error {
	set, err := data.OpenUnpaired(t.data)
	if err != nil {
		return err
	}
	t.set = set
	if t.perEpoch = set.Len() / t.config.BatchSize; t.perEpoch == 0 {
		return fmt.Errorf("--batch_size %d is more than the %d pictures of an epoch", t.config.BatchSize, set.Len())
	}
	t.total = t.perEpoch * (t.lastEpoch() - t.config.EpochCount + 1)
	if t.maxSteps > 0 {
		t.total = min(t.total, t.maxSteps)
	}
	for i := range min(gridSamples, set.Len()) {
		b, err := set.Sample(t.config.EpochCount, i)
		if err != nil {
			return err
		}
		if size := t.config.CropSize; b.W != size || b.H != size {
			return fmt.Errorf("--preprocess %s makes pictures of %dx%d and training takes squares of --crop_size %d: use --preprocess resize_and_crop",
				t.data.Preprocess, b.W, b.H, size)
		}
		t.samples = append(t.samples, b)
	}
	return nil
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
	line("memory", "%s of device memory needed, %s there", byteSize(need), byteSize(device.Memory))
	line("generators", "2 of %d parameters: %s, ngf %d", t.trainer.GA.Params.Count(), c.NetG, c.NGF)
	line("discriminators", "2 of %d parameters: %d layers, ndf %d", t.trainer.DA.Params.Count(), c.LayersD, c.NDF)
	line("pictures", "%d of A, %d of B (%s, direction %s), %s to %dx%d", t.set.SizeA(), t.set.SizeB(), d.Root, d.Direction, d.Preprocess, c.CropSize, c.CropSize)
	line("steps", "%d: %d an epoch, batch size %d", t.total, t.perEpoch, c.BatchSize)
	line("run folder", "%s", t.runPath)
	if err := w.Flush(); err != nil {
		return err
	}
	t.warnOfSkipped()
	if moving := t.set.Animated(); len(moving) > 0 {
		fmt.Fprintf(t.stderr, "cyclegan train: of %d animated pictures the first frame is used, the first: %q\n", len(moving), moving[0])
	}
	return nil
}

// start allocates. A driver may lend more than it says the device has (a CPU's does), so only its refusal counts.
func (t *training) start(dev *vk.Device) error {
	free := dev.Free()
	err := t.trainer.Start(nil)
	if errors.Is(err, vk.ErrOutOfDeviceMemory) {
		need, _ := t.trainer.Memory() // it was announced
		return badInput{fmt.Errorf("%w: training needs %s, and %s had %s free: lower --crop_size, --batch_size, --ngf or --ndf",
			err, byteSize(need), dev.Info.Name, byteSize(free))}
	}
	return err
}

func (t *training) warnOfSkipped() {
	if skipped := t.set.Skipped(); len(skipped) > 0 {
		fmt.Fprintf(t.stderr, "cyclegan train: %d pictures are left out, the first: %v\n", len(skipped), skipped[0])
	}
}

// finish saves the run, whatever stopped it but the device itself.
func (t *training) finish(stop error) error {
	t.progress.clear()
	if late := t.drain(); late != nil && (stop == nil || errors.Is(stop, errInterrupted)) {
		stop = late
	}
	if errors.Is(stop, vk.ErrDeviceLost) || errors.Is(stop, vk.ErrTimeout) {
		return t.lost(stop)
	}
	if t.trainer.Steps() == 0 {
		return stop
	}
	path, err := t.save()
	if err != nil && stop != nil {
		return fmt.Errorf("%w (stopped by: %v); nothing was saved", err, stop)
	}
	if err != nil {
		return err
	}
	if stop == nil || errors.Is(stop, errInterrupted) {
		stop = errors.Join(stop, t.saveGrid())
	}
	if stop != nil {
		return fmt.Errorf("%w; saved %s, as it was after step %d", stop, path, t.trainer.Steps())
	}
	t.warnOfSkipped()
	fmt.Fprintf(t.stdout, "saved %s\n", path)
	return nil
}

// drain takes in the last losses.
func (t *training) drain() error {
	results, err := t.trainer.Drain()
	for _, r := range results {
		err = errors.Join(err, t.report(r))
	}
	t.progress.clear()
	return err
}

// lost says from where a training whose device is gone can go on.
func (t *training) lost(err error) error {
	files, _ := os.ReadDir(t.runPath) // in the order of their names, which is that of the steps
	for _, f := range slices.Backward(files) {
		if strings.HasSuffix(f.Name(), cyclegan.Extension) {
			return fmt.Errorf("%w; the last checkpoint is %s: add --continue_train to the command to go on from it", err, filepath.Join(t.runPath, f.Name()))
		}
	}
	return fmt.Errorf("%w; no checkpoint was saved before: start again", err)
}

// save writes a checkpoint.
func (t *training) save() (path string, err error) {
	c, err := t.trainer.Checkpoint()
	if err != nil {
		return "", err
	}
	c.Epoch, c.Next = t.position(c.Step)
	c.Data = cyclegan.Data{
		Direction: t.data.Direction, Preprocess: t.data.Preprocess, LoadSize: t.data.LoadSize, NoFlip: t.data.NoFlip,
		SerialBatches: t.data.SerialBatches, MaxDatasetSize: t.data.MaxDatasetSize,
		SizeA: t.set.SizeA(), SizeB: t.set.SizeB(), Manifest: t.set.Fingerprint(),
	}
	return t.folder.Save(c)
}
