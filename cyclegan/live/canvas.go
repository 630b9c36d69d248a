// The programs and pictures of one size of frame and canvas.

package live

import (
	"encoding/binary"
	"math"
	"slices"

	"cyclevk/cyclegan"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// maxAspect is how many times as long as its shorter side a canvas may be; what is longer is cropped.
const maxAspect = 4

// fitTo is how frames of w x h come to a canvas whose shorter side is size, or the frame's own with 0: the aspect is kept, and both sides
// are cropped to a multiple, and to no less than least.
func fitTo(w, h, size, multiple, least int) kernels.Fit {
	short := min(w, h)
	if size <= 0 {
		size = short
	}
	size = max(size, least)
	side := func(n int) int { return min(n*size/short, maxAspect*size) / multiple * multiple }
	return kernels.Fit{FrameW: w, FrameH: h, W: side(w), H: side(h), Num: short, Den: size}
}

// canvas is what stays as it is while frames and pictures keep their size. The programs hand their results on in the arena.
type canvas struct {
	fit    kernels.Fit
	arena  *vk.Arena
	pixels *vk.Mem // the canvas: words of R, G, B and 255

	camera *program // frame to canvas size
	frame  *vk.Mem
	slot   vk.Slot // that takes the next frame
	fitted bool    // the camera's program has run

	nets []*translation
	ran  *translation // the last one
	run  vk.Slot

	copyOut *program // canvas to host
	picture *vk.Mem
	drawing []vk.Slot // of compose and, where a picture is wanted, copyOut
}

// translation is the programs of a network: the camera's picture to a smoothed translation, and that to the canvas.
type translation struct {
	gen     *generator
	network *program
	keep    *vk.Mem
	compose *program
	view    *vk.Mem
}

func newCanvas(b *bank, f kernels.Fit, o Options) (*canvas, error) {
	c := &canvas{fit: f, arena: b.dev.NewArena("pictures")}
	colour, grey := kernels.Reserve(c.arena, "camera", 1, f.H, f.W, 3), kernels.Tensor{}
	state := kernels.ReserveSmoothState(c.arena, f.H, f.W)
	c.pixels = c.arena.Reserve("canvas", 4*f.H*f.W)
	if slices.ContainsFunc(b.gens, func(g *generator) bool { return g.spec.In == 1 }) {
		grey = kernels.Reserve(c.arena, "camera, grey", 1, f.H, f.W, 1)
	}

	c.camera = newProgram(b.dev, "fit")
	frameBytes := (kernels.PixelBytes(1, f.FrameH, f.FrameW, 3, 8) + 15) &^ 15
	c.frame = c.camera.Host("frame", frameBytes)
	frame := c.camera.Temp("frame", frameBytes).All() // each byte crosses the bus once, however many taps it has
	kernels.CopyBytes(c.camera.Program, c.frame.All(), frame)
	kernels.LiveFit(c.camera.Program, frame, f, colour)
	if grey.Mem != nil {
		kernels.LiveFit(c.camera.Program, frame, f, grey)
	}

	for _, g := range b.gens {
		t := &translation{gen: g, network: newProgram(b.dev, "network"), compose: newProgram(b.dev, "compose")}
		c.nets = append(c.nets, t)
		x := colour
		if g.spec.In == 1 {
			x = grey
		}
		y := forward(t.network.Program, g.net, x, cyclegan.Pass{Eval: o.Eval})
		t.network.Stage = "smooth"
		t.keep = t.network.Host("keep", 4)
		kernels.LiveSmooth(t.network.Program, colour, y, t.keep.All(), state)
		t.view = t.compose.Host("view", kernels.ComposeViewBytes)
		kernels.LiveCompose(t.compose.Program, colour, state.Result(g.spec.Out), t.view.All(), c.pixels.All())
	}

	c.copyOut = newProgram(b.dev, "readback")
	c.picture = c.copyOut.Host("picture", c.pixels.Size)
	kernels.CopyBytes(c.copyOut.Program, c.pixels.All(), c.picture.All())

	err := c.arena.Allocate()
	for _, p := range c.programs() {
		if err == nil {
			err = p.build(o.Timing)
		}
	}
	if err == nil {
		c.slot, err = c.camera.Acquire()
	}
	if err != nil {
		c.free()
		return nil, err
	}
	return c, nil
}

// forward is a network's pass between fp32, whatever it computes in.
func forward(p *vk.Program, n *cyclegan.Network, x kernels.Tensor, pass cyclegan.Pass) kernels.Tensor {
	e := n.Params.Element
	if e == kernels.Float32 {
		return n.Forward(p, x, pass).Y
	}
	narrow := e.NewTensor(p, "picture", x.N, x.H, x.W, x.C)
	kernels.Convert(p, x, narrow)
	half := n.Forward(p, narrow, pass).Y
	y := kernels.NewTensor(p, "translation", half.N, half.H, half.W, half.C)
	kernels.Convert(p, half, y)
	return y
}

// programs are all, in a fixed order of their stages.
func (c *canvas) programs() []*program {
	list := []*program{c.camera, c.copyOut}
	for _, t := range c.nets {
		list = append(list, t.network, t.compose)
	}
	return list
}

func (c *canvas) free() {
	if c == nil {
		return
	}
	for _, p := range c.programs() {
		p.Free()
	}
	c.arena.Free()
}

// lastFrame is a copy of the frame that was fitted last, where its size is w x h; else nil.
func (c *canvas) lastFrame(w, h int) []byte {
	if c == nil || !c.fitted || c.fit.FrameW != w || c.fit.FrameH != h {
		return nil
	}
	return slices.Clone(c.camera.Latest().Bytes(c.frame))
}

// fitFrame starts to bring the frame in the slot to the canvas's size, and readies the other slot.
func (c *canvas) fitFrame() (err error) {
	if err := c.camera.Submit(c.slot); err != nil {
		return err
	}
	c.fitted = true
	c.slot, err = c.camera.Acquire()
	return err
}

// translate starts a network on the camera's picture.
func (c *canvas) translate(g *generator, keep float32) (err error) {
	c.ran = c.nets[slices.IndexFunc(c.nets, func(t *translation) bool { return t.gen == g })]
	if c.run, err = c.ran.network.Acquire(); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(c.run.Bytes(c.ran.keep), math.Float32bits(keep))
	return c.ran.network.Submit(c.run)
}

// wait waits for the network, and for the camera's program, which ended before.
func (c *canvas) wait() error {
	if err := c.ran.network.Wait(c.run); err != nil {
		return err
	}
	return c.camera.Wait(c.camera.Latest())
}

// compose starts to make the canvas.
func (c *canvas) compose(v View, picture bool) error {
	c.drawing = c.drawing[:0]
	t := c.ran
	s, err := t.compose.Acquire()
	if err != nil {
		return err
	}
	v.composed(c.fit.W).Put(s.Bytes(t.view))
	if err := t.compose.Submit(s); err != nil {
		return err
	}
	c.drawing = append(c.drawing, s)
	if !picture {
		return nil
	}
	if s, err = c.copyOut.Acquire(); err != nil {
		return err
	}
	c.drawing = append(c.drawing, s)
	return c.copyOut.Submit(s)
}

// composed waits for the canvas.
func (c *canvas) composed() (picture []byte, err error) {
	for i, s := range c.drawing {
		p := c.ran.compose
		if i == 1 {
			p = c.copyOut
		}
		if err := p.Wait(s); err != nil {
			return nil, err
		}
		if i == 1 {
			picture = s.Bytes(c.picture)
		}
	}
	return picture, nil
}
