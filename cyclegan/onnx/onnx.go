// Package onnx writes ONNX files: a graph of standard operators over float32 tensors, for onnxruntime, OpenCV and others.
//
// Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, of which this is the small part that a network needs. What
// is written here is written in a fixed order, so that the same model gives the same bytes.
package onnx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Versions that a file names. Operator set 13 (December 2020) is old enough for OpenCV 4 and has every operator that
// a generator needs; 7 is the file format of its time.
const (
	Opset     = 13
	irVersion = 7
)

// Model is an ONNX file in the making. Nodes are added in the order in which they run.
type Model struct {
	Name          string            // of the graph
	Producer      string            // the program that writes the file
	Version       string            // that program's
	Doc           string            // for people
	Metadata      map[string]string // for programs
	Input, Output Value

	nodes   [][]byte
	tensors []tensor
	names   map[string]bool // of the tensors, each of which is stored once
	err     error           // the first; Encode returns it
}

// Value is a float32 tensor that goes in or comes out.
type Value struct {
	Name string
	Dims []Dim
}

// Dim is a dimension of a known size, or with a name one that may have any.
type Dim struct {
	Name string
	Size int
}

// Types of tensors.
const (
	typeFloat = 1
	typeInt64 = 7
)

// tensor is a constant. Its values are floats or ints.
type tensor struct {
	name   string
	shape  []int
	floats []float32
	ints   []int64
}

// Fail makes Encode fail. The first error counts.
func (m *Model) Fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// Floats stores a constant of a shape, whose values are not copied, under a name, and returns that name. A name that is there
// already keeps its tensor.
func (m *Model) Floats(name string, shape []int, values []float32) string {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(values) {
		m.Fail(fmt.Errorf("tensor %s: %d values do not fill the shape %v", name, len(values), shape))
	}
	return m.store(tensor{name: name, shape: shape, floats: values})
}

// Ints stores a vector of integers, as Floats does.
func (m *Model) Ints(name string, values ...int64) string {
	return m.store(tensor{name: name, shape: []int{len(values)}, ints: values})
}

func (m *Model) store(t tensor) string {
	if m.names == nil {
		m.names = map[string]bool{}
	}
	if !m.names[t.name] {
		m.names[t.name] = true
		m.tensors = append(m.tensors, t)
	}
	return t.name
}

// Attr is an attribute of a node, made by Int, Ints, Float or String.
type Attr struct{ encoded []byte }

// The kinds of attributes.
const (
	attrFloat  = 1
	attrInt    = 2
	attrString = 3
	attrInts   = 7
)

func attr(name string, kind uint64, value []byte) Attr {
	b := appendText(nil, 1, name)
	b = append(b, value...)
	return Attr{appendVarint(b, 20, kind)}
}

// Int is an attribute with one integer.
func Int(name string, v int) Attr {
	return attr(name, attrInt, appendVarint(nil, 3, uint64(v)))
}

// Ints is an attribute with a list of integers.
func Ints(name string, v ...int) Attr {
	var b []byte
	for _, x := range v {
		b = appendVarint(b, 8, uint64(x))
	}
	return attr(name, attrInts, b)
}

// Float is an attribute with one number.
func Float(name string, v float32) Attr {
	b := protowire.AppendTag(nil, 2, protowire.Fixed32Type)
	return attr(name, attrFloat, protowire.AppendFixed32(b, math.Float32bits(v)))
}

// String is an attribute with a text.
func String(name, v string) Attr { return attr(name, attrString, appendText(nil, 4, v)) }

// Node adds an operator that makes the value output, by which name the node goes too, of inputs; "" stands for an optional
// input that is left out. It returns output.
func (m *Model) Node(op, output string, inputs []string, attrs ...Attr) string {
	var b []byte
	for _, in := range inputs {
		b = appendText(b, 1, in)
	}
	b = appendText(b, 2, output)
	b = appendText(b, 3, output)
	b = appendText(b, 4, op)
	for _, a := range attrs {
		b = appendBytes(b, 5, a.encoded)
	}
	m.nodes = append(m.nodes, b)
	return output
}

// maxBytes is protobuf's bound on a message.
const maxBytes = math.MaxInt32

// Encode writes the file. Constants go from where they are to the writer piece by piece.
func (m *Model) Encode(w io.Writer) error {
	if m.err != nil {
		return fmt.Errorf("onnx: %w", m.err)
	}
	var nodes, ends []byte // before and after the constants
	for _, n := range m.nodes {
		nodes = appendBytes(nodes, 1, n)
	}
	nodes = appendText(nodes, 2, m.Name)
	ends = appendBytes(ends, 11, m.Input.encode())
	ends = appendBytes(ends, 12, m.Output.encode())

	graph := len(nodes) + len(ends)
	for _, t := range m.tensors {
		graph += len(t.head()) + t.bytes()
	}
	head := appendVarint(nil, 1, irVersion)
	head = appendText(head, 2, m.Producer)
	head = appendText(head, 3, m.Version)
	head = appendText(head, 6, m.Doc)
	head = protowire.AppendTag(head, 7, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(graph))
	tail := appendBytes(nil, 8, appendVarint(appendText(nil, 1, ""), 2, Opset))
	for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		tail = appendBytes(tail, 14, appendText(appendText(nil, 1, key), 2, m.Metadata[key]))
	}
	if total := len(head) + graph + len(tail); total > maxBytes {
		return fmt.Errorf("onnx: a file of %d bytes is over the format's %d: the network is too large for it", total, maxBytes)
	}

	out := &pieces{w: w}
	out.write(head, nodes)
	for _, t := range m.tensors {
		out.write(t.head())
		out.values(t)
	}
	out.write(ends, tail)
	return out.err
}

// encode is a ValueInfoProto.
func (v Value) encode() []byte {
	var shape []byte
	for _, d := range v.Dims {
		dim := appendVarint(nil, 1, uint64(d.Size))
		if d.Name != "" {
			dim = appendText(nil, 2, d.Name)
		}
		shape = appendBytes(shape, 1, dim)
	}
	kind := appendBytes(appendVarint(nil, 1, typeFloat), 2, shape)
	return appendBytes(appendText(nil, 1, v.Name), 2, appendBytes(nil, 1, kind))
}

// bytes is the length of a tensor's values.
func (t *tensor) bytes() int { return 4*len(t.floats) + 8*len(t.ints) }

// head is a tensor in the graph up to its values.
func (t *tensor) head() []byte {
	var b []byte
	for _, d := range t.shape {
		b = appendVarint(b, 1, uint64(d))
	}
	kind := uint64(typeFloat)
	if t.ints != nil {
		kind = typeInt64
	}
	b = appendText(appendVarint(b, 2, kind), 8, t.name)
	b = protowire.AppendTag(b, 9, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(t.bytes()))

	head := protowire.AppendTag(nil, 5, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(b)+t.bytes()))
	return append(head, b...)
}

// pieces writes until something fails.
type pieces struct {
	w   io.Writer
	err error
}

func (p *pieces) write(parts ...[]byte) {
	for _, b := range parts {
		if p.err == nil {
			_, p.err = p.w.Write(b)
		}
	}
}

// values writes a tensor's values, little-endian, some thousands at a time.
func (p *pieces) values(t tensor) {
	const atOnce = 1 << 14
	var buffer bytes.Buffer
	write := func(part any) {
		buffer.Reset()
		if p.err == nil {
			p.err = binary.Write(&buffer, binary.LittleEndian, part)
		}
		p.write(buffer.Bytes())
	}
	for part := range slices.Chunk(t.floats, atOnce) {
		write(part)
	}
	for part := range slices.Chunk(t.ints, atOnce) {
		write(part)
	}
}

// Fields of a message, tagged by their number.

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendText(b []byte, field protowire.Number, v string) []byte {
	return appendBytes(b, field, []byte(v))
}
