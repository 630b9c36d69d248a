// What a shader says about itself: read from its SPIR-V, so that nothing has to be stated twice.

package vk

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// access is what a shader does to a binding.
type access uint8

const (
	reads  access = 1
	writes access = 2
)

// shaderInterface is a shader's outside: its storage buffers, its push constants and its specialisation constants.
type shaderInterface struct {
	bindings  []access // by binding number
	pushBytes int
	specs     int // specialisation constants are numbered 0 to specs-1
}

// SPIR-V opcodes, decorations and storage classes that reflection meets (SPIR-V specification, section 3).
const (
	opTypeInt, opTypeFloat, opTypeVector, opTypeMatrix = 21, 22, 23, 24
	opTypeArray, opTypeStruct, opTypePointer           = 28, 30, 32
	opConstant, opVariable                             = 43, 59
	opDecorate, opMemberDecorate                       = 71, 72

	decSpecID, decArrayStride, decNonWritable, decNonReadable, decBinding, decOffset = 1, 6, 24, 25, 33, 35

	classPushConstant, classStorageBuffer = 9, 12
)

// member is one member of a struct type.
type member struct {
	kind   uint32
	offset int
	access access
}

// reflection is the state of one pass over a module.
type reflection struct {
	types    map[uint32][]uint32 // id → opcode and operands after the result id
	constant map[uint32]uint32
	binding  map[uint32]int
	access   map[uint32]access // of a variable
	members  map[uint32][]member
	stride   map[uint32]int
	specs    int
}

// spirvWords checks the header and gives the module as aligned words.
func spirvWords(code []byte) ([]uint32, error) {
	if len(code) < 20 || len(code)%4 != 0 || binary.LittleEndian.Uint32(code) != 0x07230203 {
		return nil, errors.New("not SPIR-V")
	}
	words := make([]uint32, len(code)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(code[4*i:])
	}
	return words, nil
}

// reflectSPIRV reads the interface of a compute shader whose storage buffers are all in set 0, numbered without gaps.
// The qualifiers readonly and writeonly of a GLSL block say what a dispatch does to it; a block with neither is read and written.
func reflectSPIRV(words []uint32) (*shaderInterface, error) {
	r := &reflection{
		types: map[uint32][]uint32{}, constant: map[uint32]uint32{}, binding: map[uint32]int{}, access: map[uint32]access{},
		members: map[uint32][]member{}, stride: map[uint32]int{},
	}
	var variables [][]uint32
	for at := 5; at < len(words); {
		n, op := int(words[at]>>16), words[at]&0xffff
		if n == 0 || at+n > len(words) {
			return nil, errors.New("truncated SPIR-V")
		}
		w := words[at+1 : at+n]
		switch op {
		case opTypeInt, opTypeFloat, opTypeVector, opTypeMatrix, opTypeArray, opTypeStruct, opTypePointer:
			r.types[w[0]] = append([]uint32{op}, w[1:]...)
		case opConstant:
			r.constant[w[1]] = w[2]
		case opVariable:
			variables = append(variables, w)
		case opDecorate:
			r.decorate(w)
		case opMemberDecorate:
			r.decorateMember(w)
		}
		at += n
	}
	out := &shaderInterface{specs: r.specs}
	for _, v := range variables {
		kind, id, class := v[0], v[1], v[2]
		pointer := r.types[kind]
		switch class {
		case classPushConstant:
			size, err := r.size(pointer[2])
			if err != nil {
				return nil, err
			}
			out.pushBytes = (size + 3) &^ 3
		case classStorageBuffer:
			b := r.binding[id]
			for len(out.bindings) <= b {
				out.bindings = append(out.bindings, 0)
			}
			a := reads | writes
			for _, m := range r.members[pointer[2]] {
				a &^= m.access
			}
			out.bindings[b] |= a &^ r.access[id]
		}
	}
	for b, a := range out.bindings {
		if a == 0 {
			return nil, fmt.Errorf("binding %d is missing: number storage buffers from 0 without gaps", b)
		}
	}
	return out, nil
}

func (r *reflection) decorate(w []uint32) {
	switch id := w[0]; w[1] {
	case decSpecID:
		r.specs = max(r.specs, int(w[2])+1)
	case decBinding:
		r.binding[id] = int(w[2])
	case decArrayStride:
		r.stride[id] = int(w[2])
	case decNonWritable:
		r.access[id] |= writes
	case decNonReadable:
		r.access[id] |= reads
	}
}

func (r *reflection) decorateMember(w []uint32) {
	id, i := w[0], int(w[1])
	for len(r.members[id]) <= i {
		r.members[id] = append(r.members[id], member{})
	}
	switch m := &r.members[id][i]; w[2] {
	case decOffset:
		m.offset = int(w[3])
	case decNonWritable: // members record what is denied
		m.access |= writes
	case decNonReadable:
		m.access |= reads
	}
}

// size is the size of a type in bytes, as laid out by its decorations.
func (r *reflection) size(id uint32) (int, error) {
	t, ok := r.types[id]
	if !ok {
		return 0, fmt.Errorf("push constants hold a type that reflection does not know (id %d)", id)
	}
	switch t[0] {
	case opTypeInt, opTypeFloat:
		return int(t[1]) / 8, nil
	case opTypeVector, opTypeMatrix:
		n, err := r.size(t[1])
		return n * int(t[2]), err
	case opTypeArray:
		return r.stride[id] * int(r.constant[t[2]]), nil
	case opTypeStruct:
		end := 0
		for i, m := range t[1:] {
			n, err := r.size(m)
			if err != nil {
				return 0, err
			}
			end = max(end, r.members[id][i].offset+n)
		}
		return end, nil
	}
	return 0, fmt.Errorf("push constants hold a type that reflection does not know (opcode %d)", t[0])
}
