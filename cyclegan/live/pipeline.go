// The pipeline: what runs on the device, a step at a time. When each step is due is the loop's to know.

package live

import (
	"fmt"

	"cyclevk/cyclegan"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Model is a model that the pipeline can show.
type Model struct {
	Name       string // for messages and overlays
	Checkpoint *cyclegan.Checkpoint
	Direction  string // AtoB or BtoA, which the checkpoint has; with the other one it is shown where it has that, too
	Follow     string // a run folder whose newest checkpoint takes this one's place as soon as it is there; empty for none
}

// Options of a pipeline.
type Options struct {
	Eval      bool            // batch norm by its running statistics, see [cyclegan.Translator]
	Precision kernels.Element // in which the networks compute
	Timing    bool            // measure the stages on the device, where it has timestamps
}

// Pipeline has the weights of all models, and the programs for the sizes of the frames, the canvas and the screen. Its methods, and
// its device, are for one goroutine: once a [Loop] runs they are its own.
type Pipeline struct {
	*bank
	options Options
	canvas  *canvas // nil before the first frame
	blank   *blank  // in its place until then
	window  *window // nil without a screen
	loaded  bool    // the canvas has a frame that it did not fit yet
	stages  []Stage
}

// NewPipeline uploads the models, each with the generators of both directions where it has them. An error names the model that
// cannot be shown, such as one whose pictures have other than 1 or 3 channels, and the cure.
func NewPipeline(dev *vk.Device, models []Model, o Options) (*Pipeline, error) {
	b, err := newBank(dev, models, o.Precision)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{bank: b, options: o}
	if p.blank, err = newBlank(dev); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close frees everything.
func (p *Pipeline) Close() {
	p.window.free()
	p.canvas.free()
	p.blank.free()
	p.bank.free()
}

// size is the canvas's; 0 x 0 before the first frame.
func (p *Pipeline) size() (w, h int) {
	if p.canvas == nil {
		return 0, 0
	}
	return p.canvas.fit.W, p.canvas.fit.H
}

// fits reports whether frames of w x h can be loaded for a canvas of a size.
func (p *Pipeline) fits(w, h, size int) bool {
	return p.canvas != nil && p.canvas.fit == p.fitTo(w, h, size)
}

// resize makes the programs for frames of w x h and a canvas of a size. A frame of that size that was loaded stays. Where it fails,
// all is as it was before.
func (p *Pipeline) resize(w, h, size int) error {
	fit := p.fitTo(w, h, size)
	before := p.canvas
	if before != nil && before.fit == fit {
		return nil
	}
	frame := before.lastFrame(w, h)
	p.loaded = false
	p.window.free()
	p.window = nil
	before.free() // first, since both may be too much
	var err error
	if p.canvas, err = newCanvas(p.bank, fit, p.options); err != nil {
		err = fmt.Errorf("pictures of %dx%d: %w: take a smaller --size", fit.W, fit.H, err)
		if before == nil {
			return err
		}
		var again error
		if p.canvas, again = newCanvas(p.bank, before.fit, p.options); again != nil {
			p.canvas = nil
			return fmt.Errorf("%w (%w: %w)", err, errGone, again)
		}
	}
	if frame != nil && p.canvas.fit.FrameW == w && p.canvas.fit.FrameH == h {
		p.load(frame)
	}
	return err
}

// load hands over the frame that begin takes. It calls nothing of the device, so it may run beside wait.
func (p *Pipeline) load(pix []byte) {
	copy(p.canvas.slot.Bytes(p.canvas.frame), pix)
	p.loaded = true
}

// begin starts the network on the frame that was loaded, or once more on the last one. keep is that of kernels.LiveSmooth.
func (p *Pipeline) begin(keep float32) error {
	if p.loaded {
		if err := p.canvas.fitFrame(); err != nil {
			return err
		}
		p.loaded = false
	}
	return p.canvas.translate(p.now.gen, keep)
}

// wait waits for the network. It reads the times of all stages, since nothing runs then: lavapipe waits for that.
func (p *Pipeline) wait() error {
	err := p.canvas.wait()
	if err == nil && p.options.Timing {
		c := p.canvas
		p.stages = c.ran.compose.times(c.ran.network.times(c.camera.times(p.stages[:0])))
		if p.window != nil {
			p.stages = p.window.program.times(p.stages)
		}
	}
	return err
}

// translated tells whether there is anything to show.
func (p *Pipeline) translated() bool { return p.canvas != nil && p.canvas.ran != nil }

// compose starts to make the canvas of the last translation; picture asks for it on the host, too.
func (p *Pipeline) compose(v View, picture bool) error {
	if !p.translated() {
		return nil
	}
	return p.canvas.compose(v, picture)
}

// show starts to make what a framebuffer of w x h shows of the canvas, and returns where that will be.
func (p *Pipeline) show(w, h int, bgra bool, text *Overlay) (vk.Range, error) {
	canvasW, canvasH, canvas := p.blank.w, p.blank.h, p.blank.pixels
	if p.translated() {
		canvasW, canvasH, canvas = p.canvas.fit.W, p.canvas.fit.H, p.canvas.pixels
	}
	if !p.window.matches(canvas, w, h, bgra) {
		p.window.free()
		var err error
		if p.window, err = newWindow(p.dev, canvas, canvasW, canvasH, w, h, bgra, p.options.Timing); err != nil {
			return vk.Range{}, fmt.Errorf("window of %dx%d: %w", w, h, err)
		}
	}
	return p.window.show(text)
}

// drawn waits for compose and show. It returns the picture, words of R, G, B and 255, if compose was asked for it, which stays valid
// until the next compose but one.
func (p *Pipeline) drawn() (picture []byte, err error) {
	if p.translated() {
		if picture, err = p.canvas.composed(); err != nil {
			return nil, err
		}
	}
	return picture, p.window.shown()
}

// drain waits for all that runs.
func (p *Pipeline) drain() error {
	if p.canvas != nil {
		for _, program := range p.canvas.programs() {
			if err := program.Drain(); err != nil {
				return err
			}
		}
	}
	return p.window.shown()
}

// times are those on the device: of the last translation, and of what was made of the one before.
func (p *Pipeline) times() []Stage { return p.stages }
