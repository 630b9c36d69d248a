// Surfaces and swapchains: what brings a buffer of pixels into a window. Their entry points exist only where the instance was made with
// the extensions of a window system, so they are found apart from the others.
#include "native.h"
#include "types.h"

#include <stddef.h>

typedef struct {
  uint32_t sType; const void *pNext; VkFlags flags; VkHandle surface; uint32_t images, format, space, extent[2], layers; VkFlags usage;
  uint32_t sharing, familyCount; const uint32_t *families; VkFlags transform, alpha; uint32_t mode, clipped; VkHandle old;
} VkSwapchainInfo;
typedef struct {
  uint32_t sType; const void *pNext; uint32_t waitCount; const VkHandle *waits; uint32_t count; const VkHandle *swapchains;
  const uint32_t *indices; VkResult *results;
} VkPresent;
typedef struct { VkFlags aspect; uint32_t level, levels, layer, layers; } VkImageRange;
typedef struct {
  uint32_t sType; const void *pNext; VkFlags src, dst; uint32_t from, to, srcFamily, dstFamily; VkHandle image; VkImageRange range;
} VkImageBarrier;
typedef struct { VkFlags aspect; uint32_t level, layer, layers; } VkImageLayers;
typedef struct { uint64_t offset; uint32_t rowLength, height; VkImageLayers layers; int32_t at[3]; uint32_t extent[3]; } VkPixels;

#define ENTRY_POINTS(X) \
  X(vkDestroySurfaceKHR, void, (void *, VkHandle, const void *)) \
  X(vkGetPhysicalDeviceSurfaceSupportKHR, VkResult, (void *, uint32_t, VkHandle, uint32_t *)) \
  X(vkGetPhysicalDeviceSurfaceCapabilitiesKHR, VkResult, (void *, VkHandle, cv_surface *)) \
  X(vkGetPhysicalDeviceSurfaceFormatsKHR, VkResult, (void *, VkHandle, uint32_t *, cv_format *)) \
  X(vkGetPhysicalDeviceSurfacePresentModesKHR, VkResult, (void *, VkHandle, uint32_t *, uint32_t *)) \
  X(vkCreateSwapchainKHR, VkResult, (void *, const VkSwapchainInfo *, const void *, VkHandle *)) \
  X(vkDestroySwapchainKHR, void, (void *, VkHandle, const void *)) \
  X(vkGetSwapchainImagesKHR, VkResult, (void *, VkHandle, uint32_t *, VkHandle *)) \
  X(vkAcquireNextImageKHR, VkResult, (void *, VkHandle, uint64_t, VkHandle, VkHandle, uint32_t *)) \
  X(vkQueuePresentKHR, VkResult, (void *, const VkPresent *)) \
  X(vkCmdPipelineBarrier, void, (void *, VkFlags, VkFlags, VkFlags, uint32_t, const void *, uint32_t, const void *, uint32_t, const VkImageBarrier *)) \
  X(vkCmdCopyBufferToImage, void, (void *, VkHandle, VkHandle, uint32_t, uint32_t, const VkPixels *))

#define DECLARE(name, result, arguments) static result(VKCALL *name) arguments;
ENTRY_POINTS(DECLARE)

enum { USAGE_TRANSFER_DST = 2, STAGE_TRANSFER = 0x1000, STAGE_END = 0x2000, ACCESS_TRANSFER_WRITE = 0x1000, ASPECT_COLOR = 1 };
enum { LAYOUT_UNDEFINED = 0, LAYOUT_TRANSFER_DST = 7, LAYOUT_PRESENT = 1000001002 };

const char *cv_load_swapchains(void *instance) {
#define LOAD(name, result, arguments) \
  name = (result(VKCALL *) arguments)cv_instance_proc(instance, #name); \
  if (!name) return #name;
  ENTRY_POINTS(LOAD)
  return NULL;
}

uint64_t cv_handle_at(uintptr_t address) { return *(const uint64_t *)address; }

void cv_destroy_surface(void *instance, uint64_t surface) { vkDestroySurfaceKHR(instance, surface, NULL); }

int32_t cv_can_present(void *physical, uint32_t family, uint64_t surface, uint32_t *yes) {
  return vkGetPhysicalDeviceSurfaceSupportKHR(physical, family, surface, yes);
}

int32_t cv_surface_capabilities(void *physical, uint64_t surface, cv_surface *out) {
  return vkGetPhysicalDeviceSurfaceCapabilitiesKHR(physical, surface, out);
}

int32_t cv_surface_formats(void *physical, uint64_t surface, uint32_t *count, cv_format *list) {
  return vkGetPhysicalDeviceSurfaceFormatsKHR(physical, surface, count, list);
}

int32_t cv_present_modes(void *physical, uint64_t surface, uint32_t *count, uint32_t *list) {
  return vkGetPhysicalDeviceSurfacePresentModesKHR(physical, surface, count, list);
}

int32_t cv_create_swapchain(void *device, uint64_t surface, cv_swapchain s, uint64_t old, uint64_t *swapchain) {
  VkSwapchainInfo info = {1000001000, NULL, 0, surface, s.images, s.format, s.space, {s.width, s.height}, 1, USAGE_TRANSFER_DST,
                          0, 0, NULL, s.transform, s.alpha, s.mode, 1, old};
  return vkCreateSwapchainKHR(device, &info, NULL, swapchain);
}

void cv_destroy_swapchain(void *device, uint64_t swapchain) {
  if (swapchain) vkDestroySwapchainKHR(device, swapchain, NULL);  // of none: perhaps a device without swapchains
}

int32_t cv_swapchain_images(void *device, uint64_t swapchain, uint32_t *count, uint64_t *list) {
  return vkGetSwapchainImagesKHR(device, swapchain, count, list);
}

int32_t cv_acquire(void *device, uint64_t swapchain, uint64_t nanoseconds, uint64_t semaphore, uint32_t *image) {
  return vkAcquireNextImageKHR(device, swapchain, nanoseconds, semaphore, 0, image);
}

void cv_cmd_show(void *cmd, uint64_t buffer, uint64_t offset, uint64_t image, uint32_t width, uint32_t height) {
  const VkImageRange all = {ASPECT_COLOR, 0, 1, 0, 1};
  const VkImageBarrier before = {45, NULL, 0, ACCESS_TRANSFER_WRITE, LAYOUT_UNDEFINED, LAYOUT_TRANSFER_DST, ~0u, ~0u, image, all};
  const VkImageBarrier after = {45, NULL, ACCESS_TRANSFER_WRITE, 0, LAYOUT_TRANSFER_DST, LAYOUT_PRESENT, ~0u, ~0u, image, all};
  const VkPixels pixels = {offset, 0, 0, {ASPECT_COLOR, 0, 0, 1}, {0, 0, 0}, {width, height, 1}};
  vkCmdPipelineBarrier(cmd, STAGE_TRANSFER, STAGE_TRANSFER, 0, 0, NULL, 0, NULL, 1, &before);
  vkCmdCopyBufferToImage(cmd, buffer, image, LAYOUT_TRANSFER_DST, 1, &pixels);
  vkCmdPipelineBarrier(cmd, STAGE_TRANSFER, STAGE_END, 0, 0, NULL, 0, NULL, 1, &after);
}

int32_t cv_present(void *queue, uint64_t swapchain, uint32_t image, uint64_t semaphore) {
  VkPresent info = {1000001001, NULL, 1, &semaphore, 1, &swapchain, &image, NULL};
  return vkQueuePresentKHR(queue, &info);
}
