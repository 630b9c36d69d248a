// A small assembler for pickles and archives, with which the tests build files that PyTorch would never write.

package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// asm is pickle instructions.
type asm []byte

func pickle(parts ...any) []byte { return asm{opProto, 2}.add(append(parts, byte(opStop))...) }

// add appends opcodes (byte), strings (as unicode), ints (as they are packed smallest), and asm or []byte as they are.
func (a asm) add(parts ...any) asm {
	p := pickler(a)
	for _, x := range parts {
		switch x := x.(type) {
		case byte:
			p = append(p, x)
		case rune: // an opcode written as a character
			p = append(p, byte(x))
		case string:
			p.string(x)
		case int:
			p.int(x)
		case asm:
			p = append(p, x...)
		case []byte:
			p = append(p, x...)
		}
	}
	return asm(p)
}

func global(module, name string) asm {
	var p pickler
	p.global(module, name)
	return asm(p)
}

func ints(v ...int) asm {
	var p pickler
	p.ints(v)
	return asm(p)
}

// storageID pushes a storage.
func storageID(class, key, location string, n int) asm {
	return asm{}.add('(', "storage", global("torch", class), key, location, n, 't', 'Q')
}

// tensor pushes a tensor of storage "0", of n values.
func tensor(n, offset int, shape, stride []int) asm {
	return tensorOf(storageID("FloatStorage", "0", "cpu", n), offset, shape, stride)
}

func tensorOf(storage asm, offset int, shape, stride []int) asm {
	return asm{}.add(global("torch._utils", "_rebuild_tensor_v2"), '(', storage, offset, ints(shape...), ints(stride...), byte(opNewFalse),
		global("collections", "OrderedDict"), ')', 'R', 't', 'R')
}

// stateDict is a dict of keys and values.
func stateDict(items ...any) asm { return asm{}.add('}', '(').add(items...).add('u') }

// oneTensor is a state dict with the tensor w of 4 values.
var oneTensor = stateDict("w", tensor(4, 0, []int{2, 2}, []int{2, 1}))

// file is an entry of an archive.
type file struct {
	name   string
	data   []byte
	method uint16
}

func archiveOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.method})
		if err == nil {
			_, err = e.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zipped is a zip checkpoint of a pickle and storage "0" with 4 values, and further entries.
func zipped(t testing.TB, pickle []byte, more ...file) []byte {
	return archiveOf(t, append([]file{{"x/data.pkl", pickle, 0}, {"x/data/0", fourValues(), 0}}, more...)...)
}

// fourValues are 1, 2, 3, 4.
func fourValues() (b []byte) {
	for i := range 4 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i+1)))
	}
	return b
}

// legacy is a legacy file of an object and storage "0" with 4 values.
func legacy(object asm) []byte {
	return legacyOf(byte(opNewTrue), object, asm{}.add(']', '(', "0", 'e'), binary.LittleEndian.AppendUint64(nil, 4), fourValues())
}

func legacyOf(littleEndian byte, object, keys asm, storages ...[]byte) []byte {
	out := append([]byte{opProto, 2}, legacyMagic...)
	out = append(out, pickle(legacyProtocol)...)
	out = append(out, pickle('}', '(', "protocol_version", legacyProtocol, "little_endian", littleEndian, 'u')...)
	out = append(out, pickle(object)...)
	out = append(out, pickle(keys)...)
	for _, s := range storages {
		out = append(out, s...)
	}
	return out
}

// patched replaces the first occurrence of old from a place on, counted from the end where negative.
func patched(raw []byte, old, new string, nth int) []byte {
	out := bytes.Clone(raw)
	at := -1
	for range nth {
		i := bytes.Index(out[at+1:], []byte(old))
		if i < 0 {
			return nil
		}
		at += 1 + i
	}
	copy(out[at:], new)
	return out
}
