// Storages and the tensors that view them: the bounds, before anything is allocated, then the values.

package pth

import (
	"fmt"
	"io"
	"math"
	"slices"

	"cyclevk/cyclegan/safetensors"
)

// maxStorage is far above any storage, and small enough that no sum of offsets overflows.
const maxStorage = 1 << 40

// storage is one block of values in the file.
type storage struct {
	dtype string
	key   string
	size  int // values
}

func (s *storage) bytes() int { return s.size * itemSizes[s.dtype] }

// part is what a persistent id names: a storage, or some values in it.
type part struct {
	*storage
	from, n int
}

// view is a tensor: element i0, i1, … is the storage's value offset + i0 stride0 + i1 stride1 + …
type view struct {
	*storage
	offset        int
	shape, stride []int
}

// newView checks that a tensor lies within its storage and that no two of its elements share a value.
func newView(p *part, offset int, shape, stride []int) (*view, error) {
	v := &view{p.storage, p.from + offset, shape, stride}
	fail := func(format string, args ...any) (*view, error) {
		return nil, fmt.Errorf("a tensor of shape %v and strides %v from %d on in a storage of %d values: %s", shape, stride, offset, p.n, fmt.Sprintf(format, args...))
	}
	if len(shape) != len(stride) || len(shape) > maxDims {
		return fail("that are %d sizes and %d strides, at most %d are read", len(shape), len(stride), maxDims)
	}
	if slices.Contains(shape, 0) {
		return fail("it is empty: no weight has a dimension of 0")
	}
	if offset < 0 || offset >= p.n {
		return fail("it begins outside")
	}
	last := 0 // of its elements, from offset on
	for i, d := range shape {
		switch {
		case d < 0 || stride[i] < 0:
			return fail("a size or a stride is negative")
		case d > 1 && stride[i] > 0 && d-1 > (p.n-1-offset-last)/stride[i]:
			return fail("it ends outside")
		}
		last += (d - 1) * stride[i]
	}
	extent := 1
	for _, i := range v.byStride() {
		if shape[i] > 1 && stride[i] < extent {
			return fail("elements share values: save a .contiguous() copy")
		}
		if shape[i] > 1 {
			extent += (shape[i] - 1) * stride[i]
		}
	}
	return v, nil
}

// byStride are the dimensions, the smallest stride first.
func (v *view) byStride() []int {
	dims := make([]int, len(v.shape))
	for i := range dims {
		dims[i] = i
	}
	slices.SortStableFunc(dims, func(a, b int) int { return v.stride[a] - v.stride[b] })
	return dims
}

// len is the number of elements, which the storage bounds.
func (v *view) len() int {
	n := 1
	for _, d := range v.shape {
		n *= d
	}
	return n
}

// contiguous: row-major and without gaps.
func (v *view) contiguous() bool {
	n := 1
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] > 1 && v.stride[i] != n {
			return false
		}
		n *= v.shape[i]
	}
	return true
}

// in is the view's elements in row-major order: a part of its storage's bytes, or a copy.
func (v *view) in(raw []byte) []byte {
	size := itemSizes[v.dtype]
	if v.contiguous() {
		end := size * (v.offset + v.len())
		return raw[size*v.offset : end : end]
	}
	out := make([]byte, size*v.len())
	last := len(v.shape) - 1
	index, at := make([]int, len(v.shape)), v.offset
	for to := 0; to < len(out); {
		for i := range v.shape[last] {
			from := size * (at + i*v.stride[last])
			to += copy(out[to:], raw[from:from+size])
		}
		for d := last - 1; d >= 0; d-- {
			if index[d]++; index[d] < v.shape[d] {
				at += v.stride[d]
				break
			}
			at -= (v.shape[d] - 1) * v.stride[d]
			index[d] = 0
		}
	}
	return out
}

// content is where a file keeps its storages.
type content interface {
	// open returns exactly the bytes of a storage, and a check of what was read that is to be asked at the end.
	open(s *storage) (io.Reader, func() error, error)
}

// named is a tensor of the dict.
type named struct {
	name string
	*view
}

// load reads the storages that tensors view, each once, and makes the tensors of them.
func load(c content, tensors []named) ([]safetensors.Tensor, error) {
	out := make([]safetensors.Tensor, len(tensors))
	users := map[*storage][]int{}
	var order []*storage
	for i, t := range tensors {
		if users[t.storage] == nil {
			order = append(order, t.storage)
		}
		users[t.storage] = append(users[t.storage], i)
		out[i] = safetensors.Tensor{Name: t.name, DType: t.dtype, Shape: t.shape}
	}
	allowance := maxCopies
	var scratch []byte // for storages of which nothing is kept
	for _, s := range order {
		kept, copies := false, 0
		for _, i := range users[s] {
			if tensors[i].contiguous() {
				kept = true
			} else if copies += itemSizes[s.dtype] * tensors[i].len(); s.bytes() > maxView || copies > math.MaxInt32 {
				return nil, fmt.Errorf("tensor %q is a view with gaps or in another order of a storage of %d bytes, at most %d are copied: save a .contiguous() copy",
					tensors[i].name, s.bytes(), maxView)
			}
		}
		if !kept {
			allowance += s.bytes()
		}
		if allowance -= copies; allowance < 0 {
			return nil, fmt.Errorf("views of storage %q take %d bytes in copies, more than the file has: save .contiguous() copies", s.key, copies)
		}
		r, check, err := c.open(s)
		if err != nil {
			return nil, err
		}
		raw := scratch
		if kept {
			raw = make([]byte, s.bytes())
		} else if cap(raw) < s.bytes() {
			raw = make([]byte, s.bytes())
			scratch = raw
		}
		raw = raw[:s.bytes()]
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, fmt.Errorf("storage %q of %d bytes: %w", s.key, s.bytes(), errEnd)
		}
		if err := check(); err != nil {
			return nil, err
		}
		for _, i := range users[s] {
			out[i].Data = tensors[i].in(raw)
		}
	}
	return out, nil
}
