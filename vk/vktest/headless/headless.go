// Package headless makes surfaces without a window (VK_EXT_headless_surface), for the tests of what presents.
package headless

/*
#cgo linux LDFLAGS: -ldl
#include <stdint.h>
#ifdef __linux__
#include <dlfcn.h>
#endif

typedef struct { uint32_t type; const void *next; uint32_t flags; } info;
typedef int32_t (*create)(void *, const info *, const void *, uint64_t *);
typedef create (*proc)(void *, const char *);

static int32_t make(uintptr_t instance, uint64_t *surface) {
#ifdef __linux__
  void *loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  proc get = loader ? (proc)dlsym(loader, "vkGetInstanceProcAddr") : NULL;
  create f = get ? get((void *)instance, "vkCreateHeadlessSurfaceEXT") : NULL;
  info i = {1000256000, NULL, 0};
  if (f) return f((void *)instance, &i, NULL, surface);
#endif
  return -7; // VK_ERROR_EXTENSION_NOT_PRESENT
}

static uint64_t last;
static int32_t make_last(uintptr_t instance) { return make(instance, &last); }
static uintptr_t address(void) { return (uintptr_t)&last; }
*/
import "C"

import (
	"fmt"
	"reflect"
)

// Extensions are the instance extensions that it takes.
func Extensions() []string { return []string{"VK_KHR_surface", "VK_EXT_headless_surface"} }

// Create is for vk.NewSurface.
func Create(instance any) (uintptr, error) {
	if result := C.make_last(C.uintptr_t(reflect.ValueOf(instance).Pointer())); result != 0 {
		return 0, fmt.Errorf("vkCreateHeadlessSurfaceEXT: %d", result)
	}
	return uintptr(C.address()), nil
}
