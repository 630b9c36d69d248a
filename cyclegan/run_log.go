// The logs of a run: the official loss_log.txt, and metrics.jsonl for programs.

package cyclegan

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cyclevk/kernels"
)

// runLog is a file that grows by whole lines.
type runLog struct {
	file *os.File
	size int64
}

// append adds a line. Of one that does not fit on the disk nothing stays.
func (l *runLog) append(line string) error {
	if _, err := l.file.WriteAt([]byte(line+"\n"), l.size); err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(line)) + 1
	return nil
}

// openLog opens a log to go on after so many bytes.
func openLog(path string, size int64) (*runLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	return &runLog{f, size}, f.Truncate(size)
}

// openLogs opens both logs to go on after a step. The loss log, whose lines name no step, keeps all of them.
func (r *RunFolder) openLogs(step int) (err error) {
	lossPath, metricsPath := filepath.Join(r.Path, lossFile), filepath.Join(r.Path, metricsFile)
	var lossSize, metricsSize int64
	if step > 0 {
		if st, err := os.Stat(lossPath); err == nil {
			lossSize = st.Size()
		}
		if metricsSize, err = metricsUpTo(metricsPath, step, r.page.AddLosses); err != nil {
			return unwritable(r.Path, err)
		}
	}
	if r.losses, err = openLog(lossPath, lossSize); err == nil {
		err = r.losses.append(fmt.Sprintf("================ Training Loss (%s) ================", time.Now().Format(time.ANSIC)))
	}
	if err == nil {
		r.metrics, err = openLog(metricsPath, metricsSize)
	}
	if err != nil {
		return unwritable(r.Path, err)
	}
	return nil
}

// metricsUpTo is the length of the whole lines of metrics.jsonl up to a step; 0 where there is no such file. The losses of each
// go to take.
func metricsUpTo(path string, step int, take func(step int, losses map[string]float32)) (size int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return 0, err
		}
		var record struct {
			Step   int
			Losses map[string]float32
		}
		if json.Unmarshal(line, &record) != nil || record.Step > step {
			return size, nil
		}
		take(record.Step, record.Losses)
		size += int64(len(line))
	}
}

// Record is what the logs say of one step.
type Record struct {
	Step, Epoch int
	Iters       int // pictures of the epoch so far
	LR          float64
	Losses      Losses
	PerImage    time.Duration // since the last record
	Waiting     time.Duration // the part of it in which no decoded picture was ready
	Scaling     kernels.ScaleState
}

// Log appends a record to loss_log.txt and to metrics.jsonl.
func (r *RunFolder) Log(rec Record) error {
	if err := r.losses.append(rec.String()); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	losses := make(map[string]float32, len(rec.Losses))
	for _, l := range rec.Losses {
		losses[l.Name] = l.Value
	}
	line, err := json.Marshal(struct {
		Step      int                `json:"step"`
		Epoch     int                `json:"epoch"`
		Losses    map[string]float32 `json:"losses"`
		LR        float64            `json:"lr"`
		PerSecond float64            `json:"images_per_s"`
		Waiting   float64            `json:"waiting_for_data"`
		Scale     float32            `json:"loss_scale,omitempty"`    // of a training in 16 bits
		Skipped   uint32             `json:"skipped_steps,omitempty"` // so far
	}{rec.Step, rec.Epoch, losses, rec.LR, rec.PerSecond(), rec.WaitingShare(), rec.Scaling.Scale, rec.Scaling.Skipped})
	if err != nil {
		return fmt.Errorf("run folder: %s: %w", metricsFile, err)
	}
	r.page.AddLosses(rec.Step, losses)
	if err := r.metrics.append(string(line)); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	return nil
}

// String is the official line of the loss log, with times in seconds a picture.
func (r Record) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "(epoch: %d, iters: %d, time: %.3f, data: %.3f)", r.Epoch, r.Iters, r.PerImage.Seconds(), r.Waiting.Seconds())
	for _, l := range r.Losses {
		fmt.Fprintf(&s, " %s: %.3f", l.Name, l.Value)
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
