// Translation of pictures that the device cannot hold: a layer at a time, and each layer a tile at a time.
//
// Layers stay in the host's memory. A tile takes with it the pixels around it that the convolution reaches, and of its output
// only the part is kept that misses none; padding is that of the picture's border alone. A norm's statistics are taken over the
// whole picture before the next layer applies them. So every value is the one that the program for the whole picture computes,
// but for the rounding of the statistics, and no seam can show.

package cyclegan

import (
	"fmt"
	"runtime/debug"
	"slices"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// tiler runs a network in tiles: once as a rehearsal, which chooses the tiles and reckons up memory and work, and then in earnest.
type tiler struct {
	dev      *vk.Device
	budget   int                       // bytes of device memory and host buffers for the program of a tile
	eval     bool                      // as Pass has it
	progress func(share float64) error // may be nil; an error ends the translation

	rehearsal  bool
	sizes      []tileSize // of the passes in their order
	pass       int        // the next one
	live, peak int        // bytes of layers in host memory
	work, done float64
}

// rehearse returns the host memory that a network needs for a picture.
func (t *tiler) rehearse(n *Network, s shape) (bytes int, err error) {
	*t = tiler{dev: t.dev, budget: t.budget, eval: t.eval, rehearsal: true}
	defer func() { t.rehearsal = false }()
	err = t.translate(n, newPixels(s, n.In, nil), newPixels(s, n.Out, nil))
	return t.peak, err
}

// translate writes the translation of x to y.
func (t *tiler) translate(n *Network, x, y *pixels) error {
	f, err := t.forward(n, x)
	if err != nil {
		return err
	}
	defer t.drop(f)
	return t.settle(f, nil, y)
}

// forward runs a network over a picture that was rehearsed.
func (t *tiler) forward(n *Network, x *pixels) (*features, error) {
	t.pass, t.done = 0, 0
	y, err := t.run(n.body, x)
	if err != nil {
		return nil, err
	}
	return layerOf(y)
}

// layerOf is x where it is the output of a layer and nothing else.
func layerOf(x operand) (*features, error) {
	f, ok := x.(*features)
	if !ok {
		return nil, fmt.Errorf("a network with %T here cannot be run in tiles", x)
	}
	return f, nil
}

// run is y = m(x). It drops x.
func (t *tiler) run(m module, x operand) (operand, error) {
	switch m := m.(type) {
	case sequence:
		var err error
		for _, part := range m {
			if x, err = t.run(part, x); err != nil {
				return nil, err
			}
		}
		return x, nil
	case *layer:
		defer t.drop(x)
		return t.layer(m, x)
	case *residual:
		shortcut, err := layerOf(x)
		if err != nil {
			return nil, err
		}
		if err := t.settle(shortcut, nil, shortcut); err != nil {
			return nil, err
		}
		y, err := t.inner(append(slices.Clone(m.inner), m.last), shortcut)
		if err != nil {
			return nil, err
		}
		defer t.drop(shortcut)
		return y, t.settle(y, shortcut, y)
	case *skip:
		shortcut, err := layerOf(x)
		if err != nil {
			return nil, err
		}
		y, err := t.inner(m.inner, shortcut)
		return joined{shortcut, y}, err
	case dropout: // in training alone
		return x, nil
	case upsample:
		small, err := layerOf(x)
		return enlarged{small}, err
	}
	return nil, fmt.Errorf("%T cannot be run in tiles", m)
}

// inner is run for a part of a network whose input is needed again.
func (t *tiler) inner(m module, x *features) (*features, error) {
	x.shared++
	y, err := t.run(m, x)
	if err != nil {
		return nil, err
	}
	return layerOf(y)
}

// layer is y = conv(x), with the norm left to whoever reads y.
func (t *tiler) layer(l *layer, x operand) (*features, error) {
	h, w := x.size()
	r, ok := reachOf(l.conv)
	if !ok {
		return nil, fmt.Errorf("%T cannot be run in tiles", l.conv)
	}
	y, act, bias := t.keep(l.conv.OutSize(h), l.conv.OutSize(w), l.out), l.act, vk.Range{}
	if l.b != nil && !l.b.Inert {
		bias = l.b.in(l.params.Weights)
	}
	if l.norm {
		n := l.normalisation(&Tape{pass: Pass{Images: 1}})
		y.norm, y.affine, act = &n, l.affine(l.params.Weights), kernels.None
		if l.batch != nil && t.eval {
			y.running = l.batch.running.pairIn(l.params.Running)
		} else {
			y.moments = newMoments(l.out)
		}
	}
	err := t.tiles(tiling{
		name: l.w.Name, reach: r.grained(x.grain()), h: h, w: w,
		program: func(p *vk.Program, h, w int) (filler, drainer) {
			tile, fill := x.load(p, h, w)
			z := kernels.NewTensor(p, "z", 1, l.conv.OutSize(h), l.conv.OutSize(w), l.out)
			l.conv.Forward(p, tile, l.w.in(l.params.Weights), bias, z, act)
			return fill, y.store(p, z)
		},
	})
	if y.moments != nil {
		y.stats, y.moments = y.moments.stats(normEps), nil
	}
	return y, err
}

// settle writes what readers of x get, plus a residual where there is one, to y. y may be x, which then holds it as it is.
func (t *tiler) settle(x, plus *features, y result) error {
	if x.norm == nil && plus == nil && y == result(x) {
		return nil
	}
	err := t.tiles(tiling{
		name: "norm", reach: pointwise, h: x.h, w: x.w,
		program: func(p *vk.Program, h, w int) (filler, drainer) {
			tile, fill := x.load(p, h, w)
			if plus == nil {
				return fill, y.store(p, tile)
			}
			residual, fillResidual := plus.load(p, h, w)
			kernels.AddTo(p, residual, tile)
			return func(s vk.Slot, part rect) { fill(s, part); fillResidual(s, part) }, y.store(p, tile)
		},
	})
	if y == result(x) {
		x.norm = nil
	}
	return err
}

// keep makes room for a layer.
func (t *tiler) keep(h, w, c int) *features {
	y := &features{plane: plane{h: h, w: w, c: c, pixel: 4 * kernels.Stride(c)}}
	t.live += y.bytes()
	t.peak = max(t.peak, t.live)
	if !t.rehearsal {
		y.v = make([]byte, y.bytes())
	}
	return y
}

// drop gives up a reader's claim on layers, and their memory with the last.
func (t *tiler) drop(x operand) {
	for _, f := range x.layers() {
		if f.shared > 0 {
			f.shared--
			continue
		}
		t.live -= f.bytes()
		f.v = nil
		if !t.rehearsal {
			debug.FreeOSMemory() // what is garbage must not add to the next layer
		}
	}
}
