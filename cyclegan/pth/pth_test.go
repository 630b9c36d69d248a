// Files of PyTorch's own and the round trip through this package.

package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"cyclevk/cyclegan/safetensors"
)

func readerAt(raw []byte) io.ReaderAt { return bytes.NewReader(raw) }

func decode(raw []byte) (*File, error) { return Decode(readerAt(raw), int64(len(raw))) }

func encode(t testing.TB, tensors []safetensors.Tensor) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Encode(&out, tensors); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// someTensors are of every type that is read, of random bits.
func someTensors(r *rand.Rand) (out []safetensors.Tensor) {
	for dtype, size := range itemSizes {
		for i, shape := range [][]int{{}, {1}, {3, 2, 4, 4}} {
			n := size
			for _, d := range shape {
				n *= d
			}
			raw := make([]byte, 0, n+8)
			for len(raw) < n {
				raw = binary.LittleEndian.AppendUint64(raw, r.Uint64())
			}
			out = append(out, safetensors.Tensor{Name: fmt.Sprintf("model.%d.%s", i, dtype), DType: dtype, Shape: shape, Data: raw[:n]})
		}
	}
	return out
}

func sameTensors(t *testing.T, got, want []safetensors.Tensor) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d tensors, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.Name != w.Name || g.DType != w.DType || !slices.Equal(g.Shape, w.Shape) || !bytes.Equal(g.Data, w.Data) {
			t.Errorf("tensor %d is %s %s %v of %d bytes, want %s %s %v", i, g.Name, g.DType, g.Shape, len(g.Data), w.Name, w.DType, w.Shape)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	want := someTensors(rand.New(rand.NewPCG(1, 2)))
	raw := encode(t, want)
	if !bytes.Equal(raw, encode(t, want)) {
		t.Error("the same tensors gave other bytes")
	}
	f, err := decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	sameTensors(t, f.Tensors, want)
}

// What torch.load and Python's zipfile need: values at multiples of 64 bytes.
func TestWrittenValuesAreAligned(t *testing.T) {
	raw := encode(t, someTensors(rand.New(rand.NewPCG(1, 2))))
	a, err := openArchive(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range a.files {
		if e.data%dataAlign != 0 || e.method != methodStored {
			t.Errorf("%s begins at byte %d, method %d", name, e.data, e.method)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	four := make([]byte, 4)
	for name, tensors := range map[string][]safetensors.Tensor{
		"twice":        {{Name: "a", DType: "F32", Shape: []int{1}, Data: four}, {Name: "a", DType: "F32", Shape: []int{1}, Data: four}},
		"unknown type": {{Name: "a", DType: "U64", Shape: []int{1}, Data: four}},
		"wrong size":   {{Name: "a", DType: "F32", Shape: []int{2}, Data: four}},
	} {
		if err := Encode(&bytes.Buffer{}, tensors); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

// The files of the project's test data: PyTorch's legacy form by PyTorch 0.4, one set of them with a wrapper and NumPy arrays.
func TestRealLegacyFiles(t *testing.T) {
	root := os.Getenv("CYCLEVK_TEST_DATA")
	if root == "" {
		t.Skip("CYCLEVK_TEST_DATA is not set")
	}
	for file, want := range map[string]struct {
		tensors, ignored int
		last             string
		shape            []int
	}{
		"emoji_cyclegan_legacy_pickle/D_X.pkl":    {16, 0, "conv4.0.weight", []int{1, 128, 4, 4}},
		"emoji_cyclegan_legacy_pickle/G_XtoY.pkl": {21, 0, "deconv2.0.weight", []int{32, 3, 4, 4}},
		"emoji_golden_npy/cycle_generator.pt":     {21, 2, "deconv2.0.weight", []int{32, 3, 4, 4}},
		"emoji_golden_npy/dc_discriminator.pt":    {16, 2, "conv4.0.weight", []int{1, 128, 4, 4}},
	} {
		f, err := Read(filepath.Join(root, "weights", file))
		if err != nil {
			t.Error(err)
			continue
		}
		last := f.Tensors[len(f.Tensors)-1]
		if len(f.Tensors) != want.tensors || len(f.Ignored) != want.ignored || last.Name != want.last || !slices.Equal(last.Shape, want.shape) {
			t.Errorf("%s: %d tensors, %d ignored, the last is %s %v", file, len(f.Tensors), len(f.Ignored), last.Name, last.Shape)
		}
	}
}

// largeFile writes a zip checkpoint of 8 tensors of 10 MiB, in rows or, as channels_last leaves them, in columns.
func largeFile(t *testing.T, stride []int) (path string, size int) {
	t.Helper()
	const n = 10 << 18
	var items []any
	files := []file{{"x/data.pkl", nil, 0}}
	for i := range 8 {
		key := strconv.Itoa(i)
		items = append(items, key, tensorOf(storageID("FloatStorage", key, "cpu", n), 0, []int{n / 1024, 1024}, stride))
		files = append(files, file{"x/data/" + key, make([]byte, 4*n), 0})
	}
	files[0].data = pickle(stateDict(items...))
	path = filepath.Join(t.TempDir(), "large.pth")
	raw := archiveOf(t, files...)
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return path, len(raw)
}

// Reading allocates at most the file's size and 64 MiB, whether or not what was allocated is freed on the way.
func TestMemoryOfReading(t *testing.T) {
	for name, stride := range map[string][]int{"contiguous": {1024, 1}, "transposed": {1, 10 << 18 / 1024}} {
		path, size := largeFile(t, stride)
		var f *File
		allocated := allocates(func() {
			var err error
			if f, err = Read(path); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.1f MiB allocated for a file of %.1f MiB", name, float64(allocated)/(1<<20), float64(size)/(1<<20))
		if len(f.Tensors) != 8 || allocated > size+64<<20 {
			t.Errorf("%s: %d tensors, %d bytes allocated for a file of %d", name, len(f.Tensors), allocated, size)
		}
	}
}

// Writing copies no tensor.
func TestMemoryOfWriting(t *testing.T) {
	var tensors []safetensors.Tensor
	values := make([]float32, 4<<20)
	for i := range 4 {
		tensors = append(tensors, safetensors.Tensor{Name: strconv.Itoa(i), DType: "F32", Shape: []int{4 << 20}, Values: values})
	}
	if n := allocates(func() { _ = Encode(io.Discard, tensors) }); n > 2<<20 {
		t.Errorf("%d bytes allocated to write %d", n, 16*len(values))
	}
}

// Tensors that share a storage, or lie in it in another order, have the values that PyTorch gives them.
func TestViews(t *testing.T) {
	for name, c := range map[string]struct {
		offset        int
		shape, stride []int
		want          []float32
	}{
		"whole":      {0, []int{2, 2}, []int{2, 1}, []float32{1, 2, 3, 4}},
		"transposed": {0, []int{2, 2}, []int{1, 2}, []float32{1, 3, 2, 4}},
		"a column":   {1, []int{2}, []int{2}, []float32{2, 4}},
		"the end":    {2, []int{2}, []int{1}, []float32{3, 4}},
		"a scalar":   {3, nil, nil, []float32{4}},
		"ones":       {1, []int{1, 2, 1}, []int{7, 1, 9}, []float32{2, 3}},
	} {
		object := stateDict("a", tensor(4, 0, []int{4}, []int{1}), "w", tensor(4, c.offset, c.shape, c.stride))
		for form, raw := range map[string][]byte{"zip": zipped(t, pickle(object)), "legacy": legacy(object)} {
			f, err := decode(raw)
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			got, err := f.Tensors[1].Float32s()
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: %v, %v, want %v", name, form, got, err, c.want)
			}
		}
	}
}

// A legacy storage can be a part of another one.
func TestLegacyPartOfAStorage(t *testing.T) {
	part := asm{}.add('(', "storage", global("torch", "FloatStorage"), "0", "cpu", 4, ints(9, 1, 2), 't', 'Q')
	f, err := decode(legacy(stateDict("w", tensorOf(part, 1, []int{1}, []int{1}))))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := f.Tensors[0].Float32s(); err != nil || !slices.Equal(v, []float32{3}) {
		t.Errorf("%v, %v", v, err)
	}
}

// What honest files have beside a flat dict of tensors.
func TestForms(t *testing.T) {
	w := tensor(4, 0, []int{4}, []int{1})
	ordered := asm{}.add(global("collections", "OrderedDict"), ')', 'R')
	python2 := asm{}.add(global("collections", "OrderedDict"), ']', '(', ']', '(', byte(opShortBinString), byte(1), []byte("w"), w, 'e', 'e', byte(opTuple1), 'R')
	metadata := stateDict("_metadata", ordered)
	for name, c := range map[string]struct {
		object asm
		want   string
	}{
		"dict":              {stateDict("w", w), "w"},
		"OrderedDict":       {ordered.add('(', "w", w, 'u', metadata, 'b'), "w"},
		"OrderedDict, py 2": {python2, "w"},
		"Parameter":         {stateDict("w", asm{}.add(global("torch._utils", "_rebuild_parameter"), '(', w, byte(opNewTrue), ordered, 't', 'R')), "w"},
		"state_dict":        {stateDict("epoch", 3, "state_dict", stateDict("w", w)), "w"},
		"model":             {stateDict("model", stateDict("w", w), "lr", asm{}.add(byte(opBinFloat), make([]byte, 8))), "w"},
		"nested":            {stateDict("G_A", stateDict("w", w)), "G_A.w"},
		"numbers as keys":   {stateDict("state", stateDict(0, stateDict("m", w))), "state.0.m"},
		"memo":              {stateDict("k", asm{}.add(w, 'q', byte(5)), "w", asm{}.add('h', byte(5))), "k"},
	} {
		for form, raw := range map[string][]byte{"zip": zipped(t, pickle(c.object)), "legacy": legacy(c.object)} {
			f, err := decode(raw)
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
			} else if f.Tensors[0].Name != c.want {
				t.Errorf("%s, %s: %s, want %s", name, form, f.Tensors[0].Name, c.want)
			}
		}
	}
}

// Archives may be compressed, by Python's zipfile for one, and begin with any folder or none.
func TestOtherArchives(t *testing.T) {
	for name, raw := range map[string][]byte{
		"compressed": archiveOf(t, file{"archive/data.pkl", pickle(oneTensor), 8}, file{"archive/data/0", fourValues(), 8}, file{"archive/byteorder", []byte("little"), 8}),
		"no folder":  archiveOf(t, file{"data.pkl", pickle(oneTensor), 0}, file{"data/0", fourValues(), 0}),
	} {
		if f, err := decode(raw); err != nil || !bytes.Equal(f.Tensors[0].Data, fourValues()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
