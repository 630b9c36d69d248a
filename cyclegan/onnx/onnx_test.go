// The writer against the reader of onnxtest, attribute by attribute, and what it refuses.

package onnx_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/onnx"
	"cyclevk/cyclegan/onnx/onnxtest"
)

func TestEncode(t *testing.T) {
	m := &onnx.Model{
		Name: "net", Producer: "p", Version: "1", Doc: "why", Metadata: map[string]string{"b": "2", "a": "ä"},
		Input:  onnx.Value{Name: "x", Dims: []onnx.Dim{{Name: "n"}, {Size: 3}}},
		Output: onnx.Value{Name: "y", Dims: []onnx.Dim{{Name: "n"}, {Size: 0}}},
	}
	w := m.Floats("w", []int{2, 1}, []float32{1.5, -2})
	if again := m.Floats("w", []int{2, 1}, []float32{7, 7}); again != w {
		t.Errorf("the same tensor is called %q and %q", w, again)
	}
	p := m.Ints("p", 0, -1)
	y := m.Node("Op", "y", []string{"x", "", w, p}, onnx.Int("i", -3), onnx.Ints("is", 2, -2), onnx.Float("f", 0.5), onnx.String("s", "reflect"))
	if y != "y" {
		t.Errorf("the node made %q", y)
	}
	var file bytes.Buffer
	if err := m.Encode(&file); err != nil {
		t.Fatal(err)
	}
	want := &onnxtest.Model{
		IR: 7, Opset: onnx.Opset, Producer: "p", Version: "1", Doc: "why", Name: "net", Metadata: map[string]string{"b": "2", "a": "ä"},
		Nodes: []onnxtest.Node{{Op: "Op", Name: "y", Inputs: []string{"x", "", "w", "p"}, Output: "y", Attrs: map[string]onnxtest.Attr{
			"i": {Kind: 2, Ints: []int{-3}}, "is": {Kind: 7, Ints: []int{2, -2}}, "f": {Kind: 1, Float: 0.5}, "s": {Kind: 3, String: "reflect"},
		}}},
		Constants: map[string]onnxtest.Array{"w": {Shape: []int{2, 1}, V: []float64{1.5, -2}}, "p": {Shape: []int{2}, V: []float64{0, -1}}},
		Input:     onnxtest.Value{Name: "x", Dims: []string{"n", "3"}}, Output: onnxtest.Value{Name: "y", Dims: []string{"n", "0"}},
	}
	if diff := cmp.Diff(want, onnxtest.Parse(t, file.Bytes())); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestEncodeRefuses(t *testing.T) {
	large := make([]float32, 1<<24) // 64 MiB; a model holds it 32 times without a copy
	for want, spoil := range map[string]func(*onnx.Model){
		"3 values do not fill the shape [2 2]": func(m *onnx.Model) { m.Floats("w", []int{2, 2}, []float32{1, 2, 3}) },
		"first":                                func(m *onnx.Model) { m.Fail(errors.New("first")); m.Fail(errors.New("second")) },
		"too large": func(m *onnx.Model) {
			for i := range 32 {
				m.Floats(strings.Repeat("w", i+1), []int{len(large)}, large)
			}
		},
	} {
		m := &onnx.Model{}
		spoil(m)
		if err := m.Encode(io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
