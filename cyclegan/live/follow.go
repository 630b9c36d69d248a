// Following a run: its newest checkpoint, read beside the loop as soon as it is there.

package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"cyclevk/cyclegan"
)

// pollEvery is how often a run folder is looked at.
const pollEvery = time.Second

// follower looks for newer checkpoints in a run folder.
type follower struct {
	model  int
	folder string
	step   int // of the checkpoint that is shown
	path   string
	info   fs.FileInfo // of the newest file when it was read
}

// poll reads the newest checkpoint, if it is newer than the one before: nil where there is none. The file may be half-written or
// damaged: then the newest whole one counts, the error says so, and it is read again when it has changed.
func (f *follower) poll() (*cyclegan.Checkpoint, error) {
	path, info, err := cyclegan.Newest(f.folder)
	if err != nil {
		return nil, fmt.Errorf("--follow %s: %w", f.folder, err)
	}
	if info == nil || path == f.path && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime()) {
		return nil, nil
	}
	f.path, f.info = path, info
	c, err := cyclegan.Load(f.folder)
	if err != nil {
		return nil, fmt.Errorf("--follow %s: %w", f.folder, err)
	}
	err = errors.Join(c.Damaged...)
	if c.Step <= f.step {
		return nil, err
	}
	f.step = c.Step
	return c, err
}

// news is what a follower has to tell.
type news struct {
	*checkpoint
	err error
}

// follow polls until the context ends, and hands what it found to the loop, one after the other.
func (l *Loop) follow(ctx context.Context, f *follower) {
	tick := time.NewTicker(l.poll)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c, err := f.poll()
		for _, n := range l.newsOf(f.model, c, err) {
			if n.err != nil {
				if n.err.Error() == said { // such as a folder that is gone
					continue
				}
				said = n.err.Error()
			}
			select {
			case l.news <- n:
				l.ring()
			case <-ctx.Done():
				return
			}
		}
	}
}

func (l *Loop) newsOf(model int, c *cyclegan.Checkpoint, err error) (list []news) {
	if err != nil {
		list = append(list, news{err: err})
	}
	if c == nil {
		return list
	}
	packed, err := l.p.pack(model, c)
	return append(list, news{packed, err})
}
