// Package onnxtest reads ONNX files and runs them in float64, slowly and by the letter of the operators' specification
// (https://github.com/onnx/onnx/blob/main/docs/Operators.md), for the tests of what writes such files. It takes no field,
// attribute or operator that it does not know.
package onnxtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Model is a file's content.
type Model struct {
	IR, Opset              int
	Producer, Version, Doc string
	Name                   string
	Metadata               map[string]string
	Nodes                  []Node
	Constants              map[string]Array
	Input, Output          Value
}

// Value is a float32 tensor that goes in or comes out; a dimension is a number or a name.
type Value struct {
	Name string
	Dims []string
}

// Node is one operator.
type Node struct {
	Op, Name string
	Inputs   []string
	Output   string
	Attrs    map[string]Attr
}

// Attr is an attribute's value in the form that its type says.
type Attr struct {
	Kind   int // 1 float, 2 integer, 3 text, 7 integers
	Float  float64
	Ints   []int
	String string
}

// Array is a tensor in row-major order.
type Array struct {
	Shape []int
	V     []float64
}

// field is one field of a message: a number in n, or bytes in b.
type field struct {
	number protowire.Number
	n      uint64
	b      []byte
}

// fields splits a message.
func fields(t testing.TB, raw []byte) (out []field) {
	t.Helper()
	for len(raw) > 0 {
		number, kind, size := protowire.ConsumeTag(raw)
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		raw = raw[size:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.n, size = protowire.ConsumeVarint(raw)
		case protowire.Fixed32Type:
			var v uint32
			v, size = protowire.ConsumeFixed32(raw)
			f.n = uint64(v)
		case protowire.BytesType:
			f.b, size = protowire.ConsumeBytes(raw)
		default:
			t.Fatalf("field %d has wire type %d", number, kind)
		}
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		raw = raw[size:]
		out = append(out, f)
	}
	return out
}

// message calls, for each field of a message, the function of its number. Another number is a fault.
func message(t testing.TB, name string, raw []byte, of map[protowire.Number]func(field)) {
	t.Helper()
	for _, f := range fields(t, raw) {
		take, ok := of[f.number]
		if !ok {
			t.Fatalf("%s has a field %d", name, f.number)
		}
		take(f)
	}
}

func text(into *string) func(field) { return func(f field) { *into = string(f.b) } }
func number(into *int) func(field)  { return func(f field) { *into = int(f.n) } }

// Parse reads a file.
func Parse(t testing.TB, raw []byte) *Model {
	t.Helper()
	m := &Model{Metadata: map[string]string{}, Constants: map[string]Array{}}
	message(t, "ModelProto", raw, map[protowire.Number]func(field){
		1: number(&m.IR),
		2: text(&m.Producer),
		3: text(&m.Version),
		6: text(&m.Doc),
		7: func(f field) { m.graph(t, f.b) },
		8: func(f field) {
			var domain string
			message(t, "OperatorSetIdProto", f.b, map[protowire.Number]func(field){1: text(&domain), 2: number(&m.Opset)})
			if domain != "" {
				t.Fatalf("operators of domain %q", domain)
			}
		},
		14: func(f field) {
			var key, value string
			message(t, "StringStringEntryProto", f.b, map[protowire.Number]func(field){1: text(&key), 2: text(&value)})
			m.Metadata[key] = value
		},
	})
	return m
}

func (m *Model) graph(t testing.TB, raw []byte) {
	message(t, "GraphProto", raw, map[protowire.Number]func(field){
		1:  func(f field) { m.Nodes = append(m.Nodes, node(t, f.b)) },
		2:  text(&m.Name),
		5:  func(f field) { m.constant(t, f.b) },
		11: func(f field) { m.Input = value(t, f.b) },
		12: func(f field) { m.Output = value(t, f.b) },
	})
}

func node(t testing.TB, raw []byte) Node {
	n := Node{Attrs: map[string]Attr{}}
	message(t, "NodeProto", raw, map[protowire.Number]func(field){
		1: func(f field) { n.Inputs = append(n.Inputs, string(f.b)) },
		2: text(&n.Output),
		3: text(&n.Name),
		4: text(&n.Op),
		5: func(f field) {
			var name string
			var a Attr
			message(t, "AttributeProto", f.b, map[protowire.Number]func(field){
				1:  text(&name),
				2:  func(f field) { a.Float = float64(math.Float32frombits(uint32(f.n))) },
				3:  func(f field) { a.Ints = []int{int(f.n)} },
				4:  text(&a.String),
				8:  func(f field) { a.Ints = append(a.Ints, int(f.n)) },
				20: number(&a.Kind),
			})
			n.Attrs[name] = a
		},
	})
	return n
}

func (m *Model) constant(t testing.TB, raw []byte) {
	var name string
	var kind int
	var data []byte
	a := Array{}
	message(t, "TensorProto", raw, map[protowire.Number]func(field){
		1: func(f field) { a.Shape = append(a.Shape, int(f.n)) },
		2: number(&kind),
		8: text(&name),
		9: func(f field) { data = f.b },
	})
	switch kind {
	case 1: // FLOAT
		for ; len(data) >= 4; data = data[4:] {
			a.V = append(a.V, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
		}
	case 7: // INT64
		for ; len(data) >= 8; data = data[8:] {
			a.V = append(a.V, float64(int64(binary.LittleEndian.Uint64(data))))
		}
	default:
		t.Fatalf("tensor %s has type %d", name, kind)
	}
	if _, twice := m.Constants[name]; twice || size(a.Shape) != len(a.V) || len(data) > 0 {
		t.Fatalf("tensor %s is there twice, or %d values and %d bytes do not fill %v", name, len(a.V), len(data), a.Shape)
	}
	m.Constants[name] = a
}

func value(t testing.TB, raw []byte) Value {
	var v Value
	dim := func(f field) {
		message(t, "Dimension", f.b, map[protowire.Number]func(field){
			1: func(f field) { v.Dims = append(v.Dims, strconv.Itoa(int(f.n))) },
			2: func(f field) { v.Dims = append(v.Dims, string(f.b)) },
		})
	}
	tensor := func(f field) {
		var kind int
		message(t, "TypeProto.Tensor", f.b, map[protowire.Number]func(field){
			1: number(&kind),
			2: func(f field) { message(t, "TensorShapeProto", f.b, map[protowire.Number]func(field){1: dim}) },
		})
		if kind != 1 {
			t.Fatalf("a value of type %d, not float", kind)
		}
	}
	message(t, "ValueInfoProto", raw, map[protowire.Number]func(field){
		1: text(&v.Name),
		2: func(f field) { message(t, "TypeProto", f.b, map[protowire.Number]func(field){1: tensor}) },
	})
	return v
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func (a Array) String() string { return fmt.Sprint(a.Shape) }
