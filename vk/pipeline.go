// Compute pipelines: a shader with its specialisation constants, checked against what the shader itself declares.

package vk

/*
#include "native.h"
*/
import "C"

import (
	"crypto/sha256"
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Shader is a compute shader: its name for messages and its SPIR-V.
type Shader struct {
	Name string
	Code []byte
}

// pipeline is a shader with its constants; the Vulkan objects are made when a program is built.
type pipeline struct {
	name string
	code []uint32
	spec []uint32
	*shaderInterface
	c C.cv_pipeline
}

// pipeline returns the pipeline for a shader and its specialisation constants (constant_id 0, 1, …), making it once.
func (d *Device) pipeline(s Shader, spec []uint32) (*pipeline, error) {
	hash := sha256.Sum256(s.Code)
	key := fmt.Sprint(s.Name, spec, hash)
	if p, ok := d.pipelines[key]; ok {
		return p, nil
	}
	words, err := spirvWords(s.Code)
	if err != nil {
		return nil, fmt.Errorf("shader %s: %w", s.Name, err)
	}
	face, err := reflectSPIRV(words)
	if err != nil {
		return nil, fmt.Errorf("shader %s: %w", s.Name, err)
	}
	limits := d.Info.Limits
	switch {
	case len(spec) != face.specs:
		return nil, fmt.Errorf("shader %s declares %d specialisation constants, %d given", s.Name, face.specs, len(spec))
	case len(face.bindings) > limits.MaxStorageBuffers:
		return nil, fmt.Errorf("shader %s binds %d storage buffers, the device %s allows %d", s.Name, len(face.bindings), d.Info.Name, limits.MaxStorageBuffers)
	case face.pushBytes > limits.MaxPushConstants:
		return nil, fmt.Errorf("shader %s has %d bytes of push constants, the device %s allows %d", s.Name, face.pushBytes, d.Info.Name, limits.MaxPushConstants)
	}
	p := &pipeline{name: s.Name, code: words, spec: spec, shaderInterface: face}
	d.pipelines[key] = p
	return p, nil
}

// create makes the Vulkan objects, once.
func (p *pipeline) create(d *Device) error {
	if p.c.pipeline != 0 {
		return nil
	}
	var spec *C.uint32_t
	if len(p.spec) > 0 {
		spec = (*C.uint32_t)(unsafe.Pointer(&p.spec[0]))
	}
	result := C.cv_create_pipeline(unsafe.Pointer(d.handle), 0, (*C.uint32_t)(unsafe.Pointer(&p.code[0])), C.uint64_t(4*len(p.code)),
		C.uint32_t(len(p.bindings)), C.uint32_t(p.pushBytes), spec, C.uint32_t(len(p.spec)), &p.c)
	if err := check("vkCreateComputePipelines", int32(result)); err != nil {
		p.destroy(d)
		return fmt.Errorf("shader %s %v: %w", p.name, p.spec, err)
	}
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
