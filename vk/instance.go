// One Vulkan instance a process: the loader, the optional validation layer, and the list of physical devices.

package vk

/*
#cgo CFLAGS: -O2 -Wall
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// instance is the process's Vulkan instance. vulkan-go keeps its entry points in C globals, so there is exactly one.
type instance struct {
	handle   vulkan.Instance
	devices  []physical
	surfaces bool // made with the extensions of a window system
	aids
}

// physical is a device that could be opened.
type physical struct {
	handle     vulkan.PhysicalDevice
	info       DeviceInfo
	family     uint32   // of the queue
	families   []family // that there are
	timestamps uint     // valid bits of its timestamps; 0 where it has none
	tick       float64  // nanoseconds
	extensions map[string]bool
	memory     []vulkan.MemoryPropertyFlagBits // by memory type
	cacheUUID  [16]byte                        // which pipeline caches this driver can read
}

// openInstance creates the instance on first use.
var openInstance = sync.OnceValues(newInstance)

// newInstance opens the loader, with the debugging aids that the environment asks for.
func newInstance() (*instance, error) {
	wanted, err := wantedAids()
	if err != nil {
		return nil, err
	}
	proc := C.cv_open_loader()
	if proc == nil {
		return nil, ErrNoDriver
	}
	vulkan.SetGetInstanceProcAddr(proc)
	if err := vulkan.Init(); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoDriver, err)
	}
	in := &instance{aids: wanted}
	if err := in.create(proc); err != nil {
		return nil, err
	}
	if err := vulkan.InitInstance(in.handle); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoDriver, err)
	}
	missing := C.cv_load(proc, unsafe.Pointer(in.handle))
	if missing == nil && in.surfaces {
		missing = C.cv_load_swapchains(unsafe.Pointer(in.handle))
	}
	if missing != nil {
		return nil, fmt.Errorf("the Vulkan loader has no %s: Vulkan 1.1 is needed", C.GoString(missing))
	}
	if err := in.load(in.handle); err != nil {
		return nil, err
	}
	if err := in.enumerate(); err != nil {
		return nil, err
	}
	return in, nil
}

func (in *instance) create(proc unsafe.Pointer) error {
	available, err := instanceExtensions(proc)
	if err != nil {
		return err
	}
	layers, enabled := in.enabled(available)
	windows := takeWindowExtensions()
	enabled = append(enabled, windows...)
	in.surfaces = slices.Contains(windows, surfaceExtension)
	var flags C.uint32_t
	if available["VK_KHR_portability_enumeration"] { // MoltenVK is listed only to those who ask
		enabled = append(enabled, "VK_KHR_portability_enumeration")
		flags |= 1
	}
	cLayers, cEnabled := cStrings(layers), cStrings(enabled)
	defer freeStrings(cLayers)
	defer freeStrings(cEnabled)
	var handle unsafe.Pointer
	result := C.cv_create_instance(proc, flags, unsafe.SliceData(cLayers), C.uint32_t(len(cLayers)),
		unsafe.SliceData(cEnabled), C.uint32_t(len(cEnabled)), &handle)
	in.handle = vulkan.Instance(handle)
	err = check("vkCreateInstance", result)
	switch vulkan.Result(result) {
	case vulkan.ErrorIncompatibleDriver:
		return fmt.Errorf("%w (%w)", ErrNoDriver, err)
	case vulkan.ErrorLayerNotPresent:
		return fmt.Errorf("%w (%w)", ErrNoLayers, err)
	}
	return err
}

// instanceExtensions lists those of the loader and of the drivers.
func instanceExtensions(proc unsafe.Pointer) (map[string]bool, error) {
	return extensions("vkEnumerateInstanceExtensionProperties", func(n *C.uint32_t, list *C.cv_extension) C.int32_t {
		return C.cv_instance_extensions(proc, n, list)
	})
}

// enumerate lists the devices that have a compute queue and Vulkan 1.1, in the driver's order.
func (in *instance) enumerate() error {
	var count uint32
	if err := check("vkEnumeratePhysicalDevices", vulkan.EnumeratePhysicalDevices(in.handle, &count, nil)); err != nil {
		return fmt.Errorf("%w (%w)", ErrNoDriver, err)
	}
	handles := make([]vulkan.PhysicalDevice, count)
	if err := check("vkEnumeratePhysicalDevices", vulkan.EnumeratePhysicalDevices(in.handle, &count, handles)); err != nil {
		return fmt.Errorf("%w (%w)", ErrNoDriver, err)
	}
	for _, h := range handles[:count] {
		p := physical{handle: h}
		ext, err := extensions("vkEnumerateDeviceExtensionProperties", func(n *C.uint32_t, list *C.cv_extension) C.int32_t {
			return C.cv_device_extensions(unsafe.Pointer(h), n, list)
		})
		if err != nil {
			return err
		}
		p.extensions = ext
		if i := p.computeFamily(); i >= 0 && p.read() {
			p.use(i)
			p.info.Index = len(in.devices)
			in.devices = append(in.devices, p)
		}
	}
	if len(in.devices) == 0 {
		return ErrNoDriver
	}
	return nil
}

// computeFamily lists the queue families and finds one that computes, or -1.
func (p *physical) computeFamily() int {
	var count C.uint32_t
	C.cv_queue_families(unsafe.Pointer(p.handle), &count, nil)
	list := make([]C.cv_family, count)
	C.cv_queue_families(unsafe.Pointer(p.handle), &count, unsafe.SliceData(list))
	p.families = make([]family, count)
	for i, f := range list[:count] {
		p.families[i] = family{vulkan.QueueFlagBits(f.flags), uint(f.timestamp_bits)}
	}
	return chooseFamily(p.families)
}

// use makes a family the one that the queue is of.
func (p *physical) use(i int) {
	p.family, p.timestamps = uint32(i), p.families[i].timestamps
	p.info.Queue, p.info.Limits.TimestampPeriod, p.info.Limits.TimestampBits = i, 0, int(p.timestamps)
	if p.timestamps > 0 {
		p.info.Limits.TimestampPeriod = p.tick
	}
}

// family is a queue family: what it can do, and the valid bits of its timestamps.
type family struct {
	flags      vulkan.QueueFlagBits
	timestamps uint
}

// chooseFamily picks one that computes, or -1; one with graphics too is preferred: on every vendor that is the main, widest queue.
func chooseFamily(families []family) int {
	for _, want := range []vulkan.QueueFlagBits{vulkan.QueueComputeBit | vulkan.QueueGraphicsBit, vulkan.QueueComputeBit} {
		if i := slices.IndexFunc(families, func(f family) bool { return f.flags&want == want }); i >= 0 {
			return i
		}
	}
	return -1
}

// extensions lists extension names by Vulkan's convention of two calls.
func extensions(call string, list func(*C.uint32_t, *C.cv_extension) C.int32_t) (map[string]bool, error) {
	found, err := twice(call, list)
	if err != nil {
		return nil, err
	}
	set := make(map[string]bool, len(found))
	for i := range found {
		set[C.GoString(&found[i].name[0])] = true
	}
	return set, nil
}

// cStrings copies strings to C memory, each ended with NUL; freeStrings frees them.
func cStrings(list []string) []*C.char {
	out := make([]*C.char, len(list))
	for i, s := range list {
		out[i] = C.CString(s)
	}
	return out
}

func freeStrings(list []*C.char) {
	for _, s := range list {
		freeString(s)
	}
}

func freeString(s *C.char) { C.free(unsafe.Pointer(s)) }

// twice lists things by Vulkan's convention of two calls.
func twice[T any](call string, list func(*C.uint32_t, *T) C.int32_t) ([]T, error) {
	var count C.uint32_t
	if err := check(call, list(&count, nil)); err != nil || count == 0 {
		return nil, err
	}
	found := make([]T, count)
	if err := check(call, list(&count, unsafe.SliceData(found))); err != nil {
		return nil, err
	}
	return found[:count], nil
}
