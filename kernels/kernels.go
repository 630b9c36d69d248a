// Package kernels launches the compute shaders: one file a kernel family, with shapes, push constants and dispatch sizes,
// and beside it (x_check.go) the slow float64 reference that proves it on any device.
//
// A launch appends dispatches to a [vk.Program]; a wrong argument makes the program fail by name when it is built.
// Tensors are NHWC, of fp32 or of 16 bits ([Element]), with the channels padded to a multiple of 4 by zeros, so that every load and
// store is a vec4.
// Every kernel keeps the padding zero.
package kernels

import (
	"fmt"

	"cyclevk/shaders"
	"cyclevk/vk"
)

// Tensor is a view of device memory as a batch of images: [N, H, W, Stride(C)] of a type.
type Tensor struct {
	vk.Range
	N, H, W, C int
	Element    Element
}

// Stride is the number of elements from one pixel to the next: the channels, padded to a multiple of 4.
func Stride(c int) int { return (c + 3) &^ 3 }

// Bytes is the size of an fp32 tensor of a shape.
func Bytes(n, h, w, c int) int { return Float32.Bytes(n, h, w, c) }

// NewTensor declares an fp32 temporary of a program.
func NewTensor(p *vk.Program, name string, n, h, w, c int) Tensor {
	return Float32.NewTensor(p, name, n, h, w, c)
}

// NewTensor declares a temporary of a program with elements of a type.
func (e Element) NewTensor(p *vk.Program, name string, n, h, w, c int) Tensor {
	return Tensor{p.Temp(name, e.Bytes(n, h, w, c)).All(), n, h, w, c, e}
}

// Reserve declares an fp32 tensor that lives as long as an arena.
func Reserve(a *vk.Arena, name string, n, h, w, c int) Tensor {
	return Float32.Reserve(a, name, n, h, w, c)
}

// Reserve declares a tensor that lives as long as an arena, with elements of a type.
func (e Element) Reserve(a *vk.Arena, name string, n, h, w, c int) Tensor {
	return Tensor{a.Reserve(name, e.Bytes(n, h, w, c)).All(), n, h, w, c, e}
}

// Images is the n images of t from the index first on. They must begin at a multiple of vk.Alignment bytes, which holds for
// images whose pixel count is a multiple of 16 in fp32, and of 32 in 16 bits.
func (t Tensor) Images(first, n int) Tensor {
	one := t.Element.Bytes(1, t.H, t.W, t.C)
	t.Range = t.Mem.Slice(t.Offset+first*one, n*one)
	t.N = n
	return t
}

// Like declares a temporary of the same shape and type.
func (t Tensor) Like(p *vk.Program, name string) Tensor {
	return t.Element.NewTensor(p, name, t.N, t.H, t.W, t.C)
}

// SameShape reports whether t and u have the same shape.
func (t Tensor) SameShape(u Tensor) bool { return t.N == u.N && t.H == u.H && t.W == u.W && t.C == u.C }

func (t Tensor) String() string { return fmt.Sprintf("%s [%d,%d,%d,%d]", t.name(), t.N, t.H, t.W, t.C) }

func (t Tensor) name() string {
	if t.Mem == nil {
		return "(none)"
	}
	return t.Mem.Name
}

// vec4s is the number of vec4 in the tensor.
func (t Tensor) vec4s() int { return t.N * t.H * t.W * Stride(t.C) / 4 }

// spirv finds a shader's code; the mutation test replaces it, and Replace does.
var spirv = shaders.SPIRV

// Replace makes launches from now on take code for the shader of a name, for those who write one and want to see it checked and timed
// in its place, until restore is called. The code must have the shader's interface. It is not for use while another goroutine
// launches.
func Replace(name string, code []byte) (restore func()) {
	find := spirv
	spirv = func(shader string) ([]byte, error) {
		if shader == name {
			return code, nil
		}
		return find(shader)
	}
	return func() { spirv = find }
}

// launch appends a dispatch of a shader by name.
func launch(p *vk.Program, l vk.Launch, shader string, args ...vk.Range) {
	code, err := spirv(shader)
	if err != nil {
		p.Fail(err)
		return
	}
	l.Shader = vk.Shader{Name: shader, Code: code}
	p.Dispatch(l, args...)
}

// added is the name of a shader, or of its variant that adds to the result.
func added(shader string, accumulate bool) string {
	if accumulate {
		return shader + "_add"
	}
	return shader
}

// groups is how many workgroups of size cover n items, spread over x and y where x alone would pass the 65,535 that every
// device allows; shaders find their place as gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x and skip what lies past n.
func groups(n, size int) [3]int {
	count := (n + size - 1) / size
	if count <= 65535 {
		return [3]int{count, 1, 1}
	}
	y := (count + 65534) / 65535
	return [3]int{(count + y - 1) / y, y, 1}
}
