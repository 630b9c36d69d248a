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
	"testing"

	"cyclevk/cyclegan/safetensors"
)

func readerAt(raw []byte) io.ReaderAt { return bytes.NewReader(raw) }

func decode(raw []byte) (*File, error) { return Decode(readerAt(raw), int64(len(raw))) }

// sources are tensors as they are read, to be written.
func sources(tensors []safetensors.Tensor) []Source {
	var out []Source
	for _, t := range tensors {
		out = append(out, Source{t.Name, t.DType, t.Shape, func() []byte { return t.Data }})
	}
	return out
}

func encode(t testing.TB, tensors []safetensors.Tensor) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Encode(&out, sources(tensors)); err != nil {
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
	four := func() []byte { return make([]byte, 4) }
	for name, tensors := range map[string][]Source{
		"twice":        {{"a", "F32", []int{1}, four}, {"a", "F32", []int{1}, four}},
		"unknown type": {{"a", "U64", []int{1}, four}},
		"wrong size":   {{"a", "F32", []int{2}, four}},
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
