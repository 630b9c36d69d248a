// Generations: the checkpoints of a run folder, which of them is read, and which are deleted.

package cyclegan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Extension of checkpoint files.
const Extension = ".cyclevk.safetensors"

const stepPrefix = "step-"

// FileName is the name of the checkpoint after a step.
func FileName(step int) string { return fmt.Sprintf(stepPrefix+"%09d%s", step, Extension) }

// generation is a checkpoint of a run folder by the name of its file. Others, such as a copy under a name of the user's own,
// are none: they are neither found nor deleted.
type generation struct {
	path    string
	step    int
	written time.Time
}

// generations lists the checkpoints of a run folder, the newest step first.
func generations(folder string) ([]generation, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var list []generation
	for _, e := range entries {
		number, ok := strings.CutSuffix(strings.TrimPrefix(e.Name(), stepPrefix), Extension)
		step, err := strconv.Atoi(number)
		if !ok || err != nil || e.Name() != FileName(step) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since
		}
		if err != nil {
			return nil, err
		}
		list = append(list, generation{filepath.Join(folder, e.Name()), step, info.ModTime()})
	}
	slices.SortFunc(list, func(a, b generation) int { return b.step - a.step })
	return list, nil
}

// Load reads a checkpoint: the file itself, or the newest valid one in a run folder.
func Load(path string) (*Checkpoint, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--model %s: %w", path, err)
	}
	if !st.IsDir() {
		return loadFile(path)
	}
	c, err := loadNewest(path)
	if errors.Is(err, errNoCheckpoint) {
		return nil, fmt.Errorf("--model %s: %w; give the run folder that `cyclegan train` wrote", path, err)
	}
	return c, err
}

// Newest is the newest checkpoint of a run folder, which it does not read: whoever watches a run compares it with the one before. It is
// nil where there is none.
func Newest(folder string) (path string, info fs.FileInfo, err error) {
	list, err := generations(folder)
	if err != nil || len(list) == 0 {
		return "", nil, err
	}
	info, err = os.Stat(list[0].path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil // deleted since
	}
	return list[0].path, info, err
}

// LoadEpoch reads the checkpoint that a run folder keeps of the end of an epoch.
func LoadEpoch(folder string, epoch int) (*Checkpoint, error) {
	list, err := generations(folder)
	if err != nil {
		return nil, fmt.Errorf("--model %s: %w", folder, err)
	}
	var damaged error
	for _, g := range list {
		c, err := loadFile(g.path)
		if err != nil {
			damaged = err
			continue
		}
		if c.Epoch == epoch+1 && c.Next == 0 {
			return c, nil
		}
		if c.Epoch <= epoch {
			break
		}
	}
	return nil, errors.Join(fmt.Errorf("--epoch %d: %s holds no checkpoint of the end of that epoch: use latest, or one of every --save_epoch_freq",
		epoch, folder), damaged)
}

var errNoCheckpoint = errors.New("no checkpoint (" + stepPrefix + "*" + Extension + ") in this folder")

// loadNewest reads the newest valid checkpoint of a run folder. A file of a later version of this program is not passed over.
func loadNewest(folder string) (*Checkpoint, error) {
	list, err := generations(folder)
	if err != nil {
		return nil, err
	}
	var damaged []error
	for _, g := range list {
		c, err := loadFile(g.path)
		switch {
		case err == nil:
			c.Damaged = damaged
			return c, nil
		case errors.Is(err, errNewer):
			return nil, err
		}
		damaged = append(damaged, err)
	}
	if len(damaged) == 0 {
		return nil, errNoCheckpoint
	}
	return nil, damaged[0]
}

// The keep policy. The last ones serve a crash; one from before the last hour serves a training that went astray unnoticed.
const (
	keepLast = 3
	keepAge  = time.Hour
)

// surplus are the generations, of a list from the newest on, that need not be kept: all but the last three, the newest one
// over an hour old, the oldest one younger than that (which will take its place), and those of a step for which keep is true.
func surplus(list []generation, now time.Time, keep func(step int) bool) (out []generation) {
	old := func(g generation) bool { return now.Sub(g.written) > keepAge }
	aged := slices.IndexFunc(list, old)
	heir := len(list) - 1
	for heir >= 0 && old(list[heir]) {
		heir--
	}
	for i, g := range list {
		if i >= keepLast && i != aged && i != heir && !keep(g.step) {
			out = append(out, g)
		}
	}
	return out
}
