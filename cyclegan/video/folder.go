// A folder of pictures as a source. They are decoded by cyclegan/data, as training decodes them, and not by ffmpeg.

package video

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"cyclevk/cyclegan/data"
)

// slides are pictures, one after the other.
type slides struct {
	paths []string
	pause time.Duration // between two; 0 for none
}

// openFolder lists the pictures of a folder, in the order of their names, or takes a single file.
func openFolder(path string, o SourceOptions) (*slides, error) {
	if err := checkFPS(o.FPS); err != nil {
		return nil, err
	}
	s := &slides{paths: []string{path}}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		entries, err := os.ReadDir(path) // sorted
		if err != nil {
			return nil, err
		}
		s.paths = nil
		for _, e := range entries {
			if data.IsPicture(e.Name()) {
				s.paths = append(s.paths, filepath.Join(path, e.Name()))
			}
		}
		if len(s.paths) == 0 {
			return nil, errors.New("it holds no pictures (PNG, JPEG, WebP, TIFF, BMP, GIF)")
		}
	}
	if o.Realtime {
		fps := o.FPS
		if fps == 0 {
			fps = 30
		}
		s.pause = time.Duration(float64(time.Second) / fps)
	}
	return s, nil
}

func (s *slides) play(ctx context.Context, box *mailbox) error {
	due := time.Now()
	for _, path := range s.paths {
		m, err := data.Decode(path, data.RGB, data.Upright)
		if err != nil {
			return err
		}
		copy(box.next(m.W, m.H).Pix, m.Pix)
		if !box.put() {
			return nil
		}
		due = due.Add(s.pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
		}
	}
	return nil
}
