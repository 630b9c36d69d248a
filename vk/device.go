// Choosing and opening a device.

package vk

// #include "native.h"
import "C"

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Devices lists the Vulkan devices of this machine that can compute.
// The error wraps ErrNoDriver where there is none.
func Devices() ([]DeviceInfo, error) {
	in, err := openInstance()
	if err != nil {
		return nil, err
	}
	list := make([]DeviceInfo, len(in.devices))
	for i, p := range in.devices {
		list[i] = p.info
	}
	return list, nil
}

// Choose picks a device: by index ("1"), by part of its name ("radeon", any case), or, where choice is empty, what the
// environment variable CYCLEVK_DEVICE says in the same way, or else the best: a discrete GPU before an integrated one,
// before a virtual one, before a CPU, and the larger memory among equals.
func Choose(list []DeviceInfo, choice string) (DeviceInfo, error) {
	if choice == "" {
		choice = os.Getenv("CYCLEVK_DEVICE")
	}
	if len(list) == 0 {
		return DeviceInfo{}, ErrNoDriver
	}
	if choice == "" {
		best := list[0]
		for _, d := range list[1:] {
			if a, b := rank(d.Type), rank(best.Type); a > b || a == b && d.Memory > best.Memory {
				best = d
			}
		}
		return best, nil
	}
	if i, err := strconv.Atoi(choice); err == nil {
		for _, d := range list {
			if d.Index == i {
				return d, nil
			}
		}
		return DeviceInfo{}, fmt.Errorf("%w: index %d of %d; `cyclegan devices` lists them", ErrNoDevice, i, len(list))
	}
	for _, d := range list {
		if strings.Contains(strings.ToLower(d.Name), strings.ToLower(choice)) {
			return d, nil
		}
	}
	return DeviceInfo{}, fmt.Errorf("%w: %q; `cyclegan devices` lists them", ErrNoDevice, choice)
}

func rank(t DeviceType) int {
	switch t {
	case DiscreteGPU:
		return 4
	case IntegratedGPU:
		return 3
	case VirtualGPU:
		return 2
	case Other:
		return 1
	}
	return 0
}

// defaultTimeout is how long a submission may take: on a slow device the first of a large step takes minutes.
const defaultTimeout = 10 * time.Minute

// timeoutVariable is the environment variable that sets another.
const timeoutVariable = "CYCLEVK_TIMEOUT"

// memoryVariable is the environment variable that bounds the device memory, in MiB.
const memoryVariable = "CYCLEVK_MEMORY"

// Device is an open device with one compute queue. Its methods may be called from one goroutine at a time.
type Device struct {
	Info DeviceInfo

	// Timeout is how long a submission may take before waiting for it ends in ErrTimeout: CYCLEVK_TIMEOUT of the environment,
	// such as 90s or 1h, or 10 minutes. What is freed on a device that has hung is left to the end of the process, since it may
	// still be in use.
	Timeout time.Duration

	// Submission bounds the estimated work of a submission of the programs that are begun from now on; 0 for what desktops allow.
	Submission float64

	// Tuning is used by the programs that are written from now on; nil for none.
	Tuning Tuning

	in        *instance
	handle    vulkan.Device
	queue     vulkan.Queue
	family    uint32
	ticks     uint64                          // mask of the valid bits of a timestamp
	memory    []vulkan.MemoryPropertyFlagBits // by memory type
	pipelines map[string]*pipeline
	cache     *pipelineCache // nil where there is none
	staging   *staging
	copies    *commands // of Copy; nil before the first
	copying   bool      // the last was not waited for
	presents  bool      // opened with swapchains
	allocated int       // bytes that arenas and host buffers hold
	local     int       // those of them in device memory
	limit     int       // of them; 0 where there is none
	allocs    int       // vkAllocateMemory calls so far
	hung      bool

	statistics bool          // see Statistics
	fault      func() string // what the driver says of a fault, once the device is lost; nil where it says nothing
	running    []*marks      // of the runs that were not waited for, in order
}

// Open opens the device that Choose picks. Options that its driver does not offer are left out.
func Open(choice string, options ...Option) (*Device, error) {
	in, err := openInstance()
	if err != nil {
		return nil, err
	}
	list, err := Devices()
	if err != nil {
		return nil, err
	}
	info, err := Choose(list, choice)
	if err != nil {
		return nil, err
	}
	return in.open(in.devices[info.Index], false, options...)
}

// open opens a device with its queue, which may be one that presents to a window.
func (in *instance) open(p physical, presents bool, options ...Option) (*Device, error) {
	timeout := defaultTimeout
	if text := os.Getenv(timeoutVariable); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 {
			return nil, fmt.Errorf("%s=%q: use a time such as 90s or 1h", timeoutVariable, text)
		}
	}
	info, limit := p.info, 0
	if text := os.Getenv(memoryVariable); text != "" {
		const most = 1 << 30
		mib, err := strconv.Atoi(text)
		if err != nil || mib < 1 || mib > most {
			return nil, fmt.Errorf("%s=%q: use a number of MiB, such as 2048", memoryVariable, text)
		}
		limit = mib << 20
		info.Memory = min(info.Memory, limit)
	}
	var enabled []string
	if p.extensions["VK_KHR_portability_subset"] { // Vulkan requires it to be enabled where it is listed
		enabled = append(enabled, "VK_KHR_portability_subset")
	}
	var features C.uint32_t
	want := func(extension string, feature C.uint32_t) {
		enabled, features = append(enabled, extension), features|feature
	}
	if info.Features.Float16 {
		want("VK_KHR_shader_float16_int8", C.CV_FLOAT16)
	}
	if presents {
		enabled = append(enabled, swapchainExtension)
	}
	faults := in.marks && p.extensions[faultExtension]
	if faults {
		want(faultExtension, C.CV_FAULT)
	}
	if info.Features.CooperativeMatrix {
		enabled, features = append(enabled, matrixExtensions...), features|C.CV_MATRICES
	}
	if info.Features.BFloat16Matrix {
		want(bfloat16Extension, C.CV_BFLOAT16)
	}
	if info.Features.WorkgroupMatrix {
		want(workgroupMatrixExtension, C.CV_WORKGROUP_MATRICES)
	}
	statistics := info.Features.Statistics && slices.Contains(options, Statistics)
	if statistics {
		want(statisticsExtension, C.CV_STATISTICS)
	}
	cEnabled := cStrings(enabled)
	defer freeStrings(cEnabled)
	var handle unsafe.Pointer
	result := C.cv_create_device(unsafe.Pointer(p.handle), C.uint32_t(p.family), unsafe.SliceData(cEnabled), C.uint32_t(len(cEnabled)), features, &handle)
	if err := check("vkCreateDevice", result); err != nil {
		return nil, fmt.Errorf("open %s: %w", info.Name, err)
	}
	d := &Device{
		Info: info, Timeout: timeout, in: in, handle: vulkan.Device(handle), family: p.family, limit: limit, ticks: 1<<p.timestamps - 1, memory: p.memory,
		pipelines: map[string]*pipeline{}, presents: presents, statistics: statistics,
	}
	if faults {
		d.fault = d.queryFault
	}
	var queue vulkan.Queue
	vulkan.GetDeviceQueue(d.handle, d.family, 0, &queue)
	d.queue = queue
	return d, nil
}

// Close waits for the device and frees everything that was made on it but for arenas and programs, which are closed first.
// With validation on, it returns the messages that nothing else has reported.
func (d *Device) Close() error {
	if !d.idle() {
		return takeMessages()
	}
	d.closeCache()
	for _, p := range d.pipelines {
		p.destroy(d)
	}
	if d.staging != nil {
		d.staging.destroy(d)
	}
	if d.copies != nil {
		d.copies.destroy(d)
	}
	vulkan.DestroyDevice(d.handle, nil)
	return takeMessages()
}

// idle waits for the device, lost or not. It is false, at once, for one that hangs.
func (d *Device) idle() bool {
	if !d.hung {
		vulkan.DeviceWaitIdle(d.handle)
	}
	return !d.hung
}

// Free is how many bytes of device memory can still be allocated, as far as the driver says, else all there are; and no more than
// CYCLEVK_MEMORY of the environment leaves, a number of MiB.
func (d *Device) Free() int {
	p := d.in.devices[d.Info.Index]
	free := size(C.cv_free_memory(unsafe.Pointer(p.handle), cBool(p.info.Features.MemoryBudget)))
	if d.limit > 0 {
		free = min(free, d.limit-d.local)
	}
	return free
}

// Allocated returns the bytes of memory that arenas and programs hold now, and how many allocations were ever made.
func (d *Device) Allocated() (bytes, allocations int) { return d.allocated, d.allocs }

// submit hands command buffers to the queue; fence may be nil.
func (d *Device) submit(cmds []vulkan.CommandBuffer, fence vulkan.Fence) error {
	return d.submitBetween(cmds, nil, nil, fence)
}

// submitBetween is submit where the transfers wait for one semaphore and the end signals another; each may be nil.
func (d *Device) submitBetween(cmds []vulkan.CommandBuffer, wait, signal vulkan.Semaphore, fence vulkan.Fence) error {
	return d.explain(check("vkQueueSubmit", C.cv_submit(unsafe.Pointer(d.queue), (*unsafe.Pointer)(unsafe.Pointer(unsafe.SliceData(cmds))), C.uint32_t(len(cmds)),
		handle64(wait), handle64(signal), handle64(fence))))
}

// handle64 is a non-dispatchable handle (a pointer to C's eyes, never to Go's) as the number that native.h passes.
func handle64[H any](h H) C.uint64_t { return *(*C.uint64_t)(unsafe.Pointer(&h)) }
