// Fuzz targets: whatever bytes a file has, reading it ends, without a panic, in tensors that fit their shapes or in an error.

package pth

import (
	"math/rand/v2"
	"testing"
)

// fuzzDecode is what every target holds a file against.
func fuzzDecode(t *testing.T, raw []byte) {
	f, err := decode(raw)
	if err != nil {
		return
	}
	for _, x := range f.Tensors {
		n := itemSizes[x.DType]
		for _, d := range x.Shape {
			n *= d
		}
		if len(x.Data) != n || n > len(raw)+maxInflate {
			t.Errorf("tensor %s %s %v has %d bytes in a file of %d", x.Name, x.DType, x.Shape, len(x.Data), len(raw))
		}
	}
}

// seeds adds the small files of the hostile table that pass the filter.
func seeds(f *testing.F, add func(raw []byte)) {
	for _, h := range hostileFiles(f) {
		if len(h.raw) < 4096 {
			add(h.raw)
		}
	}
}

func FuzzZip(f *testing.F) {
	f.Add(encode(f, someTensors(rand.New(rand.NewPCG(1, 2)))))
	seeds(f, func(raw []byte) {
		if isZip(raw) {
			f.Add(raw)
		}
	})
	f.Fuzz(fuzzDecode)
}

func FuzzLegacy(f *testing.F) {
	f.Add(legacy(oneTensor))
	seeds(f, func(raw []byte) {
		if isLegacy(raw) {
			f.Add(raw)
		}
	})
	f.Fuzz(fuzzDecode)
}

// FuzzPickle gets past an archive's checksums: the bytes are data.pkl in a whole archive.
func FuzzPickle(f *testing.F) {
	f.Add(pickle(oneTensor))
	f.Add(pickle(stateDict("state_dict", oneTensor, "epoch", 3)))
	seeds(f, func(raw []byte) {
		if !isZip(raw) {
			return
		}
		if a, err := openArchive(readerAt(raw), int64(len(raw))); err == nil {
			if p, err := a.small(a.files[a.prefix+"data.pkl"], maxPickle); err == nil {
				f.Add(p)
			}
		}
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		u := newUnpickler(raw)
		object, err := u.next()
		if err != nil {
			return
		}
		c, err := flatten(object)
		if err != nil {
			return
		}
		for _, x := range c.tensors {
			if n := x.len(); n < 1 || n > x.size {
				t.Errorf("tensor %s %v in a storage of %d values", x.name, x.shape, x.size)
			}
		}
	})
}
