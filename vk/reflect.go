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

// shaderInterface is a shader's outside: its storage buffers, push constants and specialisation constants, and what one
// workgroup takes.
type shaderInterface struct {
	bindings  []access // by binding number
	pushBytes int
	specs     int      // specialisation constants are numbered 0 to specs-1
	local     [3]int   // size of a workgroup
	shared    int      // bytes of shared memory of a workgroup, padding left out
	needs     []uint32 // SPIR-V capabilities
	workgroup bool     // matrices are a whole workgroup's
}

// Opcodes, decorations, storage classes and more of the SPIR-V specification, section 3.
const (
	opEntryPoint, opExecutionMode, opExecutionModeID, opCapability           = 15, 16, 331, 17
	opTypeBool, opTypeInt, opTypeFloat, opTypeVector                         = 20, 21, 22, 23
	opTypeArray, opTypeStruct, opTypePointer, opVariable                     = 28, 30, 32, 59
	opConstant, opConstantComposite, opSpecConstant, opSpecConstantComposite = 43, 44, 50, 51
	opSpecConstantOp, opIAdd, opISub, opIMul, opUDiv, opSDiv                 = 52, 128, 130, 132, 134, 135
	opDecorate, opMemberDecorate                                             = 71, 72
	opTypeCooperativeMatrixKHR, scopeWorkgroup                               = 4456, 2

	decSpecID, decArrayStride, decBuiltIn, decNonWritable, decNonReadable = 1, 6, 11, 24, 25
	decBinding, decDescriptorSet, decOffset                               = 33, 34, 35

	classUniformConstant, classUniform, classWorkgroup, classPushConstant, classStorageBuffer = 0, 2, 4, 9, 12

	modelGLCompute, modeLocalSize, modeLocalSizeID, builtInWorkgroupSize = 5, 17, 38, 25
)

// maxType bounds the size of a type in bytes, so that no product overflows.
const maxType = 1 << 30

// operands are an instruction's words after the first; a missing one reads 0.
type operands []uint32

func (w operands) at(i int) uint32 {
	if i < len(w) {
		return w[i]
	}
	return 0
}

// reflection is the state of one pass over a module, which defines every id before its use.
type reflection struct {
	shaderInterface
	spec       []uint32             // values of the specialisation constants
	entry      uint32               // id of the entry point
	localIDs   operands             // constants that give the size of a workgroup
	decoration map[[2]uint32]uint32 // by id and decoration
	member     map[[3]uint32]uint32 // by struct, member and decoration
	value      map[uint32]uint32    // of integer constants
	size       map[uint32]int       // of types, in bytes
	members    map[uint32]int       // how many a struct has
	pointee    map[uint32]uint32    // type behind a pointer type
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

// reflectSPIRV reads the interface of a compute shader under the given specialisation constants. Its storage buffers must all
// be in set 0, numbered without gaps. The qualifiers readonly and writeonly of a GLSL block, or of all its members, say what a
// dispatch does to it; a block with neither is read and written.
func reflectSPIRV(words, spec []uint32) (*shaderInterface, error) {
	r := &reflection{
		spec: spec, decoration: map[[2]uint32]uint32{}, member: map[[3]uint32]uint32{}, value: map[uint32]uint32{},
		size: map[uint32]int{}, members: map[uint32]int{}, pointee: map[uint32]uint32{},
	}
	for at := 5; at < len(words); {
		n := int(words[at] >> 16)
		if n == 0 || at+n > len(words) {
			return nil, errors.New("truncated SPIR-V")
		}
		if err := r.instruction(words[at]&0xffff, words[at+1:at+n]); err != nil {
			return nil, err
		}
		at += n
	}
	if r.entry == 0 {
		return nil, errors.New(`no compute entry point "main"`)
	}
	for i := range r.local {
		if r.localIDs != nil {
			r.local[i] = int(r.value[r.localIDs.at(i)])
		}
		if r.local[i] == 0 {
			return nil, errors.New("the size of a workgroup is not known")
		}
	}
	for b, a := range r.bindings {
		if a == 0 {
			return nil, fmt.Errorf("binding %d is missing: number storage buffers from 0 without gaps", b)
		}
	}
	return &r.shaderInterface, nil
}

func (r *reflection) instruction(op uint32, w operands) error {
	switch op {
	case opCapability:
		r.needs = append(r.needs, w.at(0))
	case opEntryPoint:
		const main = 0x6e69616d // "main", little-endian
		if w.at(0) == modelGLCompute && w.at(2) == main && w.at(3) == 0 {
			r.entry = w.at(1)
		}
	case opExecutionMode:
		if w.at(0) == r.entry && w.at(1) == modeLocalSize {
			r.local = [3]int{int(w.at(2)), int(w.at(3)), int(w.at(4))}
		}
	case opExecutionModeID:
		if w.at(0) == r.entry && w.at(1) == modeLocalSizeID {
			r.localIDs = operands{w.at(2), w.at(3), w.at(4)}
		}
	case opDecorate:
		r.decoration[[2]uint32{w.at(0), w.at(1)}] = w.at(2)
		if w.at(1) == decSpecID {
			r.specs = max(r.specs, int(w.at(2))+1)
		}
	case opMemberDecorate:
		r.member[[3]uint32{w.at(0), w.at(1), w.at(2)}] = w.at(3)
	case opVariable:
		return r.variable(w)
	case opTypePointer:
		r.pointee[w.at(0)] = w.at(2)
	case opConstant, opSpecConstant, opSpecConstantOp, opConstantComposite, opSpecConstantComposite:
		r.constant(op, w)
	case opTypeCooperativeMatrixKHR:
		r.workgroup = r.workgroup || r.value[w.at(2)] == scopeWorkgroup
	default:
		r.typ(op, w)
	}
	return nil
}

// constant takes note of a constant's value, where it is one that sizes are made of.
func (r *reflection) constant(op uint32, w operands) {
	id := w.at(1)
	switch op {
	case opConstant:
		r.value[id] = w.at(2)
	case opSpecConstant:
		r.value[id] = w.at(2)
		if i, ok := r.decoration[[2]uint32{id, decSpecID}]; ok && int(i) < len(r.spec) {
			r.value[id] = r.spec[i]
		}
	case opSpecConstantOp:
		a, b := r.value[w.at(3)], r.value[w.at(4)]
		switch w.at(2) {
		case opIAdd:
			r.value[id] = a + b
		case opISub:
			r.value[id] = a - b
		case opIMul:
			r.value[id] = a * b
		case opUDiv, opSDiv:
			if b != 0 {
				r.value[id] = a / b
			}
		}
	default:
		if builtIn, ok := r.decoration[[2]uint32{id, decBuiltIn}]; ok && builtIn == builtInWorkgroupSize && len(w) == 5 {
			r.localIDs = w[2:]
		}
	}
}

// typ takes note of a type's size: as its decorations lay it out, and without them one member after another.
func (r *reflection) typ(op uint32, w operands) {
	id, size, known := w.at(0), 0, true
	repeat := func(element, n uint32, stride int) {
		size, known = r.size[element]
		if stride > 0 {
			size = stride
		}
		known = known && n > 0 && size <= maxType/int(n)
		size *= int(n)
	}
	switch op {
	case opTypeBool:
		size = 4
	case opTypeInt, opTypeFloat:
		size = int(w.at(1)) / 8
	case opTypeVector:
		repeat(w.at(1), w.at(2), 0)
	case opTypeArray:
		repeat(w.at(1), r.value[w.at(2)], int(r.decoration[[2]uint32{id, decArrayStride}]))
	case opTypeStruct:
		r.members[id] = max(0, len(w)-1)
		for i := range r.members[id] {
			n, ok := r.size[w[1+i]]
			known = known && ok
			if offset, ok := r.member[[3]uint32{id, uint32(i), decOffset}]; ok {
				size = max(size, int(offset)+n)
			} else {
				size += n
			}
		}
	default:
		known = false
	}
	if known && size <= maxType {
		r.size[id] = size
	}
}

// variable adds a variable to the interface.
func (r *reflection) variable(w operands) error {
	kind, id, class := r.pointee[w.at(0)], w.at(1), w.at(2)
	size, known := r.size[kind]
	switch class {
	case classPushConstant:
		r.pushBytes = (size + 3) &^ 3
		if !known {
			return errors.New("the push constants hold a type that reflection does not know: use scalars, vectors and arrays")
		}
	case classWorkgroup:
		r.shared += size
		if !known || r.shared > maxType {
			return errors.New("a shared variable has a type that reflection does not know: use scalars, vectors, structs and arrays")
		}
	case classUniform, classUniformConstant:
		return errors.New("uniform buffers and images are not supported: use storage buffers")
	case classStorageBuffer:
		b, set := r.decoration[[2]uint32{id, decBinding}], r.decoration[[2]uint32{id, decDescriptorSet}]
		members, block := r.members[kind]
		switch {
		case set != 0:
			return fmt.Errorf("binding %d is in set %d: only set 0 is supported", b, set)
		case b >= maxBindings:
			return fmt.Errorf("binding %d: at most %d are supported", b, maxBindings)
		case !block:
			return fmt.Errorf("binding %d is not a plain buffer block", b)
		}
		for len(r.bindings) <= int(b) {
			r.bindings = append(r.bindings, 0)
		}
		if !r.denied(id, kind, members, decNonReadable) {
			r.bindings[b] |= reads
		}
		if !r.denied(id, kind, members, decNonWritable) {
			r.bindings[b] |= writes
		}
	}
	return nil
}

// denied reports whether a block variable, or each member of its struct, has a decoration.
func (r *reflection) denied(id, kind uint32, members int, decoration uint32) bool {
	if _, ok := r.decoration[[2]uint32{id, decoration}]; ok {
		return true
	}
	for i := range members {
		if _, ok := r.member[[3]uint32{kind, uint32(i), decoration}]; !ok {
			return false
		}
	}
	return true
}
