// Batches: the samples that a set's index names, decoded, scaled, cropped and flipped.

package data

import (
	"fmt"
	"image"
	"slices"
)

// Batch is N samples of each domain, all of one size: [N,H,W,CA] and [N,H,W,CB], of 8 bits or,
// little-endian, of 16.
type Batch struct {
	A, B           []uint8
	N, H, W        int
	CA, CB         int // channels
	Bits           int
	PathsA, PathsB []string
	Epoch          int
	First          int // index in the epoch of the first sample
}

// Sample decodes sample i of an epoch by itself: a batch of one.
func (s *Set) Sample(epoch, i int) (*Batch, error) {
	if i < 0 || i >= s.Len() {
		return nil, fmt.Errorf("data: sample %d is not in [0, %d)", i, s.Len())
	}
	if err := s.checkSizes(1); err != nil {
		return nil, err
	}
	order := s.epochOrder(epoch)
	b := s.newBatch(epoch, i, 1, order)
	if err := s.settle(b, s.fill(b, 0, order, new(worker))); err != nil {
		return nil, err
	}
	return b, nil
}

// newBatch returns an empty batch of n samples from the first on, recycled if possible.
func (s *Set) newBatch(epoch, first, n int, order []int) *Batch {
	var b *Batch
	select {
	case b = <-s.free:
	default:
		b = new(Batch)
	}
	k, _ := s.pick(epoch, first, order)
	b.W, b.H = s.a.scaled(s.a.pictures[k], &s.options)
	if s.options.crops() {
		b.W, b.H = s.options.CropSize, s.options.CropSize
	}
	b.N, b.Epoch, b.First, b.Bits = n, epoch, first, s.options.Bits
	prepare := func(d *side, pix []uint8) ([]uint8, []string, int) {
		size := n * b.H * b.W * d.format.bytes()
		return slices.Grow(pix[:0], size)[:size], make([]string, n), d.format.C
	}
	b.A, b.PathsA, b.CA = prepare(s.a, b.A)
	b.B, b.PathsB, b.CB = prepare(s.b, b.B)
	return b
}

// Recycle gives a batch's memory back for later batches; the caller keeps no reference
// to it. Calling it is optional.
func (s *Set) Recycle(b *Batch) {
	select {
	case s.free <- b:
	default: // enough are waiting
	}
}

// worker is what decoding keeps between samples. It is not safe for concurrent use.
type worker struct {
	resizer
	path    string
	picture *Image // the last one, which may hold the other domain's sample too
}

// damage is a picture whose header was good and whose pixels were not.
type damage struct {
	folder *folder
	path   string
	err    error
}

// fill decodes the pictures of one sample into its slot, and returns the damaged ones
// that it passed over.
func (s *Set) fill(b *Batch, slot int, order []int, w *worker) []damage {
	ka, kb := s.pick(b.Epoch, b.First+slot, order)
	var damagedA, damagedB []damage
	b.PathsA[slot], damagedA = s.load(b.A, b, slot, s.a, ka, w)
	b.PathsB[slot], damagedB = s.load(b.B, b, slot, s.b, kb, w)
	return append(damagedA, damagedB...)
}

// load writes picture k of a domain into its slot of pix. In the place of a damaged
// picture it takes the next one of the same size, until so many are damaged that
// training has to stop anyway; the path is then empty.
func (s *Set) load(pix []uint8, b *Batch, slot int, d *side, k int, wk *worker) (string, []damage) {
	var damaged []damage
	o := &s.options
	size := b.H * b.W * d.format.bytes()
	dst := pix[slot*size:][:size]
	draw := func(i, n int) int { return random(o.Seed, b.Epoch, b.First+slot, d.random[i], n) }
	wantW, wantH := d.scaled(d.pictures[k], o)
	for t := range d.pictures {
		pic := d.pictures[(k+t)%len(d.pictures)]
		w, h := d.scaled(pic, o)
		if !o.crops() && (w != wantW || h != wantH) {
			continue
		}
		m, err := wk.read(d, pic, o.Orientation)
		if err != nil {
			damaged = append(damaged, damage{d.folder, pic.path, err})
			if d.tooMany(len(damaged)) {
				break
			}
			continue
		}
		x, y := draw(0, w-b.W+1), draw(1, h-b.H+1)
		wk.window(dst, m, w, h, image.Rect(x, y, x+b.W, y+b.H))
		if !o.NoFlip && draw(2, 2) == 1 {
			flipRows(dst, b.W, d.format.bytes())
		}
		return pic.path, damaged
	}
	return "", damaged
}

// read decodes a side's part of a picture.
func (wk *worker) read(d *side, p picture, o Orientation) (*Image, error) {
	m := wk.picture
	if wk.path != p.path || m.Format != d.format {
		var err error
		if m, err = Decode(p.path, d.format, o); err != nil {
			return nil, err
		}
		if m.W != p.w || m.H != p.h {
			return nil, badPicture(p.path, fmt.Errorf("it was %dx%d and is now %dx%d: do not change pictures during training", p.w, p.h, m.W, m.H))
		}
	}
	wk.path, wk.picture = p.path, m
	return m.Part(d.part, d.parts)
}

// settle counts the damaged pictures of a batch, and returns an error once they are too
// many or left a sample empty. It runs in the order of the batches, whatever the order
// in which workers met the damage.
func (s *Set) settle(b *Batch, damaged []damage) error {
	for _, d := range damaged {
		if err := d.folder.report(d.path, d.err); err != nil {
			return err
		}
	}
	if slices.Contains(b.PathsA, "") || slices.Contains(b.PathsB, "") {
		return damaged[len(damaged)-1].err
	}
	return nil
}
