// When train saves, and what happens when it cannot: while an older checkpoint survives, training is worth more than a save.

package main

import (
	"errors"
	"fmt"
	"os"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/vk"
)

// saves is what a training knows about its checkpoints.
type saves struct {
	saver  cyclegan.Saver
	newest cyclegan.Saved // the last one that is on the disk
	due    bool           // one is to be begun once the saver is idle
	warned map[string]bool
}

// endsSavedEpoch tells whether a step is the last of an epoch whose checkpoint is kept.
func (t *training) endsSavedEpoch(step int) bool {
	if t.saveEpochFreq == 0 || step == 0 || step%t.perEpoch != 0 {
		return false
	}
	return (t.config.EpochCount+step/t.perEpoch-1)%t.saveEpochFreq == 0
}

// keepSaving is called after every step. It takes in the end of a save and begins the next one when it is time. Only the end of
// an epoch waits for a save under way; others are begun late rather than hold up the step.
func (t *training) keepSaving() error {
	if end, ended := t.saver.Poll(); ended {
		if err := t.saved(end); err != nil {
			return err
		}
	}
	step := t.trainer.Steps()
	if step == t.total {
		return nil // finish saves
	}
	epochEnds := t.endsSavedEpoch(step)
	t.due = t.due || epochEnds || step%t.saveLatestFreq == 0
	if epochEnds {
		if err := t.awaitSave(); err != nil {
			return err
		}
	}
	if !t.due || t.saver.Busy() {
		return nil
	}
	return t.beginSave()
}

func (t *training) awaitSave() error {
	if end, ended := t.saver.Wait(); ended {
		return t.saved(end)
	}
	return nil
}

// beginSave takes in the last losses and has the run saved.
func (t *training) beginSave() error {
	if err := t.drain(); err != nil {
		return err
	}
	return t.startSave()
}

// drain takes in the last losses.
func (t *training) drain() error {
	results, err := t.trainer.Drain()
	for _, r := range results {
		err = errors.Join(err, t.report(r))
	}
	t.progress.Clear()
	return err
}

// startSave copies the run from the device and has the copy saved. The losses of all steps have been taken in: the schedule,
// which is saved too, knows them.
func (t *training) startSave() error {
	s, err := t.trainer.Snapshot()
	if err != nil {
		return err
	}
	bytes, err := t.config.CheckpointBytes()
	if err != nil {
		return err
	}
	t.warn("space", t.folder.CheckSpace(bytes)) // it may still do

	s.Epoch, s.Next = t.position(s.Step)
	s.Plateau, s.Program = t.schedule.Plateau(), app.Version
	s.Data = cyclegan.Data{
		DatasetMode: t.data.Mode, ExifOrientation: t.data.Orientation, Direction: t.data.Direction,
		Preprocess: t.data.Preprocess, LoadSize: t.data.LoadSize, NoFlip: t.data.NoFlip,
		SerialBatches: t.data.SerialBatches, MaxDatasetSize: t.data.MaxDatasetSize,
		SizeA: t.set.SizeA(), SizeB: t.set.SizeB(), Manifest: t.set.Fingerprint(),
	}
	t.due = false
	t.saver.Start(t.folder, s)
	return nil
}

// saved takes in how a save ended. An error is one only where nothing older is left, or where the run's numbers are spoilt.
func (t *training) saved(end cyclegan.Saved) error {
	t.warn("prune", end.Pruned)
	if end.Err == nil {
		t.newest = end
		t.warned["save"] = false
		t.progress.Clear()
		fmt.Fprintf(t.stdout, "saved %s\n", end.Path)
		return nil
	}
	if _, err := os.Stat(t.newest.Path); err != nil || errors.Is(end.Err, cyclegan.ErrNotFinite) {
		return end.Err
	}
	t.warned["save"] = false // every one that fails is worth a line
	t.warn("save", fmt.Errorf("step %d is not saved, training goes on: %w; the newest checkpoint is %s", end.Step, end.Err, t.newest.Path))
	return nil
}

// warn prints an error that training survives, once until it has gone away.
func (t *training) warn(about string, err error) {
	if err != nil && !t.warned[about] {
		t.progress.Clear()
		fmt.Fprintf(t.stderr, "cyclegan train: %v\n", err)
	}
	if t.warned == nil {
		t.warned = map[string]bool{}
	}
	t.warned[about] = err != nil
}

// finish saves the run, whatever stopped it but the device itself. A step that was refused for its numbers left the run as the
// step before had made it.
func (t *training) finish(stop error) error {
	t.progress.Clear()
	if late := t.drain(); late != nil && (stop == nil || errors.Is(stop, app.ErrInterrupted)) {
		stop = late
	}
	t.warn("save", t.awaitSave()) // the last save may still succeed
	if errors.Is(stop, vk.ErrDeviceLost) || errors.Is(stop, vk.ErrTimeout) {
		return fmt.Errorf("%w; %s", stop, t.lastSave())
	}
	if err := t.finalSave(); err != nil {
		if stop != nil {
			err = fmt.Errorf("%w (stopped by: %v)", err, stop)
		}
		return fmt.Errorf("%w; %s", err, t.lastSave())
	}
	if stop == nil {
		stop = t.saveGrid() // not after an interrupt: large pictures take longer than whoever sent it may wait
	}
	if stop != nil {
		return fmt.Errorf("%w; saved %s, as it was after step %d", stop, t.newest.Path, t.trainer.Steps())
	}
	t.warnOfSkipped()
	return nil
}

// finalSave saves the last step, unless it is saved already. Here nothing is left to go on for, so an error is one.
func (t *training) finalSave() error {
	if t.newest.Path != "" && t.newest.Step == t.trainer.Steps() {
		return nil
	}
	if err := t.startSave(); err != nil {
		return err
	}
	end, _ := t.saver.Wait()
	if end.Err != nil {
		return end.Err
	}
	return t.saved(end)
}

// lastSave says what is left of a run that could not be saved.
func (t *training) lastSave() string {
	if t.newest.Path == "" {
		return "nothing was saved"
	}
	return fmt.Sprintf("the newest checkpoint is %s: --continue_train goes on from it", t.newest.Path)
}
