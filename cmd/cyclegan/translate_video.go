// Videos: frame by frame from one ffmpeg to another.

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
)

func (t *translation) video(j job) error {
	in, err := video.Open(t.ctx, j.in)
	if errors.Is(err, video.ErrNoFFmpeg) {
		return app.BadInput(err)
	}
	if err != nil {
		return leftOut{err}
	}
	defer in.Close()
	options := video.Options{W: in.W, H: in.H, Rate: in.Rate, Start: in.Start, Pixel: in.Pixel, CRF: t.crf}
	if in.Audio != "" {
		options.Sound, options.Codec = j.in, in.Audio
	}
	out, err := video.Create(t.ctx, j.out, options)
	if err != nil {
		return app.BadInput(err)
	}
	defer out.Close()

	files := t.bar
	t.bar = app.NewProgress(t.stderr, max(in.Frames, 1))
	defer func() { t.bar.Clear(); t.bar = files }()
	x := data.NewImage(in.W, in.H)
	frames := 0
	for ; ; frames++ {
		t.bar.Set(min(frames, in.Frames), "translating "+filepath.Base(j.in))
		if err := in.Read(x.Pix); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return leftOut{err}
		}
		y, err := t.picture(j, x, func(float64) {})
		if err != nil {
			return err
		}
		if err := out.Write(y.Convert(data.RGB).Pix); err != nil {
			return app.BadInput(err)
		}
	}
	if frames == 0 {
		return leftOut{fmt.Errorf("video %q: it has no frames", j.in)}
	}
	if warning := in.Warning(); warning != "" {
		t.say("%q is damaged: ffmpeg says %q, and %d frames were read", j.in, warning, frames)
	}
	return app.BadInput(out.Finish())
}
