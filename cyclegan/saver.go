// Saving beside the training: the step waits for the copy from the device alone; shaping, hashing, writing, syncing, reading
// back and pruning happen behind its back.

package cyclegan

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Save writes a checkpoint under the name of its step and returns its path; the file has been read back from the disk. A
// checkpoint with a value that is not a number is refused.
func (r *RunFolder) Save(c *Checkpoint) (string, error) {
	if err := c.Finite(); err != nil {
		return "", err
	}
	path := filepath.Join(r.Path, FileName(c.Step))
	return path, c.write(r.fs(), path)
}

// Prune deletes the checkpoints that the keep policy gives up: to be called after a Save without an error, and only then.
func (r *RunFolder) Prune() error {
	list, err := generations(r.Path)
	if err != nil {
		return fmt.Errorf("run folder %q: %w", r.Path, err)
	}
	keep := r.Keep
	if keep == nil {
		keep = func(int) bool { return false }
	}
	var errs []error
	for _, g := range surplus(list, time.Now(), keep) {
		if err := r.fs().Remove(g.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("an old checkpoint stays: %w", err))
		}
	}
	return errors.Join(errs...)
}

// CheckSpace refuses where the disk has not twice the room of a checkpoint of so many bytes: the newest one stays until the
// next is whole, and the logs need some too.
func (r *RunFolder) CheckSpace(bytes int) error {
	free, err := r.fs().Free(r.Path)
	if err == nil && free < 2*uint64(bytes) {
		const mib = 1 << 20
		err = fmt.Errorf("%.1f MiB free, a checkpoint of %.1f MiB needs twice its size: delete something, or choose another --checkpoints_dir",
			float64(free)/mib, float64(bytes)/mib)
	}
	if err != nil {
		return fmt.Errorf("run folder %q: %w", r.Path, err)
	}
	return nil
}

// Saved is how a save ended.
type Saved struct {
	Step   int
	Path   string
	Err    error // nil: the file is on the disk and was read back
	Pruned error // old checkpoints that could not be deleted
}

// Saver saves a run's checkpoints, one at a time, beside the training. The zero Saver is idle. Its methods are for one goroutine.
type Saver struct{ done chan Saved }

// Busy tells whether there is a save whose end was not taken in yet.
func (s *Saver) Busy() bool { return s.done != nil }

// Start begins to save into a folder. The save before it must have been taken in.
func (s *Saver) Start(folder *RunFolder, snapshot *Snapshot) {
	done := make(chan Saved, 1)
	s.done = done
	go func() {
		end := Saved{Step: snapshot.Step}
		if end.Path, end.Err = folder.Save(snapshot.Checkpoint()); end.Err == nil {
			end.Pruned = folder.Prune()
		}
		done <- end
	}()
}

// Poll takes in the end of the save, if it has ended.
func (s *Saver) Poll() (end Saved, ended bool) {
	select {
	case end = <-s.done: // never, where s.done is nil
		s.done = nil
		return end, true
	default:
		return end, false
	}
}

// Wait waits for the end of the save; false where there is none.
func (s *Saver) Wait() (end Saved, ended bool) {
	if s.done == nil {
		return end, false
	}
	end = <-s.done
	s.done = nil
	return end, true
}
