// The programs of one size of framebuffer, and the canvas before there is one.

package live

import (
	"cyclevk/kernels"
	"cyclevk/vk"
)

// window is a framebuffer's pixels and the program that makes them.
type window struct {
	canvas  *vk.Mem
	fit     kernels.Window
	arena   *vk.Arena
	pixels  *vk.Mem
	program *program
	text    *vk.Mem
	place   *vk.Mem
	texts   [2]*Overlay // that the slots hold
	running bool
	slot    vk.Slot
}

func newWindow(dev *vk.Device, canvas *vk.Mem, w, h, frameW, frameH int, bgra, timing bool) (*window, error) {
	o := &window{canvas: canvas, fit: kernels.Letterbox(w, h, frameW, frameH), arena: dev.NewArena("window"), program: newProgram(dev, "window")}
	o.fit.BGRA = bgra
	o.pixels = o.arena.Reserve("window", 4*frameW*frameH)
	o.text, o.place = o.program.Host("text", frameW*frameH), o.program.Host("place of the text", kernels.TextPlaceBytes)
	kernels.LiveWindow(o.program.Program, canvas.All(), o.text.All(), o.place.All(), o.fit, o.pixels.All())
	err := o.arena.Allocate()
	if err == nil {
		err = o.program.build(timing)
	}
	if err != nil {
		o.free()
		return nil, err
	}
	return o, nil
}

func (o *window) matches(canvas *vk.Mem, w, h int, bgra bool) bool {
	return o != nil && o.canvas == canvas && o.fit.FrameW == w && o.fit.FrameH == h && o.fit.BGRA == bgra
}

func (o *window) free() {
	if o != nil {
		o.program.Free()
		o.arena.Free()
	}
}

// show starts to make the pixels.
func (o *window) show(text *Overlay) (vk.Range, error) {
	s, err := o.program.Acquire()
	if err != nil {
		return vk.Range{}, err
	}
	if o.texts[s.Index()] != text {
		text.clipped(o.fit.FrameW, o.fit.FrameH, s.Bytes(o.text)).Put(s.Bytes(o.place))
		o.texts[s.Index()] = text
	}
	o.slot, o.running = s, true
	return o.pixels.All(), o.program.Submit(s)
}

// shown waits for the pixels.
func (o *window) shown() error {
	if o == nil || !o.running {
		return nil
	}
	o.running = false
	return o.program.Wait(o.slot)
}

// clipped writes what of the text lies in a framebuffer of w x h, and returns its place.
func (t *Overlay) clipped(w, h int, to []byte) (p kernels.TextPlace) {
	if t == nil {
		return p
	}
	left, top := max(t.X, 0), max(t.Y, 0)
	right, bottom := min(t.X+t.W, w), min(t.Y+t.H, h)
	if left >= right || top >= bottom || len(t.Pix) < t.W*t.H {
		return p
	}
	p = kernels.TextPlace{X: left, Y: top, W: right - left, H: bottom - top}
	for row := range p.H {
		copy(to[row*p.W:][:p.W], t.Pix[(top-t.Y+row)*t.W+left-t.X:])
	}
	return p
}

// blank is a black canvas.
type blank struct {
	arena  *vk.Arena
	pixels *vk.Mem
	w, h   int
}

func newBlank(dev *vk.Device) (*blank, error) {
	b := &blank{arena: dev.NewArena("blank canvas"), w: 1, h: 1}
	b.pixels = b.arena.Reserve("blank canvas", 4)
	err := b.arena.Allocate()
	if err == nil {
		err = dev.Zero(b.pixels.All())
	}
	if err != nil {
		b.free()
		return nil, err
	}
	return b, nil
}

func (b *blank) free() {
	if b != nil {
		b.arena.Free()
	}
}
