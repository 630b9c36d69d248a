// The format: round trips, files that lie, and a fuzz target.

package safetensors

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	want := []Tensor{
		{Name: "b", DType: "F32", Shape: []int{2, 1}, Data: []byte{0, 0, 128, 63, 0, 0, 0, 192}},
		{Name: "a", DType: "U8", Shape: []int{3}, Data: []byte{1, 2, 255}},
		{Name: "empty", DType: "F64", Shape: []int{0, 7}, Data: []byte{}},
		{Name: "scalar", DType: "I32", Shape: []int{}, Data: []byte{254, 255, 255, 255}},
	}
	meta := map[string]string{"format": "test", "odd \"key\"": "ü\n"}
	if err := Write(path, want, meta); err != nil {
		t.Fatal(err)
	}
	got, gotMeta, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(meta, gotMeta); d != "" {
		t.Error(d)
	}
	for i, values := range [][]float64{{1, -2}, {1, 2, 255}, {}, {-2}} {
		v, err := got[i].Float64s()
		if err != nil || !cmp.Equal(v, values) {
			t.Errorf("%s: %v, %v", got[i].Name, v, err)
		}
	}
	if v, err := got[0].Float32s(); err != nil || !cmp.Equal(v, []float32{1, -2}) {
		t.Errorf("%s: %v, %v", got[0].Name, v, err)
	}
	if v, err := got[1].Float32s(); err == nil {
		t.Errorf("U8 read as float32: %v", v)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, list := range map[string][]Tensor{
		"length": {{Name: "x", DType: "F32", Shape: []int{2}, Data: make([]byte, 4)}},
		"type":   {{Name: "x", DType: "F33", Shape: []int{1}, Data: make([]byte, 4)}},
		"twice":  {{Name: "x", DType: "U8", Shape: []int{1}, Data: []byte{1}}, {Name: "x", DType: "U8", Shape: []int{1}, Data: []byte{1}}},
	} {
		path := filepath.Join(dir, name)
		if err := Write(path, list, nil); err == nil {
			t.Errorf("%s: written", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was left", name)
		}
	}
}

// file is a safetensors file with this header and that many bytes of data.
func file(header string, data int) []byte {
	raw := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(raw, header...), make([]byte, data)...)
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name, cause string
		raw         []byte
	}{
		{"empty file", "0 bytes", nil},
		{"header longer than the file", "a header of", binary.LittleEndian.AppendUint64(nil, 1<<40)},
		{"not JSON", "header", file("hello", 0)},
		{"a list", "not a JSON object", file("[]", 0)},
		{"text behind the header", "behind the JSON", file(`{} {}`, 0)},
		{"no shape", "without a shape", file(`{"x":{"dtype":"U8","data_offsets":[0,1]}}`, 1)},
		{"no offsets", "without a shape", file(`{"x":{"dtype":"U8","shape":[0]}}`, 0)},
		{"three offsets", "without a shape", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}`, 1)},
		{"data too short", "does not fit", file(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4)},
		{"shape and offsets differ", "does not fit", file(`{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8)},
		{"shape overflows", "does not fit", file(`{"x":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}`, 16)},
		{"negative", "does not fit", file(`{"x":{"dtype":"U8","shape":[-1,-4],"data_offsets":[0,4]}}`, 4)},
		{"unknown type", "does not fit", file(`{"x":{"dtype":"Q4","shape":[4],"data_offsets":[0,4]}}`, 4)},
		{"overlap", "begins at byte", file(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6)},
		{"hole", "begins at byte", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2)},
		{"trailing bytes", "behind the last", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 3)},
		{"a key twice", "twice", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)},
		{"a key of other case", "without a shape", file(`{"x":{"dtype":"U8","Shape":[1],"data_offsets":[0,1]}}`, 1)},
		{"a field twice", "twice", file(`{"x":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1)},
		{"metadata of numbers", "metadata", file(`{"__metadata__":{"a":1}}`, 0)},
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Read(path)
		if err == nil || !strings.Contains(err.Error(), c.cause) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error with %q and the file's name", c.name, err, c.cause)
		}
	}
}

func TestReadRefusesFolder(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Read(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v, want an error with the folder's name", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"a":"b"}}`, 8))
	f.Add(file(`{}`, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tensors, _, err := parse(raw)
		if err != nil {
			return
		}
		total := 0
		for _, x := range tensors {
			total += len(x.Data)
		}
		if total > len(raw) {
			t.Errorf("%d bytes of tensors in a file of %d", total, len(raw))
		}
	})
}
