// Translation: one generator, pictures of any size.

package cyclegan

import (
	"errors"
	"fmt"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Translator runs one generator of a checkpoint.
type Translator struct {
	// MaxMemory bounds the device memory and host buffers that are used, in bytes; 0 for what the device has free.
	MaxMemory int
	// Progress, where it is set, is called with the share that is done of a picture that is translated in tiles. An error
	// ends the translation.
	Progress func(share float64) error

	dev   *vk.Device
	gen   *Network
	arena *vk.Arena

	// Eval normalises batch norm by the running statistics, as the official test.py does with --eval. By default each picture has
	// its own, as there. Dropout is never applied. It is read when a picture of another size than the last one comes.
	Eval bool

	// The program for the last shape: folders mostly hold one.
	shape
	program *vk.Program
	in, out *vk.Mem
	tiles   *tiler // instead of the program, where that needs more than there is
}

// shape is the size of a padded picture and the bits of its samples.
type shape struct{ h, w, bits int }

// NewTranslator loads the generator of a direction, "AtoB" or "BtoA", from a checkpoint. It computes in fp32, however it was trained.
func NewTranslator(dev *vk.Device, c *Checkpoint, direction string) (*Translator, error) {
	return NewTranslatorIn(dev, c, direction, kernels.Float32)
}

// NewTranslatorIn is NewTranslator for another precision. Tiles are computed in fp32 all the same.
func NewTranslatorIn(dev *vk.Device, c *Checkpoint, direction string, precision kernels.Element) (*Translator, error) {
	name, err := GeneratorOf(direction)
	if err != nil {
		return nil, err
	}
	spec, err := c.Config.GeneratorSpec(name)
	if err != nil {
		return nil, err
	}
	t := &Translator{dev: dev, gen: NewGenerator(name, spec)}
	t.arena = dev.NewArena(name + " weights")
	t.gen.Params.Element = precision
	t.gen.Params.reserve(t.arena, false)
	if err := t.arena.Allocate(); err != nil {
		return nil, err
	}
	if err := t.gen.Params.uploadWeights(dev, c.Nets[name].Weights); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// GeneratorOf is the name of the generator that translates in a direction.
func GeneratorOf(direction string) (string, error) {
	name, ok := map[string]string{"AtoB": "G_A", "BtoA": "G_B"}[direction]
	if !ok {
		return "", fmt.Errorf("--direction %q: use AtoB or BtoA", direction)
	}
	return name, nil
}

// Close frees the translator.
func (t *Translator) Close() {
	t.freeProgram()
	t.arena.Free()
}

func (t *Translator) freeProgram() {
	if t.program != nil {
		t.program.Free()
	}
}

// Translate returns the translated picture in the size and depth of the original, with as many channels as the network makes,
// and the original's alpha where it has one that the network does not make.
//
// Channels that the network does not take are converted as in training: transparency is composited on white. Sides that the
// network does not take, see [GeneratorSpec.Sizes], are padded at the right and the bottom, by reflection, or by repeating the edge
// where a side is shorter than minMirrored, and cropped back. Where the program for the whole picture needs more memory than there
// is, the picture is translated in tiles: see tiled.go.
func (t *Translator) Translate(x *data.Image) (*data.Image, error) {
	padded := t.gen.fit(x)
	if err := t.prepare(shape{padded.H, padded.W, x.Bits}); err != nil {
		return nil, err
	}
	y, err := t.translate(padded)
	if err != nil {
		return nil, err
	}
	if y, err = y.Crop(0, 0, x.W, x.H); err != nil {
		return nil, err
	}
	if x.C == 4 && y.C < 4 {
		y = withAlpha(y, x)
	}
	return y, nil
}

// translate runs what was prepared.
func (t *Translator) translate(x *data.Image) (*data.Image, error) {
	y := data.Format{C: t.gen.Out, Bits: x.Bits}.NewImage(x.W, x.H)
	if t.tiles != nil {
		t.tiles.progress = t.Progress
		return y, t.tiles.translate(t.gen, pixelsOf(x), pixelsOf(y))
	}
	s, err := t.program.Acquire()
	if err != nil {
		return nil, err
	}
	copy(s.Bytes(t.in), x.Pix)
	if err := t.program.Submit(s); err != nil {
		return nil, err
	}
	if err := t.program.Wait(s); err != nil {
		return nil, err
	}
	copy(y.Pix, s.Bytes(t.out))
	return y, nil
}

// prepare builds the program for a padded picture, or plans its tiles.
func (t *Translator) prepare(s shape) error {
	if t.shape == s {
		return nil
	}
	t.freeProgram()
	t.program, t.tiles, t.shape = nil, nil, shape{}
	p := t.dev.NewProgram(fmt.Sprintf("translate %dx%d", s.w, s.h))
	t.in = p.Host("picture", kernels.PixelBytes(1, s.h, s.w, t.gen.In, s.bits))
	t.out = p.Host("translated", kernels.PixelBytes(1, s.h, s.w, t.gen.Out, s.bits))
	x := t.gen.Params.Element.NewTensor(p, "picture", 1, s.h, s.w, t.gen.In)
	kernels.Upload(p, t.in.All(), s.bits, x)
	kernels.Quantise(p, t.gen.Forward(p, x, Pass{Eval: t.Eval}).Y, t.out.All(), s.bits)

	room := room(t.dev, t.MaxMemory)
	err := buildWithin(p, room)
	switch {
	case err == nil:
		t.program = p
	case tooLarge(err):
		if t.tiles, err = t.planTiles(s, room); err != nil {
			return err
		}
	default:
		return err
	}
	t.shape = s
	return nil
}

// room is the memory that is left of a device, or of so many bytes of it, where most is not 0.
func room(dev *vk.Device, most int) int {
	room := dev.Free()
	if most > 0 {
		used, _ := dev.Allocated()
		room = min(room, most-used)
	}
	return room
}

// buildWithin builds a program that needs no more memory than there is room for.
func buildWithin(p *vk.Program, room int) error {
	need, err := p.Plan()
	if err == nil && need > room {
		err = vk.ErrOutOfDeviceMemory
	}
	if err != nil {
		return err
	}
	return p.Build()
}

// tooLarge tells whether what was to be built needs more memory than there is.
func tooLarge(err error) bool {
	return errors.Is(err, vk.ErrTooLarge) || errors.Is(err, vk.ErrOutOfDeviceMemory)
}

// fit is a picture with the channels and in the size that the network takes.
func (n *Network) fit(x *data.Image) *data.Image {
	return padPicture(x.Convert(data.Format{C: n.In}), n.padded(x.W), n.padded(x.H))
}

// padded is the length of a picture's side that the network takes, n or a little more.
func (n *Network) padded(side int) int {
	return max(n.Least, (side+n.Multiple-1)/n.Multiple*n.Multiple)
}

// padPicture extends a picture to w x h at its right and bottom.
func padPicture(x *data.Image, w, h int) *data.Image {
	if w == x.W && h == x.H {
		return x
	}
	y, pixel := x.NewImage(w, h), len(x.Pix)/(x.W*x.H)
	for row := range h {
		from, to := x.Row(mirror(row, x.H)), y.Row(row)
		copy(to, from)
		for col := x.W; col < w; col++ {
			copy(to[col*pixel:], from[mirror(col, x.W)*pixel:][:pixel])
		}
	}
	return y
}

// minMirrored is the shortest side that is padded by reflection.
const minMirrored = 8

// mirror maps a coordinate of the padded picture to the original's: by reflection to and fro, in which the edges are not
// repeated, or to the edge where the side is short.
func mirror(i, size int) int {
	if size < minMirrored {
		return min(i, size-1)
	}
	period := 2 * (size - 1)
	return min(i%period, period-i%period)
}

// withAlpha is y with the alpha of x, a picture of the same size and depth.
func withAlpha(y, x *data.Image) *data.Image {
	y = y.Convert(data.Format{C: 4})
	sample := x.Bits / 8
	for at := 3 * sample; at < len(y.Pix); at += 4 * sample {
		copy(y.Pix[at:at+sample], x.Pix[at:])
	}
	return y
}
