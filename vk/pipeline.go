// Compute pipelines: a shader with its specialisation constants, checked against what the shader itself declares.

package vk

// #include "native.h"
import "C"

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Shader is a compute shader: its name for messages and its SPIR-V.
type Shader struct {
	Name string
	Code []byte
}

// What native.c has room for.
const (
	maxBindings = C.CV_MAX_BINDINGS
	maxSpec     = C.CV_MAX_SPEC
)

// pipeline is a shader with its constants; the Vulkan objects are made when a program is built.
type pipeline struct {
	name string
	code []uint32
	spec []uint32
	cut  bool // its dispatches are cut (split.go), which compilers are told
	*shaderInterface
	c C.cv_pipeline
}

// pipeline returns the pipeline for a shader and its specialisation constants (constant_id 0, 1, …), making it once; and once more for
// dispatches that are cut.
func (d *Device) pipeline(s Shader, spec []uint32, cut bool) (*pipeline, error) {
	key := fmt.Sprint(s.Name, spec, cut, sha256.Sum256(s.Code))
	if p, ok := d.pipelines[key]; ok {
		return p, nil
	}
	words, err := spirvWords(s.Code)
	if err != nil {
		return nil, fmt.Errorf("shader %s: %w", s.Name, err)
	}
	face, err := reflectSPIRV(words, spec)
	if err != nil {
		return nil, fmt.Errorf("shader %s: %w", s.Name, err)
	}
	p := &pipeline{name: s.Name, code: words, spec: slices.Clone(spec), cut: cut, shaderInterface: face}
	if err := p.check(d.Info); err != nil {
		return nil, fmt.Errorf("shader %s %w", s.Name, err)
	}
	d.pipelines[key] = p
	return p, nil
}

// check holds a pipeline against the device's limits.
func (p *pipeline) check(d DeviceInfo) error {
	for _, capability := range p.needs {
		if !d.Features.has(capability) {
			return fmt.Errorf("needs the SPIR-V capability %d, %w: %s", capability, ErrUnsupported, d.Name)
		}
	}
	limits, local := d.Limits, p.local
	if p.workgroup {
		if !d.Features.WorkgroupMatrix {
			return fmt.Errorf("has matrices of a workgroup, %w: %s", ErrUnsupported, d.Name)
		}
		limits.MaxSharedMemory -= limits.MatrixReserved
		limits.MaxInvocations = min(limits.MaxInvocations, limits.MaxMatrixLanes)
	}
	switch {
	case len(p.spec) != p.specs:
		return fmt.Errorf("declares %d specialisation constants, %d given", p.specs, len(p.spec))
	case p.specs > maxSpec:
		return fmt.Errorf("declares %d specialisation constants: at most %d are supported", p.specs, maxSpec)
	case len(p.bindings) == 0:
		return errors.New("binds no storage buffer")
	case len(p.bindings) > limits.MaxStorageBuffers:
		return fmt.Errorf("binds %d storage buffers, %w: %d on %s", len(p.bindings), ErrTooLarge, limits.MaxStorageBuffers, d.Name)
	case p.pushBytes > limits.MaxPushConstants:
		return fmt.Errorf("has %d bytes of push constants, %w: %d on %s", p.pushBytes, ErrTooLarge, limits.MaxPushConstants, d.Name)
	case p.shared > limits.MaxSharedMemory:
		return fmt.Errorf("has %d bytes of shared memory, %w: %d on %s", p.shared, ErrTooLarge, limits.MaxSharedMemory, d.Name)
	case local[0] > limits.MaxGroupSize[0], local[1] > limits.MaxGroupSize[1], local[2] > limits.MaxGroupSize[2],
		local[0]*local[1]*local[2] > limits.MaxInvocations:
		return fmt.Errorf("has workgroups of %v invocations, %w: %v and %d in all on %s", local, ErrTooLarge, limits.MaxGroupSize, limits.MaxInvocations, d.Name)
	}
	return nil
}

// create makes the Vulkan objects, once.
func (p *pipeline) create(d *Device) error {
	if p.c.pipeline != 0 {
		return nil
	}
	var call *C.char
	var cache C.uint64_t
	if d.cache != nil {
		cache = d.cache.handle
	}
	var lanes C.uint32_t // of a subgroup, where the shader shares matrices out among so many
	if slices.Contains(p.needs, cooperativeMatrix) {
		lanes = C.uint32_t(d.Info.Limits.SubgroupSize)
	}
	result := C.cv_create_pipeline(unsafe.Pointer(d.handle), cache, (*C.uint32_t)(unsafe.Pointer(&p.code[0])), C.uint64_t(4*len(p.code)),
		C.uint32_t(len(p.bindings)), C.uint32_t(p.pushBytes), (*C.uint32_t)(unsafe.SliceData(p.spec)), C.uint32_t(len(p.spec)), lanes, cBool(p.cut), cBool(d.statistics), &p.c, &call)
	if err := check(C.GoString(call), result); err != nil {
		p.destroy(d)
		return fmt.Errorf("shader %s %v: %w", p.name, p.spec, err)
	}
	d.name(vulkan.ObjectTypeShaderModule, p.c.module, p.name)
	d.name(vulkan.ObjectTypePipeline, p.c.pipeline, fmt.Sprint(p.name, " ", p.spec))
	return nil
}

func (p *pipeline) destroy(d *Device) {
	vulkan.DestroyPipeline(d.handle, handle[vulkan.Pipeline](p.c.pipeline), nil)
	vulkan.DestroyPipelineLayout(d.handle, handle[vulkan.PipelineLayout](p.c.layout), nil)
	vulkan.DestroyDescriptorSetLayout(d.handle, handle[vulkan.DescriptorSetLayout](p.c.set_layout), nil)
	vulkan.DestroyShaderModule(d.handle, handle[vulkan.ShaderModule](p.c.module), nil)
	p.c = C.cv_pipeline{}
}

// handle is handle64's inverse.
func handle[H any](h C.uint64_t) H { return *(*H)(unsafe.Pointer(&h)) }
