// One Vulkan instance a process: the loader, the optional validation layer, and the list of physical devices.

package vk

/*
#cgo CFLAGS: -O2 -Wall
#cgo linux LDFLAGS: -ldl -lpthread
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

const validationLayer = "VK_LAYER_KHRONOS_validation"

// instance is the process's Vulkan instance. vulkan-go keeps its entry points in C globals, so there is exactly one.
type instance struct {
	handle   vulkan.Instance
	devices  []physical
	validate bool
}

// physical is a device that could be opened.
type physical struct {
	handle      vulkan.PhysicalDevice
	info        DeviceInfo
	queueFamily uint32
	extensions  map[string]bool
}

// openInstance creates the instance on first use. The validation layer is switched on by CYCLEVK_VALIDATE=1 in the environment.
var openInstance = sync.OnceValues(func() (*instance, error) {
	proc := C.cv_open_loader()
	if proc == nil {
		return nil, ErrNoDriver
	}
	vulkan.SetGetInstanceProcAddr(proc)
	if err := vulkan.Init(); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoDriver, err)
	}

	in := &instance{validate: os.Getenv("CYCLEVK_VALIDATE") == "1"}
	available, err := instanceExtensions()
	if err != nil {
		return nil, err
	}
	var layers, extensions []string
	var flags vulkan.InstanceCreateFlags
	if available["VK_KHR_portability_enumeration"] { // MoltenVK is listed only to those who ask
		extensions = append(extensions, cstr("VK_KHR_portability_enumeration"))
		flags |= 1
	}
	if in.validate {
		layers = append(layers, cstr(validationLayer))
		extensions = append(extensions, cstr("VK_EXT_debug_utils"))
	}
	app := &vulkan.ApplicationInfo{
		SType: vulkan.StructureTypeApplicationInfo, ApiVersion: vulkan.MakeVersion(1, 1, 0),
		PApplicationName: cstr("cyclevk"), PEngineName: cstr("cyclevk"),
	}
	info := &vulkan.InstanceCreateInfo{
		SType: vulkan.StructureTypeInstanceCreateInfo, Flags: flags, PApplicationInfo: app,
		EnabledLayerCount: uint32(len(layers)), PpEnabledLayerNames: layers,
		EnabledExtensionCount: uint32(len(extensions)), PpEnabledExtensionNames: extensions,
	}
	var handle vulkan.Instance
	result := vulkan.CreateInstance(info, nil, &handle)
	runtime.KeepAlive(app)
	info.Free()
	if result != vulkan.Success {
		err := check("vkCreateInstance", result)
		switch result {
		case vulkan.ErrorIncompatibleDriver:
			return nil, fmt.Errorf("%w (%w)", ErrNoDriver, err)
		case vulkan.ErrorLayerNotPresent:
			return nil, fmt.Errorf("%w: CYCLEVK_VALIDATE=1 needs the layer %s (Debian and Ubuntu: apt install vulkan-validationlayers)", err, validationLayer)
		}
		return nil, err
	}
	in.handle = handle
	if err := vulkan.InitInstance(handle); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoDriver, err)
	}
	if missing := C.cv_load(proc, unsafe.Pointer(handle)); missing != nil {
		return nil, fmt.Errorf("the Vulkan loader has no %s: Vulkan 1.1 is needed", C.GoString(missing))
	}
	if in.validate {
		if err := check("vkCreateDebugUtilsMessengerEXT", int32(C.cv_watch(unsafe.Pointer(handle)))); err != nil {
			return nil, err
		}
	}
	if err := in.enumerate(); err != nil {
		return nil, err
	}
	return in, nil
})

func instanceExtensions() (map[string]bool, error) {
	return names(func(count *uint32, out []vulkan.ExtensionProperties) vulkan.Result {
		return vulkan.EnumerateInstanceExtensionProperties("", count, out)
	}, "vkEnumerateInstanceExtensionProperties")
}

// names lists extension names by Vulkan's two-call convention.
func names(list func(*uint32, []vulkan.ExtensionProperties) vulkan.Result, call string) (map[string]bool, error) {
	var count uint32
	if err := check(call, list(&count, nil)); err != nil {
		return nil, err
	}
	found := make([]vulkan.ExtensionProperties, count)
	if err := check(call, list(&count, found)); err != nil {
		return nil, err
	}
	set := make(map[string]bool, count)
	for i := range found[:count] {
		found[i].Deref()
		set[vulkan.ToString(found[i].ExtensionName[:])] = true
		found[i].Free()
	}
	return set, nil
}

// enumerate lists the devices that have a compute queue and Vulkan 1.1, in the driver's order.
func (in *instance) enumerate() error {
	var count uint32
	if err := check("vkEnumeratePhysicalDevices", vulkan.EnumeratePhysicalDevices(in.handle, &count, nil)); err != nil {
		return err
	}
	handles := make([]vulkan.PhysicalDevice, count)
	if err := check("vkEnumeratePhysicalDevices", vulkan.EnumeratePhysicalDevices(in.handle, &count, handles)); err != nil {
		return err
	}
	for _, h := range handles[:count] {
		p := physical{handle: h}
		family, ok := computeFamily(h)
		if !ok {
			continue
		}
		p.queueFamily = family
		ext, err := names(func(n *uint32, out []vulkan.ExtensionProperties) vulkan.Result {
			return vulkan.EnumerateDeviceExtensionProperties(h, "", n, out)
		}, "vkEnumerateDeviceExtensionProperties")
		if err != nil {
			return err
		}
		p.extensions = ext
		if p.info, ok = readInfo(h, ext); !ok {
			continue
		}
		p.info.Index = len(in.devices)
		in.devices = append(in.devices, p)
	}
	if len(in.devices) == 0 {
		return ErrNoDriver
	}
	return nil
}

// computeFamily prefers a family with graphics too: on every vendor that is the main, widest queue.
func computeFamily(h vulkan.PhysicalDevice) (family uint32, ok bool) {
	var count uint32
	vulkan.GetPhysicalDeviceQueueFamilyProperties(h, &count, nil)
	families := make([]vulkan.QueueFamilyProperties, count)
	vulkan.GetPhysicalDeviceQueueFamilyProperties(h, &count, families)
	for i := range families[:count] {
		families[i].Deref()
		flags := vulkan.QueueFlagBits(families[i].QueueFlags)
		families[i].Free()
		if flags&vulkan.QueueComputeBit == 0 {
			continue
		}
		if flags&vulkan.QueueGraphicsBit != 0 {
			return uint32(i), true
		}
		if !ok {
			family, ok = uint32(i), true
		}
	}
	return family, ok
}

// takeMessages returns an error that carries every validation message since the last call, or nil.
func takeMessages() error {
	buf := make([]byte, 16385)
	dropped := C.cv_take_messages((*C.char)(unsafe.Pointer(&buf[0])), C.uint32_t(len(buf)))
	text := strings.TrimSpace(vulkan.ToString(buf))
	if text == "" && dropped == 0 {
		return nil
	}
	if dropped > 0 {
		text += fmt.Sprintf("\nand %d more", dropped)
	}
	return fmt.Errorf("%w: %s", ErrValidation, text)
}

// cstr ends a string with the NUL that the binding does not add.
func cstr(s string) string { return s + "\x00" }
