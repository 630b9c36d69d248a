// How fast and how long a source is that does not come at a pace of its own: for recordings of it, and for progress.

package video

import (
	"context"
	"fmt"

	"cyclevk/cyclegan/data"
)

// Pace is how many frames a second a file, a folder or a test pattern has, and how many in all, 0 where it does not say. A live
// source comes at its own pace: 0.
func (p Place) Pace(ctx context.Context, o SourceOptions) (fps float64, frames int, err error) {
	if fps = o.FPS; fps == 0 {
		fps = 30
	}
	switch {
	case p.live():
		return 0, 0, nil
	case p.kind == pattern:
		return fps, 0, nil
	case p.kind == folder || data.IsPicture(p.name):
		s, err := openFolder(p.name, o)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", p, err)
		}
		return fps, len(s.paths), nil
	}
	info, err := Probe(ctx, p.name)
	return fraction(info.Rate), info.Frames, err
}
