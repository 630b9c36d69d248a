// Writing the zip form, as torch.save lays it out: stored entries, values at multiples of 64 bytes, a pickle of protocol 2.

package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"

	"cyclevk/cyclegan/safetensors"
)

// prefix is the folder that torch.save uses where it knows no file name.
const prefix = "archive/"

// dataAlign is where torch.save begins values.
const dataAlign = 64

// Encode writes a state dict, a piece at a time. The same tensors give the same bytes. torch.load(…, weights_only=True) reads it.
func Encode(w io.Writer, tensors []safetensors.Tensor) error {
	pickle, err := encodePickle(tensors)
	if err != nil {
		return err
	}
	z := &zipWriter{w: w}
	z.bytes(prefix+"data.pkl", pickle)
	z.bytes(prefix+"byteorder", []byte("little"))
	for i, t := range tensors {
		z.entry(prefix+"data/"+strconv.Itoa(i), t.Len(), t.Write)
	}
	z.bytes(prefix+"version", []byte("3\n"))
	return z.close()
}

// encodePickle is OrderedDict({name: _rebuild_tensor_v2(storage, 0, shape, stride, False, OrderedDict())}).
func encodePickle(tensors []safetensors.Tensor) ([]byte, error) {
	classes := map[string]name{}
	for class, dtype := range storageTypes {
		classes[dtype] = class
	}
	p := pickler{opProto, 2}
	p.global("collections", "OrderedDict")
	p = append(p, opEmptyTuple, opReduce, opMark)
	seen := map[string]bool{}
	for i, t := range tensors {
		class, ok := classes[t.DType]
		n := elements(t.Shape)
		if !ok || seen[t.Name] || t.Len() != n*itemSizes[t.DType] {
			return nil, fmt.Errorf("tensor %q, %s %v with %d bytes, is not valid or there twice", t.Name, t.DType, t.Shape, t.Len())
		}
		seen[t.Name] = true
		p.string(t.Name)
		p.global("torch._utils", "_rebuild_tensor_v2")
		p = append(p, opMark, opMark)
		p.string("storage")
		p.global("torch", string(class[len("torch."):]))
		p.string(strconv.Itoa(i))
		p.string("cpu")
		p.int(n)
		p = append(p, opTuple, opBinPersID)
		p.int(0)
		p.ints(t.Shape)
		p.ints(strides(t.Shape))
		p = append(p, opNewFalse)
		p.global("collections", "OrderedDict")
		p = append(p, opEmptyTuple, opReduce, opTuple, opReduce)
	}
	return append(p, opSetItems, opStop), nil
}

// elements is the number of values of a shape that is known to be sound.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// strides of a row-major tensor.
func strides(shape []int) []int {
	out, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		out[i] = n
		n *= shape[i]
	}
	return out
}

// pickler appends instructions.
type pickler []byte

func (p *pickler) global(module, name string) {
	*p = append(append(*p, opGlobal), module+"\n"+name+"\n"...)
}

func (p *pickler) string(s string) {
	*p = append(binary.LittleEndian.AppendUint32(append(*p, opBinUnicode), uint32(len(s))), s...)
}

func (p *pickler) int(n int) {
	switch {
	case n >= 0 && n < 1<<8:
		*p = append(*p, opBinInt1, byte(n))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		*p = binary.LittleEndian.AppendUint32(append(*p, opBinInt), uint32(n))
	default:
		*p = binary.LittleEndian.AppendUint64(append(*p, opLong1, 8), uint64(n))
	}
}

func (p *pickler) ints(v []int) {
	*p = append(*p, opMark)
	for _, n := range v {
		p.int(n)
	}
	*p = append(*p, opTuple)
}

// zipWriter writes entries one after another; the sizes follow the data, as in PyTorch's own files.
type zipWriter struct {
	w         io.Writer
	at        int64
	directory []byte
	count     int
	err       error
}

// Write counts and passes on.
func (z *zipWriter) Write(b []byte) (int, error) {
	if z.err == nil {
		_, z.err = z.w.Write(b)
	}
	z.at += int64(len(b))
	return len(b), z.err
}

func (z *zipWriter) bytes(name string, data []byte) {
	z.entry(name, len(data), func(w io.Writer) error { _, err := w.Write(data); return err })
}

// entry writes a file of so many bytes, which write makes.
func (z *zipWriter) entry(name string, size int, write func(io.Writer) error) {
	if z.err != nil {
		return
	}
	if z.at+int64(size)+1<<20 > math.MaxUint32 || z.count == math.MaxUint16 {
		z.err = fmt.Errorf("more than 4 GiB or %d tensors do not fit this form: write safetensors", math.MaxUint16-3)
		return
	}
	start := z.at
	// An extra field "FB" fills up to the alignment.
	fill := (dataAlign - int(z.at+localSize+int64(len(name))+4)%dataAlign) % dataAlign

	// Version, flags, method, time, date: the same in both headers.
	common := []byte{0, 0, flagDescriptor, 0x08, methodStored, 0, 0, 0, 0, 0}
	local := append([]byte("PK\x03\x04"), common...)
	local = append(local, make([]byte, 12)...) // checksum and sizes follow the data
	local = le.AppendUint16(local, uint16(len(name)))
	local = le.AppendUint16(local, uint16(4+fill))
	local = append(local, name+"FB"...)
	local = le.AppendUint16(local, uint16(fill))
	z.Write(append(local, bytes.Repeat([]byte("Z"), fill)...)) // errors are kept

	crc := crc32.NewIEEE()
	if err := write(io.MultiWriter(z, crc)); err != nil {
		z.err = err
	}
	sums := le.AppendUint32(nil, crc.Sum32())
	sums = le.AppendUint32(sums, uint32(size))
	sums = le.AppendUint32(sums, uint32(size))
	z.Write(append([]byte("PK\x07\x08"), sums...))

	central := append([]byte("PK\x01\x02\x00\x00"), common...)
	central = append(central, sums...)
	central = le.AppendUint16(central, uint16(len(name)))
	central = append(central, make([]byte, 12)...) // no extra field, comment, disk, attributes
	central = le.AppendUint32(central, uint32(start))
	z.directory = append(append(z.directory, central...), name...)
	z.count++
}

func (z *zipWriter) close() error {
	start := z.at
	z.Write(z.directory)
	end := append([]byte("PK\x05\x06"), 0, 0, 0, 0)
	end = le.AppendUint16(end, uint16(z.count))
	end = le.AppendUint16(end, uint16(z.count))
	end = le.AppendUint32(end, uint32(len(z.directory)))
	end = le.AppendUint32(end, uint32(start))
	z.Write(append(end, 0, 0))
	return z.err
}
