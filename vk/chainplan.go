// What a swapchain is made with, chosen from what a surface allows.

package vk

// #include "native.h"
import "C"

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Numbers of Vulkan.
const (
	rgba8, bgra8           = 37, 44 // VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B8G8R8A8_UNORM
	srgbNonlinear          = 0
	immediate, mailbox     = 0, 1
	fifo                   = 2
	identity               = 1
	opaque, inheritedAlpha = 1, 8
	transferTo             = 2
	anyExtent              = 0xFFFFFFFF // the window takes the size of the swapchain
)

// surfaceFormat is a VkSurfaceFormatKHR.
type surfaceFormat struct{ format, space uint32 }

// surfaceInfo is what a surface allows on a device.
type surfaceInfo struct {
	minImages, maxImages                  uint32 // a maximum of 0 is none
	current, smallest, largest            [2]int // width and height
	transforms, transform, alphas, usages uint32
	formats                               []surfaceFormat
	modes                                 []uint32
}

// chainPlan is what a swapchain is made with; 0 x 0 is none.
type chainPlan struct {
	w, h                           int
	images, transform, alpha, mode uint32
	format                         surfaceFormat
}

// c is the plan as C takes it.
func (p chainPlan) c() C.cv_swapchain {
	return C.cv_swapchain{
		images: C.uint32_t(p.images), format: C.uint32_t(p.format.format), space: C.uint32_t(p.format.space),
		width: C.uint32_t(p.w), height: C.uint32_t(p.h),
		transform: C.uint32_t(p.transform), alpha: C.uint32_t(p.alpha), mode: C.uint32_t(p.mode),
	}
}

// capabilities reads what may change with every size of the window.
func (s *Surface) capabilities(device vulkan.PhysicalDevice) (surfaceInfo, error) {
	var c C.cv_surface
	if err := check("vkGetPhysicalDeviceSurfaceCapabilitiesKHR", C.cv_surface_capabilities(unsafe.Pointer(device), s.handle, &c)); err != nil {
		return surfaceInfo{}, err
	}
	pair := func(p [2]C.uint32_t) [2]int { return [2]int{int(p[0]), int(p[1])} }
	return surfaceInfo{
		minImages: uint32(c.min_images), maxImages: uint32(c.max_images),
		current: pair(c.current), smallest: pair(c.smallest), largest: pair(c.largest),
		transforms: uint32(c.transforms), transform: uint32(c.transform), alphas: uint32(c.alphas), usages: uint32(c.usages),
	}, nil
}

// read is capabilities with formats and modes.
func (s *Surface) read(device vulkan.PhysicalDevice) (surfaceInfo, error) {
	info, err := s.capabilities(device)
	if err != nil {
		return info, err
	}
	formats, err := twice("vkGetPhysicalDeviceSurfaceFormatsKHR", func(n *C.uint32_t, list *C.cv_format) C.int32_t {
		return C.cv_surface_formats(unsafe.Pointer(device), s.handle, n, list)
	})
	if err != nil {
		return info, err
	}
	modes, err := twice("vkGetPhysicalDeviceSurfacePresentModesKHR", func(n, list *C.uint32_t) C.int32_t {
		return C.cv_present_modes(unsafe.Pointer(device), s.handle, n, list)
	})
	for _, f := range formats {
		info.formats = append(info.formats, surfaceFormat{uint32(f.format), uint32(f.space)})
	}
	for _, m := range modes {
		info.modes = append(info.modes, uint32(m))
	}
	return info, err
}

// extent is the size of a swapchain for a framebuffer of w x h pixels; 0 x 0 where the window has none.
func (s surfaceInfo) extent(w, h int) (int, int) {
	size := s.current
	if size == [2]int{anyExtent, anyExtent} {
		for i, n := range []int{w, h} {
			size[i] = min(max(n, s.smallest[i]), s.largest[i])
		}
	}
	if w <= 0 || h <= 0 || size[0] == 0 || size[1] == 0 {
		return 0, 0
	}
	return size[0], size[1]
}

// plan chooses for a framebuffer of w x h pixels: bytes are shown as they are (UNORM), the newest picture wins where that can be (MAILBOX),
// and one image more than the window system keeps for itself.
func (s surfaceInfo) plan(w, h int) (p chainPlan, err error) {
	for _, f := range []surfaceFormat{{bgra8, srgbNonlinear}, {rgba8, srgbNonlinear}} {
		if slices.Contains(s.formats, f) || slices.Contains(s.formats, surfaceFormat{}) { // the latter takes any
			p.format = f
			break
		}
	}
	if p.format.format == 0 {
		return p, fmt.Errorf("it has neither VK_FORMAT_B8G8R8A8_UNORM nor VK_FORMAT_R8G8B8A8_UNORM, but %v", s.formats)
	}
	if p.w, p.h = s.extent(w, h); p.w == 0 {
		return p, nil
	}
	if s.usages&transferTo == 0 {
		return p, errors.New("its images take no copies (no VK_IMAGE_USAGE_TRANSFER_DST_BIT)")
	}
	if p.images = s.minImages + 1; s.maxImages > 0 {
		p.images = min(p.images, s.maxImages)
	}
	p.mode = fifo // which all have
	for _, m := range []uint32{mailbox, immediate} {
		if slices.Contains(s.modes, m) {
			p.mode = m
			break
		}
	}
	if p.transform = s.transform; s.transforms&identity != 0 {
		p.transform = identity
	}
	p.alpha = 1 << bits.TrailingZeros32(s.alphas)
	for _, a := range []uint32{opaque, inheritedAlpha} {
		if s.alphas&a != 0 {
			p.alpha = a
			break
		}
	}
	return p, nil
}
