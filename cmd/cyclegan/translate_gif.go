// Animated GIF: every frame as it is shown, translated.

package main

import (
	"fmt"
	"image"
	"path/filepath"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/data"
)

func (t *translation) gif(j job) error {
	g, err := data.OpenGIF(j.in)
	if err != nil {
		return leftOut{err}
	}
	files := t.bar
	t.bar = app.NewProgress(t.stderr, g.Len())
	defer func() { t.bar.Clear(); t.bar = files }()
	var frames []*image.Paletted
	for i, x := range g.Frames() {
		y, err := t.picture(j, x, func(float64) {})
		if err != nil {
			return err
		}
		frames = append(frames, data.Palettise(y))
		if t.ctx.Err() != nil {
			return t.ctx.Err()
		}
		t.bar.Set(i+1, fmt.Sprintf("translating %s", filepath.Base(j.in)))
	}
	return app.BadInput(g.Save(j.out, frames))
}
