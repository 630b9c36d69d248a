// Translation: one generator, pictures of any size.

package cyclegan

import (
	"fmt"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Translator runs one generator of a checkpoint.
type Translator struct {
	dev   *vk.Device
	gen   *Network
	arena *vk.Arena

	// Eval normalises batch norm by the running statistics, as the official test.py does with --eval. By default each picture has
	// its own, as there. Dropout is never applied. It is read when a picture of another size than the last one comes.
	Eval bool

	// The program for the size of the last picture: folders mostly hold one size.
	h, w    int
	program *vk.Program
	in, out *vk.Mem
}

// NewTranslator loads the generator of a direction, "AtoB" or "BtoA", from a checkpoint.
func NewTranslator(dev *vk.Device, c *Checkpoint, direction string) (*Translator, error) {
	name, err := generatorOf(direction)
	if err != nil {
		return nil, err
	}
	spec, err := c.Config.GeneratorSpec(name)
	if err != nil {
		return nil, err
	}
	t := &Translator{dev: dev, gen: NewGenerator(name, spec)}
	t.arena = dev.NewArena(name + " weights")
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

// generatorOf is the name of the generator that translates in a direction.
func generatorOf(direction string) (string, error) {
	name, ok := map[string]string{"AtoB": "G_A", "BtoA": "G_B"}[direction]
	if !ok {
		return "", fmt.Errorf("--direction %q: use AtoB or BtoA", direction)
	}
	return name, nil
}

// Close frees the translator.
func (t *Translator) Close() {
	if t.program != nil {
		t.program.Free()
	}
	t.arena.Free()
}

// Translate returns the translated picture in the size of the original. The generator needs sides that are multiples of some
// number, see [GeneratorSpec.Sizes]: the picture is padded at its right and bottom, by reflection, or by repeating the edge
// where a side is shorter than minMirrored, and cropped back.
func (t *Translator) Translate(x *data.Image) (*data.Image, error) {
	padded := t.gen.padded(x)
	if err := t.prepare(padded.H, padded.W); err != nil {
		return nil, err
	}
	s, err := t.program.Acquire()
	if err != nil {
		return nil, err
	}
	copy(s.Bytes(t.in), padded.Pix)
	if err := t.program.Submit(s); err != nil {
		return nil, err
	}
	if err := t.program.Wait(s); err != nil {
		return nil, err
	}
	return cropPicture(s.Bytes(t.out), padded.W, x), nil
}

// prepare builds the program for a padded size.
func (t *Translator) prepare(h, w int) error {
	if t.program != nil && t.h == h && t.w == w {
		return nil
	}
	if t.program != nil {
		t.program.Free()
		t.program = nil
	}
	p := t.dev.NewProgram(fmt.Sprintf("translate %dx%d", w, h))
	in, out := p.Host("picture", kernels.PixelBytes(1, h, w, 3)), p.Host("translated", kernels.PixelBytes(1, h, w, 3))
	x := kernels.NewTensor(p, "picture", 1, h, w, t.gen.In)
	kernels.Upload(p, in.All(), x)
	kernels.Quantise(p, t.gen.Forward(p, x, Pass{Eval: t.Eval}).Y, out.All())
	if err := p.Build(); err != nil {
		return err
	}
	t.program, t.h, t.w, t.in, t.out = p, h, w, in, out
	return nil
}

// padded is a picture in the next size that the network takes.
func (n *Network) padded(x *data.Image) *data.Image {
	side := func(of int) int { return max(n.Least, (of+n.Multiple-1)/n.Multiple*n.Multiple) }
	return padPicture(x, side(x.W), side(x.H))
}

// cropPicture is the part of a padded picture that is x's.
func cropPicture(padded []uint8, width int, x *data.Image) *data.Image {
	y := &data.Image{W: x.W, H: x.H, Pix: make([]uint8, 0, len(x.Pix))}
	for row := range x.H {
		y.Pix = append(y.Pix, padded[row*width*3:][:x.W*3]...)
	}
	return y
}

// padPicture extends a picture to w x h at its right and bottom.
func padPicture(x *data.Image, w, h int) *data.Image {
	if w == x.W && h == x.H {
		return x
	}
	y := &data.Image{W: w, H: h, Pix: make([]uint8, 0, w*h*3)}
	for row := range h {
		line := x.Pix[mirror(row, x.H)*x.W*3:]
		for col := range w {
			at := 3 * mirror(col, x.W)
			y.Pix = append(y.Pix, line[at:at+3]...)
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
