// The folder of a training run, checkpoints_dir/NAME: what the official code's users expect to find there.

package cyclegan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/data"
)

// Files of a run folder, beside the checkpoints.
const (
	optionsFile = "train_opt.txt"
	lossFile    = "loss_log.txt"
	metricsFile = "metrics.jsonl"
	gridFolder  = "web/images"
)

// RunFolder holds what a training run writes. Close it at the end.
type RunFolder struct {
	Path string

	losses, metrics *os.File
}

// Option is one effective option of a run, for train_opt.txt.
type Option struct {
	Name, Value, Default string
}

// Record is what the logs say of one step.
type Record struct {
	Step, Epoch int
	Iters       int // pictures of the epoch so far
	LR          float64
	Losses      Losses
	PerImage    time.Duration // since the last record
	Waiting     time.Duration // the part of it in which no decoded picture was ready
}

// CreateRun makes the folder of a new run, or starts over in one that holds no checkpoint yet.
func CreateRun(path string) (*RunFolder, error) {
	checkpoints, err := filepath.Glob(filepath.Join(globEscape(path), "*"+Extension))
	if err != nil {
		return nil, fmt.Errorf("run folder %q: %w", path, err)
	}
	if len(checkpoints) > 0 {
		return nil, fmt.Errorf("run folder %q already holds %s: choose another --name, or delete the folder", path, filepath.Base(checkpoints[0]))
	}
	r := &RunFolder{Path: path}
	if err := r.create(); err != nil {
		r.Close()
		return nil, fmt.Errorf("run folder %q cannot be written: %w; choose another --checkpoints_dir", path, err)
	}
	return r, nil
}

func (r *RunFolder) create() (err error) {
	if err = os.MkdirAll(filepath.Join(r.Path, gridFolder), 0o755); err != nil {
		return err
	}
	if r.losses, err = os.Create(filepath.Join(r.Path, lossFile)); err != nil {
		return err
	}
	if r.metrics, err = os.Create(filepath.Join(r.Path, metricsFile)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.losses, "================ Training Loss (%s) ================\n", time.Now().Format(time.ANSIC))
	return err
}

// Close closes the logs.
func (r *RunFolder) Close() error {
	var errs []error
	for _, f := range []*os.File{r.losses, r.metrics} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
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

// Log appends a record to loss_log.txt and to metrics.jsonl.
func (r *RunFolder) Log(rec Record) error {
	if _, err := fmt.Fprintln(r.losses, rec); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	losses := make(map[string]float32, len(LossNames))
	for i, name := range LossNames {
		losses[name] = rec.Losses[i]
	}
	line, err := json.Marshal(struct {
		Step      int                `json:"step"`
		Epoch     int                `json:"epoch"`
		Losses    map[string]float32 `json:"losses"`
		LR        float64            `json:"lr"`
		PerSecond float64            `json:"images_per_s"`
		Waiting   float64            `json:"waiting_for_data"`
	}{rec.Step, rec.Epoch, losses, rec.LR, rec.PerSecond(), rec.WaitingShare()})
	if err != nil {
		return fmt.Errorf("run folder: %s: %w", metricsFile, err)
	}
	if _, err := r.metrics.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	return nil
}

// String is the official line of the loss log, with times in seconds a picture.
func (r Record) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "(epoch: %d, iters: %d, time: %.3f, data: %.3f)", r.Epoch, r.Iters, r.PerImage.Seconds(), r.Waiting.Seconds())
	for i, name := range LossNames {
		fmt.Fprintf(&s, " %s: %.3f", name, r.Losses[i])
	}
	return s.String()
}

// PerSecond is how many pictures of each domain were trained on in a second.
func (r Record) PerSecond() float64 {
	if r.PerImage <= 0 {
		return 0
	}
	return float64(time.Second) / float64(r.PerImage)
}

// WaitingShare is the part of the time, from 0 to 1, in which no decoded picture was ready.
func (r Record) WaitingShare() float64 {
	if r.PerImage <= 0 {
		return 0
	}
	return float64(r.Waiting) / float64(r.PerImage)
}

// SaveGrid writes a grid of sample pictures under web/images, and once more as latest.png.
func (r *RunFolder) SaveGrid(epoch, step int, grid *data.Image) error {
	for _, name := range []string{fmt.Sprintf("epoch%03d_step%06d.png", epoch, step), "latest.png"} {
		if err := data.EncodePNG(filepath.Join(r.Path, gridFolder, name), grid); err != nil {
			return err
		}
	}
	return nil
}

// Save writes a checkpoint under the name of its step and returns its path. One with a value that is not a number is refused.
func (r *RunFolder) Save(c *Checkpoint) (string, error) {
	if err := c.Finite(); err != nil {
		return "", err
	}
	path := filepath.Join(r.Path, FileName(c.Step))
	return path, c.Save(path)
}
