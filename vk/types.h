// What native.c, debug.c and swapchain.c share: Vulkan's basic types and the way to its entry points.
#ifndef CYCLEVK_TYPES_H
#define CYCLEVK_TYPES_H

#include <stdint.h>

#ifdef _WIN32
#define VKCALL __stdcall
#else
#define VKCALL
#endif

typedef int32_t VkResult;
typedef uint32_t VkFlags;
typedef uint64_t VkHandle;
typedef struct { uint32_t sType; void *pNext; } VkBase;

// Entry points that not every instance or device has: NULL where it has none of the name.
void *cv_instance_proc(void *instance, const char *name);
void *cv_device_proc(void *device, const char *name);

#endif
