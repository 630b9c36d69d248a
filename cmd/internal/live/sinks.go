// Where frames come from and where pictures go, as the loop wants it.

package live

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
)

// source marks what is wrong with it as the user's. That it was closed is nothing wrong.
type source struct{ *video.Source }

func (s source) State() video.SourceState {
	state := s.Source.State()
	if errors.Is(state.Err, context.Canceled) {
		state.Err = nil
	}
	state.Err = app.BadInput(state.Err)
	return state
}

// sink is a recording or a virtual camera. It marks what is wrong with its file as the user's.
type sink struct {
	*video.Sink
	fps      float64 // of the pictures, whenever they come; 0 for the times at which they come
	pictures int
	failed   atomic.Bool
	told     func(pictures int) // that it is whole; nil where nobody asks
}

func (k *sink) Write(w, h int, rgb []byte, captured time.Time) error {
	if k.fps > 0 {
		captured = time.Time{}.Add(time.Duration(float64(k.pictures) / k.fps * float64(time.Second)))
	}
	k.pictures++
	err := k.Sink.Write(w, h, rgb, captured)
	k.failed.Store(err != nil)
	return app.BadInput(err)
}

func (k *sink) Finish(ctx context.Context) error {
	err := k.Sink.Finish(ctx)
	if err == nil && !k.failed.Load() && k.told != nil {
		k.told(k.pictures)
	}
	return app.BadInput(err)
}

// snapshot keeps the last picture, and saves it at the end.
type snapshot struct {
	path string
	m    *data.Image
}

func (k *snapshot) Write(w, h int, rgb []byte, _ time.Time) error {
	if k.m == nil || k.m.W != w || k.m.H != h {
		k.m = data.NewImage(w, h)
	}
	copy(k.m.Pix, rgb)
	return nil
}

func (k *snapshot) Finish(context.Context) error {
	if k.m == nil {
		return nil
	}
	return app.BadInput(data.EncodePNG(k.path, k.m))
}
