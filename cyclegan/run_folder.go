// The folder of a training run, checkpoints_dir/NAME: what the official code's users expect to find there.

package cyclegan

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/report"
)

// Files of a run folder, beside the checkpoints.
const (
	optionsFile = "train_opt.txt"
	lossFile    = "loss_log.txt"
	metricsFile = "metrics.jsonl"
	lockFile    = "lock"
	gridFolder  = pageFolder + "/images"

	damagedMark = ".damaged" // behind the name of a checkpoint that could not be read
)

// RunFolder holds what a training run writes. Close it at the end; until then no other process can have it.
type RunFolder struct {
	Path string
	Keep func(step int) bool // tells Prune which checkpoints to keep for ever; nil for none

	disk            atomicfile.FS // nil is the operating system's
	lock            *os.File
	losses, metrics *runLog
	page            report.Training
}

// Option is one effective option of a run, for train_opt.txt.
type Option struct {
	Name, Value, Default string
}

// errLocked is wrapped by the error about a folder that another process holds.
var errLocked = errors.New("is in use by another training: wait for its end, or choose another --name")

// CreateRun makes the folder of a new run, or starts over in one that holds no checkpoint yet.
func CreateRun(path string) (*RunFolder, error) {
	if err := os.MkdirAll(filepath.Join(path, gridFolder), 0o755); err != nil {
		return nil, unwritable(path, err)
	}
	r, err := lockRun(path)
	if err != nil {
		return nil, err
	}
	if err := r.create(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *RunFolder) create() error {
	list, err := generations(r.Path)
	if err != nil {
		return unwritable(r.Path, err)
	}
	if len(list) > 0 {
		return fmt.Errorf("run folder %q already holds %s: add --continue_train to go on from there, or choose another --name",
			r.Path, filepath.Base(list[0].path))
	}
	return r.begin(0)
}

// OpenRun opens the folder of a run that was interrupted, and reads its newest valid checkpoint. Nothing is changed before
// Continue.
func OpenRun(path string) (*RunFolder, *Checkpoint, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("--continue_train: run folder %q: %w; check --checkpoints_dir and --name, or leave --continue_train out", path, err)
	}
	r, err := lockRun(path)
	if err != nil {
		return nil, nil, err
	}
	c, err := loadNewest(path)
	if err != nil {
		r.Close()
		if errors.Is(err, errNoCheckpoint) {
			err = fmt.Errorf("run folder %q: %w; leave --continue_train out to start", path, err)
		}
		return nil, nil, fmt.Errorf("--continue_train: %w", err)
	}
	return r, c, nil
}

// Continue makes the folder ready for the steps after a checkpoint: checkpoints that could not be read are set aside, what a
// killed process left half written is deleted, and the logs lose what will happen anew.
func (r *RunFolder) Continue(c *Checkpoint) error {
	list, err := generations(r.Path)
	if err != nil {
		return unwritable(r.Path, err)
	}
	for _, g := range list {
		if g.step <= c.Step {
			break
		}
		if err := r.fs().Rename(g.path, g.path+damagedMark); err != nil {
			return unwritable(r.Path, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(r.Path, gridFolder), 0o755); err != nil {
		return unwritable(r.Path, err)
	}
	return r.begin(c.Step)
}

// begin deletes what a killed process left half written, and opens the logs and the page to go on after a step.
func (r *RunFolder) begin(step int) error {
	for _, pattern := range []string{"*" + Extension, optionsFile, gridFolder + "/*.png", pageFolder + "/*.html"} {
		temps, err := filepath.Glob(filepath.Join(globEscape(r.Path), atomicfile.TempPattern(pattern)))
		if err != nil {
			return unwritable(r.Path, err)
		}
		for _, temp := range temps {
			if err := r.fs().Remove(temp); err != nil {
				return unwritable(r.Path, err)
			}
		}
	}
	if err := r.openPage(step); err != nil {
		return err
	}
	return r.openLogs(step)
}

func lockRun(path string) (*RunFolder, error) {
	lock, err := openLocked(filepath.Join(path, lockFile))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("run folder %q %w", path, err)
	}
	if err != nil {
		return nil, unwritable(path, err)
	}
	return &RunFolder{Path: path, lock: lock}, nil
}

func unwritable(path string, err error) error {
	return fmt.Errorf("run folder %q cannot be written: %w; choose another --checkpoints_dir", path, err)
}

func (r *RunFolder) fs() atomicfile.FS {
	if r.disk == nil {
		return atomicfile.Disk
	}
	return r.disk
}

// Close closes the logs and gives the folder free.
func (r *RunFolder) Close() error {
	var errs []error
	for _, l := range []*runLog{r.losses, r.metrics} {
		if l != nil {
			errs = append(errs, l.file.Close())
		}
	}
	return errors.Join(append(errs, r.lock.Close())...)
}

// WriteOptions writes train_opt.txt in the official form.
func (r *RunFolder) WriteOptions(options []Option) error {
	return atomicfile.Write(filepath.Join(r.Path, optionsFile), func(w io.Writer) error {
		fmt.Fprintln(w, "----------------- Options ---------------")
		for _, o := range options {
			changed := ""
			if o.Value != o.Default {
				changed = "\t[default: " + o.Default + "]"
			}
			fmt.Fprintf(w, "%25s: %-30s%s\n", o.Name, o.Value, changed)
		}
		_, err := fmt.Fprintln(w, "----------------- End -------------------")
		return err
	})
}

// globEscape makes a path match only itself.
func globEscape(path string) string {
	out := make([]rune, 0, len(path))
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}
