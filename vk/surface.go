// Surfaces: what a window is to Vulkan, and devices that can present to one.

package vk

// #include "native.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

const (
	surfaceExtension   = "VK_KHR_surface"
	swapchainExtension = "VK_KHR_swapchain"
)

// windowExtensions are the instance extensions of a window system.
var windowExtensions struct {
	sync.Mutex
	names []string
	taken bool // the instance was made
}

// UseInstanceExtensions asks for the instance extensions that a window library needs, before the instance is first used: Validate may
// come after it, all else does. The error names those that no driver has (it wraps ErrCannotPresent then), or says that it is too late.
func UseInstanceExtensions(names ...string) error {
	proc := C.cv_open_loader()
	if proc == nil {
		return ErrNoDriver
	}
	available, err := instanceExtensions(proc)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return available[name] })
	if len(missing) > 0 {
		return fmt.Errorf("the Vulkan drivers here %w, for want of %s: install your GPU's driver, or Mesa's lavapipe, or go without a window (--headless)",
			ErrCannotPresent, strings.Join(missing, ", "))
	}
	w := &windowExtensions
	w.Lock()
	defer w.Unlock()
	for _, name := range names {
		switch {
		case slices.Contains(w.names, name):
		case w.taken:
			return fmt.Errorf("instance extension %s: to be asked for before the first device is opened", name)
		default:
			w.names = append(w.names, name)
		}
	}
	return nil
}

// takeWindowExtensions are those that the instance is made with: no other can be asked for from now on.
func takeWindowExtensions() []string {
	windowExtensions.Lock()
	defer windowExtensions.Unlock()
	windowExtensions.taken = true
	return windowExtensions.names
}

// instanceMade tells whether there is an instance, or has been an attempt to make one.
func instanceMade() bool {
	windowExtensions.Lock()
	defer windowExtensions.Unlock()
	return windowExtensions.taken
}

// Surface is a window, as Vulkan presents to it. It outlives the swapchains on it, and the window outlives it.
type Surface struct {
	in     *instance
	handle C.uint64_t
}

// NewSurface makes a surface. create gets the VkInstance (a pointer in an any) and returns the address of a VkSurfaceKHR: what
// CreateWindowSurface of go-gl's glfw takes and returns.
func NewSurface(create func(instance any) (uintptr, error)) (*Surface, error) {
	in, err := openInstance()
	if err != nil {
		return nil, err
	}
	if !in.surfaces {
		return nil, errors.New("surface: UseInstanceExtensions is to be asked for " + surfaceExtension + " first")
	}
	s := &Surface{in: in}
	withoutGarbage(func() {
		var address uintptr
		if address, err = create(in.handle); err == nil {
			s.handle = C.cv_handle_at(C.uintptr_t(address))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("surface of the window: %w", err)
	}
	return s, nil
}

// withoutGarbage runs f while nothing is collected: the address that glfw returns is that of a Go variable which nobody holds any more.
func withoutGarbage(f func()) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	f()
}

// Close frees the surface. The swapchains on it are closed first.
func (s *Surface) Close() {
	if s.handle != 0 {
		C.cv_destroy_surface(unsafe.Pointer(s.in.handle), s.handle)
		s.handle = 0
	}
}

// OpenPresenting opens the device that Choose picks among those that can present to s, with a queue that computes and presents. The
// error wraps ErrCannotPresent, and names the device and what to do, where that which choice asks for cannot.
func OpenPresenting(choice string, s *Surface) (*Device, error) {
	var all, able []DeviceInfo
	families, causes := map[int]int{}, map[int]error{}
	for _, p := range s.in.devices {
		family, err := s.family(&p)
		if family >= 0 {
			able, families[p.info.Index] = append(able, p.info), family
		}
		all, causes[p.info.Index] = append(all, p.info), err
	}
	info, err := Choose(able, choice)
	if err == nil {
		p := s.in.devices[info.Index]
		p.use(families[info.Index])
		return s.in.open(p, true)
	}
	if info, err = Choose(all, choice); err != nil {
		return nil, err
	}
	return nil, cannotPresent(info, able, causes[info.Index])
}

// family is a queue family of a device that computes and presents to s, or -1. An error says why the driver could not tell.
func (s *Surface) family(p *physical) (int, error) {
	if !p.extensions[swapchainExtension] {
		return -1, nil
	}
	can := make([]bool, len(p.families))
	for i := range can {
		var err error
		if can[i], err = s.presents(p.handle, i); err != nil {
			return -1, err
		}
	}
	return presentingFamily(p.families, int(p.family), can), nil
}

// presentingFamily is the usual family if it can present, else what chooseFamily picks among those that can.
func presentingFamily(families []family, usual int, can []bool) int {
	if can[usual] {
		return usual
	}
	families = slices.Clone(families)
	for i := range families {
		if !can[i] {
			families[i].flags = 0
		}
	}
	return chooseFamily(families)
}

// presents tells whether a queue family presents to s.
func (s *Surface) presents(device vulkan.PhysicalDevice, family int) (bool, error) {
	var yes C.uint32_t
	err := check("vkGetPhysicalDeviceSurfaceSupportKHR", C.cv_can_present(unsafe.Pointer(device), C.uint32_t(family), s.handle, &yes))
	return yes != 0, err
}

// cannotPresent is the error for a device, which names those that can.
func cannotPresent(d DeviceInfo, able []DeviceInfo, cause error) error {
	cure := "use no window (--headless)"
	if len(able) > 0 {
		var others []string
		for _, a := range able {
			others = append(others, fmt.Sprintf("--device %d (%s)", a.Index, a.Name))
		}
		cure = "use " + strings.Join(others, ", or ") + ", or no window (--headless)"
	}
	if cause != nil {
		return fmt.Errorf("%s %w: %s (%w)", d.Name, ErrCannotPresent, cure, cause)
	}
	return fmt.Errorf("%s %w: %s", d.Name, ErrCannotPresent, cure)
}
