// What the tests share: small models, a source that plays a script, a screen that reads its pixels back.

package live

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// config is that of a model that takes milliseconds.
func config(in, out int) cyclegan.Config {
	c := cyclegan.DefaultConfig()
	c.NetG, c.NGF, c.NetD, c.NDF, c.LayersD, c.InputNC, c.OutputNC = "resnet_1blocks", 4, "n_layers", 4, 1, in, out
	return c
}

// randomModel has both directions, with weights that make something of a picture.
func randomModel(t testing.TB, name string, c cyclegan.Config, seed uint64) Model {
	t.Helper()
	m := Model{Name: name, Direction: "AtoB", Checkpoint: &cyclegan.Checkpoint{Nets: map[string]cyclegan.NetState{}}}
	m.Checkpoint.Config, m.Checkpoint.Step = c, int(seed)
	for _, net := range []string{"G_A", "G_B"} {
		spec, err := c.GeneratorSpec(net)
		if err != nil {
			t.Fatal(err)
		}
		m.Checkpoint.Nets[net] = cyclegan.NetState{Weights: cyclegan.NewGenerator(net, spec).Params.InitState(seed, cyclegan.InitNormal, 0.3)}
	}
	return m
}

func newPipeline(t testing.TB, dev *vk.Device, models ...Model) *Pipeline {
	t.Helper()
	return newPipelineIn(t, dev, kernels.Float32, models...)
}

func newPipelineIn(t testing.TB, dev *vk.Device, e kernels.Element, models ...Model) *Pipeline {
	t.Helper()
	p, err := NewPipeline(dev, models, Options{Precision: e, Timing: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// randomFrame is a picture that its serial decides.
func randomFrame(w, h int, serial uint64) *Frame {
	r := rand.New(rand.NewPCG(serial, 1))
	f := &Frame{W: w, H: h, Pix: make([]byte, 3*w*h), Serial: serial, Captured: time.Now()}
	for i := range f.Pix {
		f.Pix[i] = byte(r.Uint32())
	}
	return f
}

// offline is what a Translator makes of a frame, as RGB.
func offline(t testing.TB, dev *vk.Device, m Model, direction string, f *Frame) []byte {
	t.Helper()
	return offlineIn(t, dev, m, direction, kernels.Float32, f)
}

// offlineIn is offline in another precision.
func offlineIn(t testing.TB, dev *vk.Device, m Model, direction string, e kernels.Element, f *Frame) []byte {
	t.Helper()
	tr, err := cyclegan.NewTranslatorIn(dev, m.Checkpoint, direction, e)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	y, err := tr.Translate(&data.Image{W: f.W, H: f.H, Format: data.RGB, Pix: f.Pix})
	if err != nil {
		t.Fatal(err)
	}
	return y.Convert(data.RGB).Pix
}

// script is a source whose frames a test decides on: one for each call of Latest that finds none, until n were handed out.
type script struct {
	mu     sync.Mutex
	n      uint64
	make   func(serial uint64) *Frame
	serial uint64
	wake   chan struct{}
	state  SourceState
	now    bool // frames are captured when they are taken
}

func newScript(n uint64, make_ func(serial uint64) *Frame) *script {
	return &script{n: n, make: make_, wake: make(chan struct{}, 1)}
}

func (s *script) Latest(after uint64) (*Frame, uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serial == s.n {
		return nil, 0, false
	}
	s.serial++
	f := *s.make(s.serial)
	f.Serial = s.serial
	if s.now {
		f.Captured = time.Now()
	}
	if s.serial == s.n {
		s.state.Condition = video.Ended
	}
	return &f, 0, true
}

func (s *script) Wake() <-chan struct{} { return s.wake }

func (s *script) State() SourceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// album is a sink that keeps its pictures.
type album struct {
	pictures [][]byte
	sizes    [][2]int
	finished int
	each     func(n int) // called with how many there are
}

func (a *album) Write(w, h int, rgb []byte, _ time.Time) error {
	a.pictures, a.sizes = append(a.pictures, rgb), append(a.sizes, [2]int{w, h})
	if a.each != nil {
		a.each(len(a.pictures))
	}
	return nil
}

func (a *album) Finish(context.Context) error {
	a.finished++
	return nil
}

// runLoop runs a loop to its end.
func runLoop(t testing.TB, p *Pipeline, c Config) *Loop {
	t.Helper()
	c.Trouble = func(err error) { t.Error(err) }
	l := NewLoop(p, c)
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}
