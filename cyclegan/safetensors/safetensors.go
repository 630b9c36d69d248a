// Package safetensors reads and writes the safetensors format: a JSON header of names, types, shapes and places, then the
// tensors' bytes without holes. It holds nothing that could be executed.
//
// Format: https://github.com/huggingface/safetensors, section Format. A uint64 with the header's length, the header, the data.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"cyclevk/cyclegan/atomicfile"
)

// Tensor is a named tensor: little-endian values in row-major order.
type Tensor struct {
	Name  string
	DType string // F64, F32, I64, I32, U8, …
	Shape []int
	Data  []byte

	Values []float32 // of an F32 tensor to be written, in the place of Data; nothing that is read has them
}

// Len is the length of the tensor's bytes.
func (t *Tensor) Len() int { return max(len(t.Data), 4*len(t.Values)) }

// Write writes the tensor's bytes. Values become bytes a piece at a time: they may be most of the memory that there is.
func (t *Tensor) Write(w io.Writer) error {
	if t.Values == nil {
		_, err := w.Write(t.Data)
		return err
	}
	piece := make([]byte, 1<<18)
	for values := range slices.Chunk(t.Values, len(piece)/4) {
		for i, v := range values {
			binary.LittleEndian.PutUint32(piece[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(piece[:4*len(values)]); err != nil {
			return err
		}
	}
	return nil
}

// sizes are the bytes of one value of each type that the format knows and this project meets.
var sizes = map[string]int{
	"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}

// maxHeader is the format's own bound on the header, in bytes.
const maxHeader = 100 << 20

// bytes is the length that the type and the shape ask for; false where they are unknown, negative or too large.
func (t *Tensor) bytes() (int, bool) {
	n, ok := sizes[t.DType]
	if !ok {
		return 0, false
	}
	for _, d := range t.Shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// Float64s are the values of a tensor of type F64, F32, I32 or U8, as float64.
func (t *Tensor) Float64s() ([]float64, error) {
	size := sizes[t.DType]
	var value func(b []byte) float64
	switch t.DType {
	case "F64":
		value = func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
	case "F32":
		value = func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }
	case "I32":
		value = func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) }
	case "U8":
		value = func(b []byte) float64 { return float64(b[0]) }
	default:
		return nil, fmt.Errorf("tensor %s is %s: only F64, F32, I32 and U8 are read as numbers", t.Name, t.DType)
	}
	out := make([]float64, 0, len(t.Data)/size)
	for b := range slices.Chunk(t.Data, size) {
		out = append(out, value(b))
	}
	return out, nil
}

// entry is a tensor in the header.
type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"` // begin and end in the data, in bytes
}

// metadataKey is the header's one key that is no tensor.
const metadataKey = "__metadata__"

// Write writes tensors, in their order, and string metadata to a file, in place of what is there or not at all.
func Write(path string, tensors []Tensor, metadata map[string]string) error {
	return atomicfile.WriteDurable(atomicfile.Disk, path, func(w io.Writer) error { return Encode(w, tensors, metadata) })
}

// Encode writes a file's bytes. The same tensors and metadata give the same bytes.
func Encode(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	header, err := encodeHeader(tensors, metadata)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(len(header))); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := t.Write(w); err != nil {
			return err
		}
	}
	return nil
}

func encodeHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	header := []byte{'{'}
	field := func(key string, value any) error {
		k, err := json.Marshal(key)
		if err != nil {
			return err
		}
		v, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if len(header) > 1 {
			header = append(header, ',')
		}
		header = append(append(append(header, k...), ':'), v...)
		return nil
	}
	if len(metadata) > 0 {
		if err := field(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	at, seen := 0, map[string]bool{metadataKey: true}
	for _, t := range tensors {
		if n, ok := t.bytes(); !ok || n != t.Len() || seen[t.Name] {
			return nil, fmt.Errorf("tensor %q, %s %v with %d bytes, is not valid or there twice", t.Name, t.DType, t.Shape, t.Len())
		}
		seen[t.Name] = true
		shape := t.Shape
		if shape == nil {
			shape = []int{} // a scalar; null is not allowed
		}
		if err := field(t.Name, entry{t.DType, shape, []int{at, at + t.Len()}}); err != nil {
			return nil, err
		}
		at += t.Len()
	}
	header = append(header, '}')
	for len(header)%8 != 0 { // the data begins at a multiple of 8
		header = append(header, ' ')
	}
	return header, nil
}

// Read reads a file: its tensors in the order of their data, and its metadata. A file whose header lies about its size, whose
// tensors overlap, leave holes or do not fit their shapes, is refused.
func Read(path string) ([]Tensor, map[string]string, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if !st.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: not a regular file: name a safetensors file", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	return Parse(path, raw)
}

// Parse is Read of a file's content; the name is for messages.
func Parse(name string, raw []byte) ([]Tensor, map[string]string, error) {
	tensors, metadata, err := parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: not a valid safetensors file, take an intact copy: %w", name, err)
	}
	return tensors, metadata, nil
}

func parse(raw []byte) ([]Tensor, map[string]string, error) {
	if len(raw) < 8 {
		return nil, nil, fmt.Errorf("%d bytes, at least 8 expected", len(raw))
	}
	n := binary.LittleEndian.Uint64(raw)
	if n > maxHeader || n > uint64(len(raw)-8) {
		return nil, nil, fmt.Errorf("a header of %d bytes in a file of %d", n, len(raw))
	}
	header, data := raw[8:8+n], raw[8+n:]
	fields, err := object(header)
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	var metadata map[string]string
	var tensors []Tensor
	offsets := map[string][]int{}
	for name, value := range fields {
		if name == metadataKey {
			if err := json.Unmarshal(value, &metadata); err != nil {
				return nil, nil, fmt.Errorf("metadata: %w", err)
			}
			continue
		}
		e, err := parseEntry(value)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if e.Shape == nil || len(e.Offsets) != 2 {
			return nil, nil, fmt.Errorf("tensor %q: without a shape or its two data_offsets", name)
		}
		t := Tensor{Name: name, DType: e.DType, Shape: e.Shape}
		from, to := e.Offsets[0], e.Offsets[1]
		if size, ok := t.bytes(); !ok || from < 0 || to < from || to > len(data) || size != to-from {
			return nil, nil, fmt.Errorf("tensor %q: %s %v does not fit bytes %d to %d of %d", name, e.DType, e.Shape, from, to, len(data))
		}
		t.Data = data[from:to:to]
		offsets[name] = e.Offsets
		tensors = append(tensors, t)
	}
	slices.SortFunc(tensors, func(a, b Tensor) int {
		if d := slices.Compare(offsets[a.Name], offsets[b.Name]); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	at := 0
	for _, t := range tensors {
		if offsets[t.Name][0] != at {
			return nil, nil, fmt.Errorf("tensor %q begins at byte %d, the one before ends at %d", t.Name, offsets[t.Name][0], at)
		}
		at = offsets[t.Name][1]
	}
	if at != len(data) {
		return nil, nil, fmt.Errorf("%d bytes behind the last tensor", len(data)-at)
	}
	return tensors, metadata, nil
}

// parseEntry reads one tensor's description. The case of its keys counts, unlike where encoding/json fills in a struct.
func parseEntry(text []byte) (e entry, err error) {
	fields, err := object(text)
	for key, into := range map[string]any{"dtype": &e.DType, "shape": &e.Shape, "data_offsets": &e.Offsets} {
		if value, ok := fields[key]; ok && err == nil {
			err = json.Unmarshal(value, into)
		}
	}
	return e, err
}

// object splits a JSON object into its fields and refuses a key that is there twice.
func object(header []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("not a JSON object")
	}
	fields := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if _, twice := fields[name]; !ok || twice {
			return nil, fmt.Errorf("key %q is there twice", name)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if rest := bytes.Trim(header[d.InputOffset():], " "); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes behind the JSON object", len(rest))
	}
	return fields, nil
}
