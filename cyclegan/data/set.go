// The data sets of the official code. Unaligned: sample i of an epoch is the i-th of A's
// pictures in that epoch's order and any of B's, each cropped and flipped by itself.
// Aligned: each picture holds A and B side by side, which are cropped and flipped alike.

package data

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync"
)

// Set is a data set. Its methods may be called by several goroutines.
type Set struct {
	options Options
	a, b    *side
	free    chan *Batch // recycled

	mu    sync.Mutex
	epoch int   // of order
	order []int // of the samples, while not serial
}

// side is what a domain takes of a folder, which may be the other's too: the part with
// this number, from the left, of so many into which each picture is cut.
type side struct {
	*folder
	part, parts int
	format      Format
	random      [3]purpose // of the crop and the flip
}

// Open lists the pictures of a data set and reads the header of each. They lie in
// Root/PhaseA and Root/PhaseB, in an aligned set in Root/Phase. It fails, naming the folder
// or the file, where a folder is missing or empty, where more than 1 % of a folder's
// pictures cannot be read, or where a picture does not suit the options; fewer bad pictures
// are skipped (see Skipped).
func Open(o Options) (*Set, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Set{options: o, free: make(chan *Batch, 8), epoch: -1}
	s.a = &side{parts: 1, format: Format{o.ChannelsA, o.Bits}, random: [...]purpose{cropXA, cropYA, flipA}}
	s.b = &side{parts: 1, format: Format{o.ChannelsB, o.Bits}, random: [...]purpose{cropXB, cropYB, flipB}}
	first, second := s.a, s.b // of which the data set calls A and B
	if o.Direction == "BtoA" {
		first, second = second, first
	}
	var err error
	if o.Mode == "aligned" {
		if first.folder, err = openFolder(filepath.Join(o.Root, o.Phase), &o); err != nil {
			return nil, err
		}
		second.folder = first.folder
		first.parts, second.parts, second.part = 2, 2, 1
		s.b.random = s.a.random
	} else {
		if first.folder, err = openFolder(filepath.Join(o.Root, o.Phase+"A"), &o); err != nil {
			return nil, err
		}
		if second.folder, err = openFolder(filepath.Join(o.Root, o.Phase+"B"), &o); err != nil {
			return nil, err
		}
	}
	for _, d := range []*side{s.a, s.b} {
		for _, p := range d.pictures {
			if err := d.suits(p, &o); err != nil {
				return nil, badPicture(p.path, err)
			}
		}
	}
	return s, nil
}

// suits refuses a picture that cannot become a sample.
func (d *side) suits(p picture, o *Options) error {
	if p.w%d.parts != 0 {
		return fmt.Errorf("%dx%d does not hold A and B side by side: its width must be even", p.w, p.h)
	}
	_, _, err := o.sample(p.w/d.parts, p.h)
	return err
}

// scaled is the size of the side's part of a picture, scaled, before the crop.
func (d *side) scaled(p picture, o *Options) (w, h int) { return o.scaled(p.w/d.parts, p.h) }

// folders are the folders of A and B, or the one that they share.
func (s *Set) folders() []*folder {
	if s.a.folder == s.b.folder {
		return []*folder{s.a.folder}
	}
	return []*folder{s.a.folder, s.b.folder}
}

// Len returns the samples of an epoch: the larger of SizeA and SizeB.
func (s *Set) Len() int { return max(s.SizeA(), s.SizeB()) }

// SizeA returns the number of usable pictures of domain A.
func (s *Set) SizeA() int { return len(s.a.pictures) }

// SizeB returns the number of usable pictures of domain B.
func (s *Set) SizeB() int { return len(s.b.pictures) }

// Skipped returns one reason, naming the file, for each picture left out so far.
func (s *Set) Skipped() (reasons []error) {
	for _, f := range s.folders() {
		reasons = append(reasons, f.skipped()...)
	}
	return reasons
}

// Animated returns the paths of the animated pictures, of which only the first frame is used.
func (s *Set) Animated() (paths []string) {
	for _, f := range s.folders() {
		paths = append(paths, f.animated...)
	}
	return paths
}

// Fingerprint is a hash of the names (below the set's folders) and sizes of all pictures,
// so that a resumed training can tell that its data set is another one.
func (s *Set) Fingerprint() string {
	h := sha256.New()
	for _, f := range s.folders() {
		for _, p := range f.pictures {
			name, err := filepath.Rel(f.path, p.path)
			if err != nil {
				name = p.path // cannot happen: every path was joined to the folder
			}
			fmt.Fprintf(h, "%q %d %d\n", filepath.ToSlash(name), p.w, p.h)
		}
		fmt.Fprintln(h)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// SampleSize returns the size of all samples, or an error that names two pictures whose
// samples differ.
func (s *Set) SampleSize() (w, h int, err error) {
	if s.options.crops() {
		return s.options.CropSize, s.options.CropSize, nil
	}
	first := s.a.pictures[0]
	for _, d := range []*side{s.a, s.b} {
		for _, p := range d.pictures {
			if err := s.equal(s.a, first, d, p); err != nil {
				return 0, 0, err
			}
		}
	}
	w, h = s.a.scaled(first, &s.options)
	return w, h, nil
}

// equal refuses, by name, two pictures whose samples differ in size.
func (s *Set) equal(d *side, p picture, e *side, q picture) error {
	pw, ph := d.scaled(p, &s.options)
	qw, qh := e.scaled(q, &s.options)
	if pw == qw && ph == qh {
		return nil
	}
	return fmt.Errorf("data: with preprocess %s picture %q is %dx%d and %q is %dx%d, and a batch has one size: use preprocess resize_and_crop",
		s.options.Preprocess, p.path, pw, ph, q.path, qw, qh)
}

// checkSizes refuses, naming two pictures, what cannot make batches of one size.
func (s *Set) checkSizes(batch int) error {
	paired := s.options.SerialBatches || s.options.Mode == "aligned"
	if s.options.crops() || batch > 1 || !paired {
		_, _, err := s.SampleSize()
		return err
	}
	for i := range s.Len() { // the pairs are known
		a, b := s.pick(0, i, nil)
		if err := s.equal(s.a, s.a.pictures[a], s.b, s.b.pictures[b]); err != nil {
			return err
		}
	}
	return nil
}

// epochOrder returns the order of an epoch's samples; nil when serial.
func (s *Set) epochOrder(epoch int) []int {
	if s.options.SerialBatches {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		s.epoch, s.order = epoch, permutation(s.options.Seed, epoch, s.Len())
	}
	return s.order
}

// pick returns the indices of the two pictures of sample i.
func (s *Set) pick(epoch, i int, order []int) (a, b int) {
	k := i
	if order != nil {
		k = order[i]
	}
	if order == nil || s.options.Mode == "aligned" {
		return k % s.SizeA(), k % s.SizeB()
	}
	return k % s.SizeA(), random(s.options.Seed, epoch, i, partner, s.SizeB())
}
