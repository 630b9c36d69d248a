// The unpaired data set of the official code: sample i of an epoch is the i-th of A's
// pictures in that epoch's order and any of B's, each cropped and flipped by itself.

package data

import (
	"crypto/sha256"
	"fmt"
	"image"
	"path/filepath"
	"slices"
	"sync"
)

// Unpaired is a data set of two folders of pictures. Its methods may be called by
// several goroutines.
type Unpaired struct {
	options Options
	a, b    *domain
	free    chan *Batch // recycled

	mu    sync.Mutex
	epoch int   // of order
	order []int // of the samples, while not serial
}

// Batch is N samples of each domain, all of one size, N*H*W*3 bytes (NHWC).
type Batch struct {
	A, B           []uint8
	N, H, W        int
	PathsA, PathsB []string
	Epoch          int
	First          int // index in the epoch of the first sample
}

// OpenUnpaired lists the folders PhaseA and PhaseB under Root and reads the header of
// every picture. It fails, naming the folder or the file, where a folder is missing or
// empty, where more than 1 % of a folder's pictures cannot be read, or where a picture
// does not suit the options; fewer bad pictures are skipped (see Skipped).
func OpenUnpaired(o Options) (*Unpaired, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	nameA, nameB := o.Phase+"A", o.Phase+"B"
	if o.Direction == "BtoA" {
		nameA, nameB = nameB, nameA
	}
	a, err := openDomain(filepath.Join(o.Root, nameA), o.MaxDatasetSize, o.NumThreads)
	if err != nil {
		return nil, err
	}
	b, err := openDomain(filepath.Join(o.Root, nameB), o.MaxDatasetSize, o.NumThreads)
	if err != nil {
		return nil, err
	}
	u := &Unpaired{options: o, a: a, b: b, free: make(chan *Batch, 8), epoch: -1}
	for _, d := range []*domain{a, b} {
		for _, p := range d.pictures {
			if _, _, err := o.sample(p.w, p.h); err != nil {
				return nil, badPicture(p.path, err)
			}
		}
	}
	return u, nil
}

// Len returns the samples of an epoch: the larger of SizeA and SizeB.
func (u *Unpaired) Len() int { return max(u.SizeA(), u.SizeB()) }

// SizeA returns the number of usable pictures of domain A.
func (u *Unpaired) SizeA() int { return len(u.a.pictures) }

// SizeB returns the number of usable pictures of domain B.
func (u *Unpaired) SizeB() int { return len(u.b.pictures) }

// Skipped returns one reason, naming the file, for each picture left out so far.
func (u *Unpaired) Skipped() []error { return append(u.a.skipped(), u.b.skipped()...) }

// Animated returns the paths of the animated pictures, of which only the first frame is used.
func (u *Unpaired) Animated() []string { return slices.Concat(u.a.animated, u.b.animated) }

// Fingerprint is a hash of the names (below Root's folders) and sizes of all pictures,
// so that a resumed training can tell that its data set is another one.
func (u *Unpaired) Fingerprint() string {
	h := sha256.New()
	for _, d := range []*domain{u.a, u.b} {
		for _, p := range d.pictures {
			name, err := filepath.Rel(d.folder, p.path)
			if err != nil {
				name = p.path // cannot happen: every path was joined to the folder
			}
			fmt.Fprintf(h, "%q %d %d\n", filepath.ToSlash(name), p.w, p.h)
		}
		fmt.Fprintln(h)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Sample decodes sample i of an epoch by itself: a batch of one.
func (u *Unpaired) Sample(epoch, i int) (*Batch, error) {
	if i < 0 || i >= u.Len() {
		return nil, fmt.Errorf("data: sample %d is not in [0, %d)", i, u.Len())
	}
	if err := u.checkSizes(1); err != nil {
		return nil, err
	}
	order := u.epochOrder(epoch)
	b := u.newBatch(epoch, i, 1, order)
	if err := u.settle(b, u.fill(b, 0, order, new(resizer))); err != nil {
		return nil, err
	}
	return b, nil
}

// epochOrder returns the order of an epoch's samples; nil when serial.
func (u *Unpaired) epochOrder(epoch int) []int {
	if u.options.SerialBatches {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.epoch != epoch {
		u.epoch, u.order = epoch, permutation(u.options.Seed, epoch, u.Len())
	}
	return u.order
}

// pick returns the indices of the two pictures of sample i.
func (u *Unpaired) pick(epoch, i int, order []int) (a, b int) {
	if order == nil {
		return i % u.SizeA(), i % u.SizeB()
	}
	return order[i] % u.SizeA(), random(u.options.Seed, epoch, i, partner, u.SizeB())
}

// checkSizes refuses, naming two pictures, what cannot make batches of one size.
func (u *Unpaired) checkSizes(batch int) error {
	if u.options.crops() {
		return nil
	}
	equal := func(p, q picture) error {
		pw, ph := u.options.scaled(p.w, p.h)
		qw, qh := u.options.scaled(q.w, q.h)
		if pw == qw && ph == qh {
			return nil
		}
		return fmt.Errorf("data: with preprocess %s picture %q is %dx%d and %q is %dx%d, and a batch has one size: use preprocess resize_and_crop",
			u.options.Preprocess, p.path, pw, ph, q.path, qw, qh)
	}
	if batch == 1 && u.options.SerialBatches { // the pairs are known
		for i := range u.Len() {
			a, b := u.pick(0, i, nil)
			if err := equal(u.a.pictures[a], u.b.pictures[b]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, d := range []*domain{u.a, u.b} {
		for _, p := range d.pictures {
			if err := equal(u.a.pictures[0], p); err != nil {
				return err
			}
		}
	}
	return nil
}

// newBatch returns an empty batch of n samples from the first on, recycled if possible.
func (u *Unpaired) newBatch(epoch, first, n int, order []int) *Batch {
	var b *Batch
	select {
	case b = <-u.free:
	default:
		b = new(Batch)
	}
	k, _ := u.pick(epoch, first, order)
	p := u.a.pictures[k]
	b.W, b.H = u.options.scaled(p.w, p.h)
	if u.options.crops() {
		b.W, b.H = u.options.CropSize, u.options.CropSize
	}
	b.N, b.Epoch, b.First = n, epoch, first
	b.A, b.B = slices.Grow(b.A[:0], b.bytes())[:b.bytes()], slices.Grow(b.B[:0], b.bytes())[:b.bytes()]
	b.PathsA, b.PathsB = make([]string, n), make([]string, n)
	return b
}

// bytes is the length of A and of B.
func (b *Batch) bytes() int { return b.N * b.H * b.W * 3 }

// Recycle gives a batch's memory back for later batches; the caller keeps no reference
// to it. Calling it is optional.
func (u *Unpaired) Recycle(b *Batch) {
	select {
	case u.free <- b:
	default: // enough are waiting
	}
}

// damage is a picture whose header was good and whose pixels were not.
type damage struct {
	domain *domain
	path   string
	err    error
}

// fill decodes both pictures of one sample into its slot, and returns the damaged ones
// that it passed over.
func (u *Unpaired) fill(b *Batch, slot int, order []int, r *resizer) []damage {
	i := b.First + slot
	ka, kb := u.pick(b.Epoch, i, order)
	size := b.H * b.W * 3
	var damagedA, damagedB []damage
	b.PathsA[slot], damagedA = u.load(b.A[slot*size:][:size], b, i, u.a, ka, [...]purpose{cropXA, cropYA, flipA}, r)
	b.PathsB[slot], damagedB = u.load(b.B[slot*size:][:size], b, i, u.b, kb, [...]purpose{cropXB, cropYB, flipB}, r)
	return append(damagedA, damagedB...)
}

// load writes picture k of a domain into dst as sample i. In the place of a damaged
// picture it takes the next one of the same size, until so many are damaged that
// training has to stop anyway; the path is then empty.
func (u *Unpaired) load(dst []uint8, b *Batch, i int, d *domain, k int, p [3]purpose, r *resizer) (string, []damage) {
	var damaged []damage
	o := &u.options
	wantW, wantH := o.scaled(d.pictures[k].w, d.pictures[k].h)
	for t := range d.pictures {
		pic := d.pictures[(k+t)%len(d.pictures)]
		w, h := o.scaled(pic.w, pic.h)
		if !o.crops() && (w != wantW || h != wantH) {
			continue
		}
		m, err := Decode(pic.path)
		if err == nil && (m.W != pic.w || m.H != pic.h) {
			err = badPicture(pic.path, fmt.Errorf("it was %dx%d and is now %dx%d: do not change pictures during training", pic.w, pic.h, m.W, m.H))
		}
		if err != nil {
			damaged = append(damaged, damage{d, pic.path, err})
			if d.tooMany(len(damaged)) {
				break
			}
			continue
		}
		x := random(o.Seed, b.Epoch, i, p[0], w-b.W+1)
		y := random(o.Seed, b.Epoch, i, p[1], h-b.H+1)
		r.window(dst, m, w, h, image.Rect(x, y, x+b.W, y+b.H))
		if !o.NoFlip && random(o.Seed, b.Epoch, i, p[2], 2) == 1 {
			flipRows(dst, b.W)
		}
		return pic.path, damaged
	}
	return "", damaged
}

// settle counts the damaged pictures of a batch, and returns an error once they are too
// many or left a sample empty. It runs in the order of the batches, whatever the order
// in which workers met the damage.
func (u *Unpaired) settle(b *Batch, damaged []damage) error {
	for _, d := range damaged {
		if err := d.domain.report(d.path, d.err); err != nil {
			return err
		}
	}
	if slices.Contains(b.PathsA, "") || slices.Contains(b.PathsB, "") {
		return damaged[len(damaged)-1].err
	}
	return nil
}
