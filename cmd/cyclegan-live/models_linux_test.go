// Small models and pictures for the tests of the window, and what the window must show of them.

package main

import (
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/vk"
)

// smallModel has all networks, with weights that make something of a picture in milliseconds.
func smallModel(t *testing.T, seed uint64) *cyclegan.Checkpoint {
	t.Helper()
	c := &cyclegan.Checkpoint{Nets: map[string]cyclegan.NetState{}}
	c.Config = cyclegan.DefaultConfig()
	c.Config.NetG, c.Config.NetD, c.Config.NGF, c.Config.NDF, c.Config.LayersD = "resnet_1blocks", "n_layers", 4, 4, 1
	c.Config.CropSize = 64
	for _, name := range []string{"G_A", "G_B", "D_A", "D_B"} {
		var net *cyclegan.Network
		if name[0] == 'G' {
			spec, err := c.Config.GeneratorSpec(name)
			if err != nil {
				t.Fatal(err)
			}
			net = cyclegan.NewGenerator(name, spec)
		} else {
			net = cyclegan.NewDiscriminator(name, c.Config.DiscriminatorSpec(name))
		}
		s := cyclegan.NetState{Weights: net.Params.InitState(seed, cyclegan.InitNormal, 0.3), M: cyclegan.State{}, V: cyclegan.State{}}
		for name, w := range s.Weights {
			s.M[name], s.V[name] = make([]float32, len(w)), make([]float32, len(w))
		}
		c.Nets[name] = s
	}
	return c
}

// saveRun writes a checkpoint of a run.
func saveRun(t *testing.T, folder string, step int, c *cyclegan.Checkpoint) {
	t.Helper()
	c.Step, c.Epoch = step, step/10
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.Save(filepath.Join(folder, cyclegan.FileName(step))); err != nil {
		t.Fatal(err)
	}
}

// picture is a random one with smooth parts.
func picture(w, h int, seed uint64) *data.Image {
	r := rand.New(rand.NewPCG(seed, 2))
	m := data.NewImage(w, h)
	var phase [3]float64
	for c := range phase {
		phase[c] = 7 * r.Float64()
	}
	for i := range m.Pix {
		x, y, c := i/3%w, i/3/w, i%3
		m.Pix[i] = byte(110 + 70*math.Sin(float64(x)/9+phase[c])*math.Cos(float64(y)/7+phase[c]) + 30*r.Float64())
	}
	return m
}

// translate is what translating offline makes of a picture.
func translate(t *testing.T, c *cyclegan.Checkpoint, direction string, x *data.Image) *data.Image {
	t.Helper()
	dev, err := vk.Open("")
	if errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	}()
	tr, err := cyclegan.NewTranslator(dev, c, direction)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	y, err := tr.Translate(x)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// mirrored exchanges left and right.
func mirrored(m *data.Image) *data.Image {
	out := data.NewImage(m.W, m.H)
	for i := range m.W * m.H {
		copy(out.Pix[3*i:3*i+3], m.Pix[3*(i-i%m.W+m.W-1-i%m.W):])
	}
	return out
}

// blended has a share of b in a.
func blended(a, b *data.Image, share float64) *data.Image {
	out := data.NewImage(a.W, a.H)
	for i := range out.Pix {
		out.Pix[i] = byte(float64(a.Pix[i])*(1-share) + float64(b.Pix[i])*share)
	}
	return out
}

// joined has the columns of a before one, and those of b from there on.
func joined(a, b *data.Image, column int) *data.Image {
	out := data.NewImage(a.W, a.H)
	copy(out.Pix, b.Pix)
	for y := range a.H {
		copy(out.Pix[3*y*a.W:], a.Pix[3*y*a.W:][:3*column])
	}
	return out
}

// near holds what the window shows against a picture of its size: at most 2 apart wherever in the rows from 0 to bottom. around is
// what is left out beside a column.
func near(got *image.RGBA, want *data.Image, bottom int, out ...int) error {
	if got.Rect.Dx() != want.W || got.Rect.Dy() != want.H {
		return fmt.Errorf("the window has %v pixels, want %dx%d", got.Rect.Max, want.W, want.H)
	}
	for i := range want.W * bottom {
		if slices.ContainsFunc(out, func(column int) bool { return max(i%want.W-column, column-i%want.W) <= 2 }) {
			continue
		}
		for c := range 3 {
			g, w := int(got.Pix[4*i+c]), int(want.Pix[3*i+c])
			if max(g-w, w-g) > 2 {
				return fmt.Errorf("channel %d at column %d of row %d is %d, want %d", c, i%want.W, i/want.W, g, w)
			}
		}
	}
	return nil
}

// shows waits until the window shows a picture, in the rows above the messages.
func (r *run) shows(what string, want *data.Image, out ...int) {
	r.t.Helper()
	r.until("the window shows "+what, func() error {
		got, err := r.shot()
		if err != nil {
			return err
		}
		return near(got, want, want.H*5/8, out...)
	})
}
