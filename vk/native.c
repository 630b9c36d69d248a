// Own declarations of the few Vulkan structures and entry points that native.h explains. Field order and values are the
// Vulkan specification's ABI; only what is used here is declared, so no Vulkan header is needed to build.
#include "native.h"

#include "types.h"

#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef struct { uint32_t sType; void *pNext; uint32_t features[55]; } VkFeatures2;

// VkPhysicalDeviceLimits, field by field in its order; a few runs that nothing here reads are kept as arrays.
typedef struct {
  uint32_t maxImageDimension1D, maxImageDimension2D, maxImageDimension3D, maxImageDimensionCube, maxImageArrayLayers;
  uint32_t maxTexelBufferElements, maxUniformBufferRange, maxStorageBufferRange, maxPushConstantsSize;
  uint32_t maxMemoryAllocationCount, maxSamplerAllocationCount;
  uint64_t bufferImageGranularity, sparseAddressSpaceSize;
  uint32_t maxBoundDescriptorSets, perStageSamplers, perStageUniformBuffers, perStageStorageBuffers, perStageSampledImages;
  uint32_t perStageStorageImages, perStageInputAttachments, perStageResources;
  uint32_t setSamplers, setUniformBuffers, setUniformBuffersDynamic, setStorageBuffers, setStorageBuffersDynamic;
  uint32_t setSampledImages, setStorageImages, setInputAttachments;
  uint32_t vertexInputAttributes, vertexInputBindings, vertexInputAttributeOffset, vertexInputBindingStride, vertexOutputComponents;
  uint32_t tessellation[8], geometry[5], fragment[4];
  uint32_t maxComputeSharedMemorySize, maxComputeWorkGroupCount[3], maxComputeWorkGroupInvocations, maxComputeWorkGroupSize[3];
  uint32_t subPixelPrecisionBits, subTexelPrecisionBits, mipmapPrecisionBits, maxDrawIndexedIndexValue, maxDrawIndirectCount;
  float maxSamplerLodBias, maxSamplerAnisotropy;
  uint32_t maxViewports, maxViewportDimensions[2];
  float viewportBoundsRange[2];
  uint32_t viewportSubPixelBits;
  size_t minMemoryMapAlignment;
  uint64_t minTexelBufferOffsetAlignment, minUniformBufferOffsetAlignment, minStorageBufferOffsetAlignment;
  int32_t minTexelOffset;
  uint32_t maxTexelOffset;
  int32_t minTexelGatherOffset;
  uint32_t maxTexelGatherOffset;
  float minInterpolationOffset, maxInterpolationOffset;
  uint32_t subPixelInterpolationOffsetBits, maxFramebufferWidth, maxFramebufferHeight, maxFramebufferLayers;
  VkFlags framebufferSampleCounts[4];
  uint32_t maxColorAttachments;
  VkFlags sampledImageSampleCounts[5];
  uint32_t maxSampleMaskWords, timestampComputeAndGraphics;
  float timestampPeriod;
  uint32_t maxClipDistances, maxCullDistances, maxCombinedClipAndCullDistances, discreteQueuePriorities;
  float pointSizeRange[2], lineWidthRange[2], pointSizeGranularity, lineWidthGranularity;
  uint32_t strictLines, standardSampleLocations;
  uint64_t optimalBufferCopyOffsetAlignment, optimalBufferCopyRowPitchAlignment, nonCoherentAtomSize;
} VkLimits;

typedef struct {
  uint32_t apiVersion, driverVersion, vendorID, deviceID, deviceType;
  char deviceName[256];
  uint8_t pipelineCacheUUID[16];
  VkLimits limits;
  uint32_t sparse[5];
} VkProperties;

typedef struct { uint32_t sType; void *pNext; VkProperties properties; } VkProperties2;
typedef struct { uint32_t sType; void *pNext; uint32_t maxPerSetDescriptors; uint64_t maxMemoryAllocationSize; } VkMaintenance3;
typedef struct { uint32_t sType; void *pNext; uint32_t subgroupSize; VkFlags stages, operations; uint32_t quad; } VkSubgroup;
typedef struct { uint32_t sType; void *pNext; uint32_t minSize, maxSize, maxWorkgroupSubgroups; VkFlags stages; } VkSubgroupControl;
typedef struct { uint32_t sType; void *pNext; uint32_t driverID; char name[256], info[256]; uint8_t version[4]; } VkDriver;
typedef struct { uint32_t sType; void *pNext; uint32_t storage, uniform, push, io; } Vk16Bit;
typedef struct { uint32_t sType; void *pNext; uint32_t float16, int8; } VkFloat16;
typedef struct { uint32_t sType; void *pNext; uint32_t matrix, robust; } VkCoopMat;
typedef struct { uint32_t sType; void *pNext; cv_matrix matrix; } VkCoopMatShape;
typedef struct { uint32_t sType; void *pNext; uint32_t type, dot, matrix; } VkBfloat16;
typedef struct { uint32_t sType; void *pNext; uint32_t workgroup, flexible, reductions, conversions, perElement, tensors, blocks; } VkCoopMat2;
typedef struct { uint32_t sType; void *pNext; uint32_t maxLanes, maxSide, reserved; } VkCoopMat2Limits;
typedef struct { uint32_t sType; void *pNext; cv_flexible matrix; } VkFlexibleShape;
typedef struct { uint32_t sType; void *pNext; uint32_t model, deviceScope, chains; } VkMemoryModel;
typedef struct { uint32_t sType; void *pNext; uint32_t control, full; } VkFullSubgroups;
typedef struct { uint32_t sType; void *pNext; uint32_t size; } VkRequiredSubgroups;
typedef struct { uint32_t sType; void *pNext; uint32_t fault, vendorBinary; } VkFault;
typedef struct { uint32_t sType; void *pNext; uint32_t info; } VkExecutables;

typedef struct {
  uint32_t typeCount; struct { VkFlags flags; uint32_t heap; } types[32];
  uint32_t heapCount; struct { uint64_t size; VkFlags flags; } heaps[16];
} VkMemory;
typedef struct { uint32_t sType; void *pNext; VkMemory memory; } VkMemory2;
typedef struct { uint32_t sType; void *pNext; uint64_t budget[16], usage[16]; } VkBudget;

typedef struct {
  uint32_t sType; const void *pNext; const char *app; uint32_t appVersion; const char *engine; uint32_t engineVersion, apiVersion;
} VkApp;
typedef struct {
  uint32_t sType; const void *pNext; VkFlags flags; const VkApp *app; uint32_t layerCount; const char *const *layers; uint32_t extensionCount;
  const char *const *extensions;
} VkInstanceInfo;
typedef struct { uint32_t sType; const void *pNext; VkFlags flags; uint32_t family, count; const float *priorities; } VkQueueInfo;
typedef struct {
  uint32_t sType; const void *pNext; VkFlags flags; uint32_t queueCount; const VkQueueInfo *queues; uint32_t layerCount;
  const char *const *layers; uint32_t extensionCount; const char *const *extensions; const void *features;
} VkDeviceInfo;
typedef struct { uint32_t sType; const void *pNext; VkFlags flags; size_t bytes; const uint32_t *code; } VkModuleInfo;
typedef struct { uint32_t binding, type, count; VkFlags stages; const void *samplers; } VkLayoutBinding;
typedef struct { uint32_t sType; const void *pNext; VkFlags flags; uint32_t count; const VkLayoutBinding *bindings; } VkSetLayoutInfo;
typedef struct { VkFlags stages; uint32_t offset, size; } VkPushRange;
typedef struct {
  uint32_t sType; const void *pNext; VkFlags flags; uint32_t setCount; const VkHandle *sets; uint32_t pushCount; const VkPushRange *push;
} VkLayoutInfo;
typedef struct { uint32_t id, offset; size_t size; } VkSpecEntry;
typedef struct { uint32_t count; const VkSpecEntry *entries; size_t bytes; const void *data; } VkSpec;
typedef struct {
  uint32_t sType; const void *pNext; VkFlags flags; uint32_t stage; VkHandle module; const char *entry; const VkSpec *spec;
} VkStageInfo;
typedef struct { uint32_t sType; const void *pNext; VkFlags flags; VkStageInfo stage; VkHandle layout, base; int32_t baseIndex; } VkComputeInfo;
typedef struct { uint32_t sType; const void *pNext; VkFlags flags; size_t bytes; const void *data; } VkCacheInfo;
typedef struct { uint32_t type, count; } VkPoolSize;
typedef struct { uint32_t sType; const void *pNext; VkFlags flags; uint32_t maxSets, sizeCount; const VkPoolSize *sizes; } VkPoolInfo;
typedef struct { uint32_t sType; const void *pNext; VkHandle pool; uint32_t count; const VkHandle *layouts; } VkSetAllocInfo;
typedef struct {
  uint32_t sType; const void *pNext; VkHandle set; uint32_t binding, element, count, type; const void *images; const cv_binding *buffers;
  const VkHandle *views;
} VkWrite;
typedef struct { uint32_t sType; const void *pNext; VkFlags src, dst; } VkBarrier;
typedef struct { uint64_t src, dst, size; } VkCopy;
typedef struct {
  uint32_t sType; const void *pNext; uint32_t waitCount; const VkHandle *waits; const VkFlags *stages; uint32_t cmdCount; void *const *cmds;
  uint32_t signalCount; const VkHandle *signals;
} VkSubmit;

// X(name, result, arguments): the entry points, resolved once by cv_load.
#define ENTRY_POINTS(X) \
  X(vkEnumerateDeviceExtensionProperties, VkResult, (void *, const char *, uint32_t *, cv_extension *)) \
  X(vkGetPhysicalDeviceQueueFamilyProperties, void, (void *, uint32_t *, cv_family *)) \
  X(vkGetPhysicalDeviceMemoryProperties, void, (void *, VkMemory *)) \
  X(vkGetPhysicalDeviceMemoryProperties2, void, (void *, void *)) \
  X(vkGetPhysicalDeviceProperties2, void, (void *, void *)) \
  X(vkGetPhysicalDeviceFeatures2, void, (void *, void *)) \
  X(vkCreateDevice, VkResult, (void *, const VkDeviceInfo *, const void *, void **)) \
  X(vkCreateShaderModule, VkResult, (void *, const VkModuleInfo *, const void *, VkHandle *)) \
  X(vkCreateDescriptorSetLayout, VkResult, (void *, const VkSetLayoutInfo *, const void *, VkHandle *)) \
  X(vkCreatePipelineLayout, VkResult, (void *, const VkLayoutInfo *, const void *, VkHandle *)) \
  X(vkCreateComputePipelines, VkResult, (void *, VkHandle, uint32_t, const VkComputeInfo *, const void *, VkHandle *)) \
  X(vkCreatePipelineCache, VkResult, (void *, const VkCacheInfo *, const void *, VkHandle *)) \
  X(vkGetPipelineCacheData, VkResult, (void *, VkHandle, size_t *, void *)) \
  X(vkDestroyPipelineCache, void, (void *, VkHandle, const void *)) \
  X(vkCreateDescriptorPool, VkResult, (void *, const VkPoolInfo *, const void *, VkHandle *)) \
  X(vkAllocateDescriptorSets, VkResult, (void *, const VkSetAllocInfo *, VkHandle *)) \
  X(vkUpdateDescriptorSets, void, (void *, uint32_t, const VkWrite *, uint32_t, const void *)) \
  X(vkCmdPipelineBarrier, void, (void *, VkFlags, VkFlags, VkFlags, uint32_t, const VkBarrier *, uint32_t, const void *, uint32_t, const void *)) \
  X(vkCmdCopyBuffer, void, (void *, VkHandle, VkHandle, uint32_t, const VkCopy *)) \
  X(vkCmdFillBuffer, void, (void *, VkHandle, uint64_t, uint64_t, uint32_t)) \
  X(vkCmdBindPipeline, void, (void *, uint32_t, VkHandle)) \
  X(vkCmdBindDescriptorSets, void, (void *, uint32_t, VkHandle, uint32_t, uint32_t, const VkHandle *, uint32_t, const uint32_t *)) \
  X(vkCmdDispatchBase, void, (void *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t)) \
  X(vkGetDeviceProcAddr, void *, (void *, const char *)) \
  X(vkQueueSubmit, VkResult, (void *, uint32_t, const VkSubmit *, VkHandle))

#define DECLARE(name, result, arguments) static result(VKCALL *name) arguments;
ENTRY_POINTS(DECLARE)

enum { INITIALIZATION_FAILED = -3 };
enum { STORAGE_BUFFER = 7, STAGE_COMPUTE = 0x20, BIND_COMPUTE = 1, HEAP_DEVICE_LOCAL = 1 };

typedef void *(VKCALL *GetProc)(void *, const char *);
static GetProc get_proc;
static VkResult(VKCALL *get_matrices)(void *, uint32_t *, VkCoopMatShape *);  // of extensions: may be missing
static VkResult(VKCALL *get_flexible)(void *, uint32_t *, VkFlexibleShape *);

void *cv_open_loader(void) {
#ifdef _WIN32
  HMODULE lib = LoadLibraryA("vulkan-1.dll");
  return lib ? (void *)GetProcAddress(lib, "vkGetInstanceProcAddr") : NULL;
#else
  static const char *const names[] = {"libvulkan.so.1", "libvulkan.1.dylib", "libvulkan.dylib", "libMoltenVK.dylib", "libvulkan.so"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    void *lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (lib) return dlsym(lib, "vkGetInstanceProcAddr");
  }
  return NULL;
#endif
}

int32_t cv_instance_extensions(void *proc, uint32_t *count, cv_extension *list) {
  VkResult(VKCALL * enumerate)(const char *, uint32_t *, cv_extension *) =
      (VkResult(VKCALL *)(const char *, uint32_t *, cv_extension *))((GetProc)proc)(NULL, "vkEnumerateInstanceExtensionProperties");
  return enumerate ? enumerate(NULL, count, list) : INITIALIZATION_FAILED;
}

int32_t cv_create_instance(void *proc, uint32_t flags, const char *const *layers, uint32_t layer_count, const char *const *extensions,
                           uint32_t extension_count, void **instance) {
  VkResult(VKCALL * create)(const VkInstanceInfo *, const void *, void **) =
      (VkResult(VKCALL *)(const VkInstanceInfo *, const void *, void **))((GetProc)proc)(NULL, "vkCreateInstance");
  if (!create) return INITIALIZATION_FAILED;
  VkApp app = {0, NULL, "cyclevk", 0, "cyclevk", 0, 1u << 22 | 1u << 12};  // Vulkan 1.1
  VkInstanceInfo info = {1, NULL, flags, &app, layer_count, layers, extension_count, extensions};
  return create(&info, NULL, instance);
}

const char *cv_load(void *proc, void *instance) {
  get_proc = (GetProc)proc;
#define LOAD(name, result, arguments) \
  name = (result(VKCALL *) arguments)get_proc(instance, #name); \
  if (!name) return #name;
  ENTRY_POINTS(LOAD)
  get_matrices = (VkResult(VKCALL *)(void *, uint32_t *, VkCoopMatShape *))get_proc(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  get_flexible = (VkResult(VKCALL *)(void *, uint32_t *, VkFlexibleShape *))get_proc(instance, "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
  return NULL;
}

void *cv_instance_proc(void *instance, const char *name) { return get_proc(instance, name); }

void *cv_device_proc(void *device, const char *name) { return vkGetDeviceProcAddr(device, name); }

// chain puts a structure in front of the chain and returns it.
static void *chain(void *head, void *node, uint32_t type) {
  ((VkBase *)node)->sType = type;
  ((VkBase *)node)->pNext = head;
  return node;
}

int32_t cv_device_extensions(void *physical, uint32_t *count, cv_extension *list) {
  return vkEnumerateDeviceExtensionProperties(physical, NULL, count, list);
}

void cv_queue_families(void *physical, uint32_t *count, cv_family *list) {
  vkGetPhysicalDeviceQueueFamilyProperties(physical, count, list);
}

void cv_get_info(void *physical, int has_driver, int has_subgroup_control, int has_float16, int has_matrices, int has_bfloat16,
                 int has_workgroup_matrices, cv_info *out) {
  VkMaintenance3 maintenance = {0};
  VkSubgroup subgroup = {0};
  VkSubgroupControl control = {0};
  VkDriver driver = {0};
  VkCoopMat2Limits limits2 = {0};
  VkProperties2 p = {0};
  p.sType = 1000059001;
  p.pNext = chain(p.pNext, &maintenance, 1000168000);
  p.pNext = chain(p.pNext, &subgroup, 1000094000);
  if (has_driver) p.pNext = chain(p.pNext, &driver, 1000196000);
  if (has_subgroup_control) p.pNext = chain(p.pNext, &control, 1000225000);
  if (has_workgroup_matrices) p.pNext = chain(p.pNext, &limits2, 1000593002);
  vkGetPhysicalDeviceProperties2(physical, &p);

  Vk16Bit storage16 = {0};
  VkFloat16 float16 = {0};
  VkCoopMat matrix = {0};
  VkMemoryModel model = {0};
  VkFullSubgroups subgroups = {0};
  VkBfloat16 bfloat16 = {0};
  VkCoopMat2 matrix2 = {0};
  VkFeatures2 f = {0};
  f.sType = 1000059000;
  f.pNext = chain(f.pNext, &storage16, 1000083000);
  if (has_float16) f.pNext = chain(f.pNext, &float16, 1000082000);
  if (has_matrices) {
    f.pNext = chain(f.pNext, &matrix, 1000506000);
    f.pNext = chain(f.pNext, &model, 1000211000);
    f.pNext = chain(f.pNext, &subgroups, 1000225002);
  }
  if (has_bfloat16) f.pNext = chain(f.pNext, &bfloat16, 1000141000);
  if (has_workgroup_matrices) f.pNext = chain(f.pNext, &matrix2, 1000593000);
  vkGetPhysicalDeviceFeatures2(physical, &f);

  const VkProperties *q = &p.properties;
  const VkLimits *l = &q->limits;
  memset(out, 0, sizeof *out);
  memcpy(out->name, q->deviceName, sizeof out->name);
  memcpy(out->cache_uuid, q->pipelineCacheUUID, sizeof out->cache_uuid);
  memcpy(out->driver_name, driver.name, sizeof out->driver_name);
  memcpy(out->driver_info, driver.info, sizeof out->driver_info);
  out->api_version = q->apiVersion;
  out->driver_version = q->driverVersion;
  out->vendor_id = q->vendorID;
  out->device_id = q->deviceID;
  out->type = q->deviceType;
  out->subgroup_size = subgroup.subgroupSize;
  out->subgroup_operations = (subgroup.stages & STAGE_COMPUTE) ? subgroup.operations : 0;
  out->min_subgroup_size = control.minSize ? control.minSize : subgroup.subgroupSize;
  out->max_subgroup_size = control.maxSize ? control.maxSize : subgroup.subgroupSize;
  out->max_allocation = maintenance.maxMemoryAllocationSize;
  out->max_storage_range = l->maxStorageBufferRange;
  out->max_push_constants = l->maxPushConstantsSize;
  out->max_bound_storage_buffers = l->perStageStorageBuffers;
  out->max_shared_memory = l->maxComputeSharedMemorySize;
  memcpy(out->max_group_count, l->maxComputeWorkGroupCount, sizeof out->max_group_count);
  out->max_invocations = l->maxComputeWorkGroupInvocations;
  memcpy(out->max_group_size, l->maxComputeWorkGroupSize, sizeof out->max_group_size);
  out->storage_offset_alignment = l->minStorageBufferOffsetAlignment;
  out->timestamp_period = l->timestampPeriod;
  out->storage16 = storage16.storage;
  out->float16 = float16.float16;
  out->cooperative_matrix = matrix.matrix && model.model && model.deviceScope && subgroups.control && subgroups.full && (control.stages & STAGE_COMPUTE);
  out->bfloat16_matrix = out->cooperative_matrix && bfloat16.type && bfloat16.matrix;
  out->workgroup_matrix = out->cooperative_matrix && matrix2.workgroup && matrix2.flexible;
  out->max_matrix_lanes = limits2.maxLanes;
  out->max_matrix_side = limits2.maxSide;
  out->matrix_reserved = limits2.reserved;

  if (out->cooperative_matrix && get_matrices) {
    VkCoopMatShape shapes[CV_MAX_MATRICES] = {{0}};
    for (int i = 0; i < CV_MAX_MATRICES; i++) shapes[i].sType = 1000506001;
    uint32_t count = CV_MAX_MATRICES;
    if (get_matrices(physical, &count, shapes) >= 0) out->matrix_count = count;  // VK_INCOMPLETE: the first ones
    for (uint32_t i = 0; i < out->matrix_count; i++) out->matrices[i] = shapes[i].matrix;
  }
  if (out->workgroup_matrix && get_flexible) {
    VkFlexibleShape shapes[CV_MAX_MATRICES] = {{0}};
    for (int i = 0; i < CV_MAX_MATRICES; i++) shapes[i].sType = 1000593001;
    uint32_t count = CV_MAX_MATRICES;
    if (get_flexible(physical, &count, shapes) >= 0) out->flexible_count = count;
    for (uint32_t i = 0; i < out->flexible_count; i++) out->flexible[i] = shapes[i].matrix;
  }

  VkMemory m;
  vkGetPhysicalDeviceMemoryProperties(physical, &m);
  out->memory_types = m.typeCount;
  for (uint32_t i = 0; i < m.typeCount; i++) out->memory_flags[i] = m.types[i].flags;
  for (uint32_t i = 0; i < m.heapCount; i++) {
    if (m.heaps[i].flags & HEAP_DEVICE_LOCAL && m.heaps[i].size > out->memory) out->memory = m.heaps[i].size;
  }
}

uint64_t cv_free_memory(void *physical, int has_budget) {
  VkBudget budget = {0};
  VkMemory2 m = {0};
  m.sType = 1000059006;
  if (has_budget) m.pNext = chain(m.pNext, &budget, 1000237000);
  vkGetPhysicalDeviceMemoryProperties2(physical, &m);
  uint64_t largest = 0, left = 0;
  for (uint32_t i = 0; i < m.memory.heapCount; i++) {
    if (!(m.memory.heaps[i].flags & HEAP_DEVICE_LOCAL) || m.memory.heaps[i].size <= largest) continue;
    largest = left = m.memory.heaps[i].size;
    if (has_budget) left = budget.budget[i] > budget.usage[i] ? budget.budget[i] - budget.usage[i] : 0;
  }
  return left;
}

int32_t cv_create_device(void *physical, uint32_t family, const char *const *extensions, uint32_t count, uint32_t features, void **device) {
  const float priority = 1;
  VkFloat16 half = {0, NULL, 1, 0};
  VkFault fault = {0, NULL, 1, 0};
  VkExecutables executables = {0, NULL, 1};
  VkCoopMat matrix = {0, NULL, 1, 0};
  VkMemoryModel model = {0, NULL, 1, 1, 0};  // atomics of other shaders are of the device's scope
  VkFullSubgroups subgroups = {0, NULL, 1, 1};
  VkBfloat16 bfloat16 = {0, NULL, 1, 0, 1};
  VkCoopMat2 matrix2 = {0, NULL, 1, 1, 0, 0, 0, 0, 0};
  VkQueueInfo queue = {2, NULL, 0, family, 1, &priority};
  void *enabled = NULL;
  if (features & CV_FLOAT16) enabled = chain(enabled, &half, 1000082000);
  if (features & CV_FAULT) enabled = chain(enabled, &fault, 1000341000);
  if (features & CV_STATISTICS) enabled = chain(enabled, &executables, 1000269000);
  if (features & CV_MATRICES) {
    enabled = chain(enabled, &matrix, 1000506000);
    enabled = chain(enabled, &model, 1000211000);
    enabled = chain(enabled, &subgroups, 1000225002);
  }
  if (features & CV_BFLOAT16) enabled = chain(enabled, &bfloat16, 1000141000);
  if (features & CV_WORKGROUP_MATRICES) enabled = chain(enabled, &matrix2, 1000593000);
  VkDeviceInfo info = {3, enabled, 0, 1, &queue, 0, NULL, count, extensions, NULL};
  return vkCreateDevice(physical, &info, NULL, device);
}

int32_t cv_create_pipeline(void *device, uint64_t cache, const uint32_t *code, uint64_t code_bytes, uint32_t bindings, uint32_t push_bytes,
                           const uint32_t *spec, uint32_t spec_count, uint32_t full_subgroups, int based, int statistics, cv_pipeline *out,
                           const char **call) {
  enum { DISPATCH_BASE = 0x10, CAPTURE_STATISTICS = 0x40, REQUIRE_FULL_SUBGROUPS = 2 };
  VkResult r;
  VkModuleInfo module = {16, NULL, 0, code_bytes, code};
  *call = "vkCreateShaderModule";
  if ((r = vkCreateShaderModule(device, &module, NULL, &out->module))) return r;

  VkLayoutBinding b[CV_MAX_BINDINGS];
  for (uint32_t i = 0; i < bindings; i++) b[i] = (VkLayoutBinding){i, STORAGE_BUFFER, 1, STAGE_COMPUTE, NULL};
  VkSetLayoutInfo set = {32, NULL, 0, bindings, b};
  *call = "vkCreateDescriptorSetLayout";
  if ((r = vkCreateDescriptorSetLayout(device, &set, NULL, &out->set_layout))) return r;

  VkPushRange push = {STAGE_COMPUTE, 0, push_bytes};
  VkLayoutInfo layout = {30, NULL, 0, 1, &out->set_layout, push_bytes ? 1 : 0, &push};
  *call = "vkCreatePipelineLayout";
  if ((r = vkCreatePipelineLayout(device, &layout, NULL, &out->layout))) return r;

  VkSpecEntry entries[CV_MAX_SPEC];
  for (uint32_t i = 0; i < spec_count; i++) entries[i] = (VkSpecEntry){i, 4 * i, 4};
  VkSpec s = {spec_count, entries, 4 * spec_count, spec};
  const VkRequiredSubgroups subgroups = {1000225001, NULL, full_subgroups};
  VkStageInfo stage = {18, full_subgroups ? &subgroups : NULL, full_subgroups ? REQUIRE_FULL_SUBGROUPS : 0, STAGE_COMPUTE, out->module, "main", &s};
  VkComputeInfo info = {29, NULL, (based ? DISPATCH_BASE : 0) | (statistics ? CAPTURE_STATISTICS : 0), stage, out->layout, 0, -1};
  *call = "vkCreateComputePipelines";
  return vkCreateComputePipelines(device, cache, 1, &info, NULL, &out->pipeline);
}

int32_t cv_create_cache(void *device, const void *data, uint64_t bytes, uint64_t *cache) {
  VkCacheInfo info = {17, NULL, 0, bytes, data};
  return vkCreatePipelineCache(device, &info, NULL, cache);
}

int32_t cv_cache_data(void *device, uint64_t cache, uint64_t *bytes, void *data) {
  size_t n = *bytes;
  const VkResult r = vkGetPipelineCacheData(device, cache, &n, data);
  *bytes = n;
  return r;
}

void cv_destroy_cache(void *device, uint64_t cache) { vkDestroyPipelineCache(device, cache, NULL); }

int32_t cv_create_descriptor_pool(void *device, uint32_t sets, uint32_t buffers, uint64_t *pool) {
  VkPoolSize size = {STORAGE_BUFFER, buffers};
  VkPoolInfo info = {33, NULL, 0, sets, 1, &size};
  return vkCreateDescriptorPool(device, &info, NULL, pool);
}

int32_t cv_descriptor_set(void *device, uint64_t pool, uint64_t layout, const cv_binding *bindings, uint32_t count, uint64_t *set) {
  VkSetAllocInfo info = {34, NULL, pool, 1, &layout};
  VkResult r = vkAllocateDescriptorSets(device, &info, set);
  if (r) return r;
  VkWrite writes[CV_MAX_BINDINGS];
  for (uint32_t i = 0; i < count; i++) writes[i] = (VkWrite){35, NULL, *set, i, 0, 1, STORAGE_BUFFER, NULL, &bindings[i], NULL};
  vkUpdateDescriptorSets(device, count, writes, 0, NULL);
  return 0;
}

enum { COMPUTE = 0x800, TRANSFER = 0x1000, HOST = 0x4000 };
enum { SHADER_READ = 0x20, SHADER_WRITE = 0x40, TRANSFER_READ = 0x800, TRANSFER_WRITE = 0x1000, HOST_READ = 0x2000 };

void cv_cmd_barrier(void *cmd, int last) {
  VkFlags src = COMPUTE, dst = COMPUTE;
  VkBarrier b = {46, NULL, SHADER_WRITE, SHADER_READ | SHADER_WRITE};
  if (last) {
    src |= TRANSFER, dst |= TRANSFER | HOST;
    b.src |= TRANSFER_WRITE, b.dst |= TRANSFER_READ | TRANSFER_WRITE | HOST_READ;
  }
  vkCmdPipelineBarrier(cmd, src, dst, 0, 1, &b, 0, NULL, 0, NULL);
}

void cv_cmd_mark(void *cmd, uint64_t buffer, uint32_t value) {
  VkBarrier written = {46, NULL, TRANSFER_WRITE, TRANSFER_WRITE | HOST_READ};
  vkCmdPipelineBarrier(cmd, COMPUTE, TRANSFER, 0, 0, NULL, 0, NULL, 0, NULL);
  vkCmdFillBuffer(cmd, buffer, 0, 4, value);
  vkCmdPipelineBarrier(cmd, TRANSFER, TRANSFER | HOST, 0, 1, &written, 0, NULL, 0, NULL);
}

void cv_cmd_copy(void *cmd, uint64_t src, uint64_t src_offset, uint64_t dst, uint64_t dst_offset, uint64_t bytes) {
  VkCopy copy = {src_offset, dst_offset, bytes};
  vkCmdCopyBuffer(cmd, src, dst, 1, &copy);
}

void cv_cmd_bind(void *cmd, uint64_t pipeline, uint64_t layout, uint64_t set) {
  vkCmdBindPipeline(cmd, BIND_COMPUTE, pipeline);
  vkCmdBindDescriptorSets(cmd, BIND_COMPUTE, layout, 0, 1, &set, 0, NULL);
}

void cv_cmd_dispatch_base(void *cmd, uint32_t x, uint32_t y, uint32_t z, uint32_t nx, uint32_t ny, uint32_t nz) {
  vkCmdDispatchBase(cmd, x, y, z, nx, ny, nz);
}

int32_t cv_submit(void *queue, void *const *cmds, uint32_t count, uint64_t wait, uint64_t signal, uint64_t fence) {
  const VkFlags stage = TRANSFER;
  VkSubmit submit = {4, NULL, wait != 0, &wait, &stage, count, cmds, signal != 0, &signal};
  return vkQueueSubmit(queue, 1, &submit, fence);
}
