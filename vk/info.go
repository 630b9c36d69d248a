// What a device is and can do, as plain Go values.

package vk

// #include "native.h"
import "C"

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// DeviceType says what kind of device runs the shaders.
type DeviceType int

// The kinds of Vulkan device, numbered as Vulkan numbers them.
const (
	Other DeviceType = iota
	IntegratedGPU
	DiscreteGPU
	VirtualGPU
	CPU
)

func (t DeviceType) String() string {
	switch t {
	case IntegratedGPU:
		return "integrated GPU"
	case DiscreteGPU:
		return "discrete GPU"
	case VirtualGPU:
		return "virtual GPU"
	case CPU:
		return "CPU"
	}
	return "other"
}

// Limits are the device limits that this project meets; sizes are in bytes.
type Limits struct {
	MaxStorageBufferRange    int // one storage buffer binding
	MaxAllocation            int // one memory allocation
	MaxPushConstants         int
	MaxStorageBuffers        int // bindings of one shader
	MaxSharedMemory          int
	MaxGroupCount            [3]int
	MaxInvocations           int // of one workgroup
	MaxGroupSize             [3]int
	StorageBufferAlignment   int
	TimestampPeriod          float64 // nanoseconds a tick; 0 where the device has no timestamps
	TimestampBits            int     // valid bits of a timestamp
	SubgroupSize             int
	MinSubgroup, MaxSubgroup int

	// Of shaders with matrices of a workgroup (Features.WorkgroupMatrix): its lanes, a matrix's rows or columns, and the bytes of
	// MaxSharedMemory that the driver keeps for itself.
	MaxMatrixLanes, MaxMatrixSide, MatrixReserved int
}

// matrixExtensions are those of cooperative matrices and of what Vulkan 1.1 asks of their shaders: a memory model, and full subgroups.
var matrixExtensions = []string{"VK_KHR_cooperative_matrix", "VK_KHR_vulkan_memory_model", "VK_EXT_subgroup_size_control"}

// Extensions of more kinds of cooperative matrices.
const bfloat16Extension, workgroupMatrixExtension = "VK_KHR_shader_bfloat16", "VK_NV_cooperative_matrix2"

// SPIR-V capabilities of shaders with cooperative matrices.
const vulkanMemoryModel, cooperativeMatrix = 5345, 6022

// Features are the optional abilities that some kernel variants use.
type Features struct {
	Storage16          bool // 16-bit values in storage buffers
	Float16            bool // half-precision arithmetic
	CooperativeMatrix  bool // VK_KHR_cooperative_matrix, and what its shaders need
	BFloat16Matrix     bool // VK_KHR_shader_bfloat16: of bf16, too
	WorkgroupMatrix    bool // VK_NV_cooperative_matrix2: of a whole workgroup, and of more sizes
	Statistics         bool // VK_KHR_pipeline_executable_properties: the driver tells what it compiled
	MemoryBudget       bool // VK_EXT_memory_budget: the driver says how much memory is free
	SubgroupArithmetic bool
	SubgroupShuffle    bool // and broadcasts
}

// has reports whether a device is open to shaders that need a SPIR-V capability.
func (f Features) has(capability uint32) bool {
	const (
		shader, float16                               = 1, 9
		groupNonUniform, groupNonUniformArithmetic    = 61, 63
		groupNonUniformBallot, groupNonUniformShuffle = 64, 65
		bfloat16Type, bfloat16CooperativeMatrix       = 5116, 5118
	)
	switch capability {
	case shader, groupNonUniform: // of every Vulkan 1.1 device
		return true
	case float16:
		return f.Float16
	case groupNonUniformArithmetic:
		return f.SubgroupArithmetic
	case groupNonUniformBallot, groupNonUniformShuffle:
		return f.SubgroupShuffle
	case vulkanMemoryModel, cooperativeMatrix:
		return f.CooperativeMatrix
	case bfloat16Type, bfloat16CooperativeMatrix:
		return f.BFloat16Matrix
	}
	return false
}

// Matrix is a shape of cooperative matrices that a device multiplies: A, M x K, by B, K x N, both added to C.
type Matrix struct {
	M, N, K      int
	A, B, C, Sum string // types of elements, such as f16
	Subgroup     bool   // a subgroup holds a matrix; else another scope does
	Lanes        int    // of a workgroup that holds a matrix, in DeviceInfo.Flexible; else 0
}

func (m Matrix) String() string {
	text := fmt.Sprintf("%dx%dx%d %s*%s+%s=%s", m.M, m.N, m.K, m.A, m.B, m.C, m.Sum)
	if m.Lanes > 0 {
		text += fmt.Sprintf(" on %d lanes", m.Lanes)
	}
	return text
}

// matrixOf reads what a driver reports.
func matrixOf(m C.cv_matrix, lanes C.uint32_t) Matrix {
	const subgroup = 3 // VK_SCOPE_SUBGROUP_KHR
	return Matrix{
		M: int(m.m), N: int(m.n), K: int(m.k), A: component(m.a), B: component(m.b), C: component(m.c), Sum: component(m.result),
		Subgroup: m.scope == subgroup, Lanes: int(lanes),
	}
}

// component names a VkComponentTypeKHR.
func component(n C.uint32_t) string {
	if names := []string{"f16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"}; int(n) < len(names) {
		return names[n]
	}
	if n == 1000141000 { // VK_COMPONENT_TYPE_BFLOAT16_KHR
		return "bf16"
	}
	return fmt.Sprintf("type %d", n)
}

// DeviceInfo describes a device.
type DeviceInfo struct {
	Index              int // position in Devices()
	Name               string
	Driver             string // name and version, as the driver writes them
	Type               DeviceType
	VendorID, DeviceID uint32
	API                string // highest Vulkan version, such as "1.3.230"
	Memory             int    // bytes of the largest device-local heap
	Queue, Queues      int    // the queue family that is used, of how many
	Limits             Limits
	Features           Features
	Matrices           []Matrix // of Features.CooperativeMatrix
	Flexible           []Matrix // of Features.WorkgroupMatrix: M, N and K are what a matrix's are multiples of
}

func (i DeviceInfo) String() string {
	return fmt.Sprintf("%s (%s, %s, Vulkan %s)", i.Name, i.Type, i.Driver, i.API)
}

// read fills in what the physical device says of itself; false where it is older than Vulkan 1.1.
func (p *physical) read() bool {
	ext := p.extensions
	hasMatrices := !slices.ContainsFunc(matrixExtensions, func(e string) bool { return !ext[e] })
	var c C.cv_info
	C.cv_get_info(unsafe.Pointer(p.handle), cBool(ext["VK_KHR_driver_properties"]), cBool(ext["VK_EXT_subgroup_size_control"]),
		cBool(ext["VK_KHR_shader_float16_int8"]), cBool(hasMatrices), cBool(hasMatrices && ext[bfloat16Extension]),
		cBool(hasMatrices && ext[workgroupMatrixExtension]), &c)
	api := vulkan.Version(c.api_version)
	if api < vulkan.Version(vulkan.MakeVersion(1, 1, 0)) {
		return false
	}
	p.info = DeviceInfo{
		Name: C.GoString(&c.name[0]), Type: DeviceType(c._type), VendorID: uint32(c.vendor_id), DeviceID: uint32(c.device_id),
		Driver: fmt.Sprintf("driver version %#x", uint32(c.driver_version)), API: api.String(), Memory: size(c.memory),
		Queues: len(p.families),
		Limits: Limits{
			MaxStorageBufferRange: int(c.max_storage_range), MaxAllocation: size(c.max_allocation), MaxPushConstants: int(c.max_push_constants),
			MaxStorageBuffers: int(c.max_bound_storage_buffers), MaxSharedMemory: int(c.max_shared_memory),
			MaxGroupCount: ints(c.max_group_count), MaxInvocations: int(c.max_invocations), MaxGroupSize: ints(c.max_group_size),
			StorageBufferAlignment: size(c.storage_offset_alignment),
			SubgroupSize:           int(c.subgroup_size), MinSubgroup: int(c.min_subgroup_size), MaxSubgroup: int(c.max_subgroup_size),
			MaxMatrixLanes: int(c.max_matrix_lanes), MaxMatrixSide: int(c.max_matrix_side), MatrixReserved: int(c.matrix_reserved),
		},
		Features: Features{
			Storage16: c.storage16 != 0, Float16: c.float16 != 0, CooperativeMatrix: c.cooperative_matrix != 0, MemoryBudget: ext["VK_EXT_memory_budget"],
			BFloat16Matrix: c.bfloat16_matrix != 0, WorkgroupMatrix: c.workgroup_matrix != 0,
			Statistics:         ext[statisticsExtension],
			SubgroupArithmetic: c.subgroup_operations&4 != 0, SubgroupShuffle: c.subgroup_operations&24 == 24,
		},
	}
	if ext["VK_KHR_driver_properties"] {
		p.info.Driver = strings.TrimSpace(C.GoString(&c.driver_name[0]) + " " + C.GoString(&c.driver_info[0]))
	}
	p.tick = float64(c.timestamp_period)
	if p.info.Type == CPU && p.info.Limits.SubgroupSize > 8 {
		f := &p.info.Features // lavapipe (Mesa 26.1) dies of any shader with them at vectors of 512 bits
		f.CooperativeMatrix, f.BFloat16Matrix, f.WorkgroupMatrix = false, false, false
		c.matrix_count, c.flexible_count = 0, 0
	}
	for _, m := range c.matrices[:c.matrix_count] {
		p.info.Matrices = append(p.info.Matrices, matrixOf(m, 0))
	}
	for _, m := range c.flexible[:c.flexible_count] {
		p.info.Flexible = append(p.info.Flexible, matrixOf(m.unit, m.lanes))
	}
	p.cacheUUID = *(*[16]byte)(unsafe.Pointer(&c.cache_uuid))
	for _, flags := range c.memory_flags[:c.memory_types] {
		p.memory = append(p.memory, vulkan.MemoryPropertyFlagBits(flags))
	}
	return true
}

// size is a VkDeviceSize as an int: drivers write "no limit" as the largest uint64.
func size(n C.uint64_t) int { return int(min(n, math.MaxInt)) }

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func ints(a [3]C.uint32_t) [3]int { return [3]int{int(a[0]), int(a[1]), int(a[2])} }
