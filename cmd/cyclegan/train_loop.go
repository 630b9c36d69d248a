// The loop of the command train: batches in, losses and sample grids out.

package main

import (
	"context"
	"fmt"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/metrics"
)

// epochs trains until the last step, an interrupt or an error.
func (t *training) epochs(ctx context.Context) error {
	if t.from == nil { // the first checkpoint shows at once that saving works, and makes every later moment resumable
		if err := t.beginSave(); err != nil {
			return err
		}
	}
	if err := t.saveGrid(); err != nil {
		return err
	}
	t.recordStep, t.recordTime = t.trainer.Steps(), time.Now()
	for t.trainer.Steps() < t.total {
		epoch, first := t.position(t.trainer.Steps())
		if err := t.epoch(ctx, epoch, first); err != nil {
			return err
		}
	}
	return nil
}

// epoch trains on the samples of an epoch from the first on.
func (t *training) epoch(ctx context.Context, epoch, first int) error {
	loader := t.set.Load(ctx, epoch, first, t.config.StepSize())
	defer loader.Close()
	rate := t.schedule.Rate(epoch)
	for range min(t.perEpoch-first/t.config.StepSize(), t.total-t.trainer.Steps()) {
		if err := t.trainer.Ready(); err != nil { // here and not in Step: who interrupts while this waits need not wait for one step more
			return err
		}
		before := loader.Waited()
		batch, err := loader.Next()
		t.waited += loader.Waited() - before
		switch {
		case ctx.Err() != nil:
			return app.ErrInterrupted
		case err != nil:
			return app.BadInput(err)
		}
		result, err := t.trainer.Step(batch, rate)
		if err != nil {
			return err
		}
		t.set.Recycle(batch)
		if result != nil {
			if err := t.report(*result); err != nil {
				return err
			}
		}
		if t.trainer.Steps()%t.displayFreq == 0 {
			if err := t.saveGrid(); err != nil {
				return err
			}
		}
		if err := t.keepSaving(); err != nil {
			return err
		}
	}
	if t.schedule.Plateau() != nil {
		return t.drain() // the next epoch's rate follows from all losses of this one
	}
	return nil
}

// position is the epoch that the next step after so many belongs to, and the sample at which it begins.
func (t *training) position(steps int) (epoch, next int) {
	return t.config.EpochCount + steps/t.perEpoch, steps % t.perEpoch * t.config.StepSize()
}

// report shows the losses of a step, and logs them where it is their turn.
func (t *training) report(r cyclegan.Result) error {
	t.schedule.Observe(r.Losses)
	epoch, first := t.position(r.Step - 1)
	images := time.Duration((r.Step - t.recordStep) * t.config.StepSize())
	record := cyclegan.Record{
		Step: r.Step, Epoch: epoch, Iters: first + t.config.StepSize(), LR: t.schedule.Rate(epoch), Losses: r.Losses,
		PerImage: time.Since(t.recordTime) / images, Waiting: t.waited / images, Scaling: r.Scaling,
	}
	t.progress.Set(r.Step, t.status(record))
	if r.Step%t.printFreq != 0 && r.Step != t.total {
		return nil
	}
	t.recordStep, t.recordTime, t.waited = r.Step, time.Now(), 0
	if !t.progress.Shown() {
		more := ""
		if record.WaitingShare() >= slowData {
			more = fmt.Sprintf(" [decoding pictures takes %.0f %% of the time: raise --num_threads]", 100*record.WaitingShare())
		}
		if s := r.Scaling; s.Skipped > 0 {
			more += fmt.Sprintf(" [%d steps skipped, loss scale %g]", s.Skipped, s.Scale)
		}
		fmt.Fprintf(t.stdout, "%v%s\n", record, more)
	}
	t.warn("log", t.folder.Log(record))
	return nil
}

// saveGrid writes the samples as they are translated now, under the official names. A disk that is full ends no training.
func (t *training) saveGrid() error {
	var (
		rows     [][]*data.Image
		captions []string
	)
	for _, sample := range t.samples {
		p, err := t.trainer.Preview(sample.A, sample.B)
		if err != nil {
			return err
		}
		rows, captions = append(rows, p.Pictures()), p.Captions()
	}
	epoch, _ := t.position(max(t.trainer.Steps()-1, 0))
	t.warn("grid", t.folder.SaveGrid(epoch, t.trainer.Steps(), metrics.Grid(rows, captions)))
	return nil
}
