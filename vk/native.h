// The part of Vulkan that vk/ calls by itself, without the Go binding: every call that takes a slice of structs
// (the binding frees such copies too early), every structure newer than the binding's 2018 header, and the loader.
// Handles travel as uint64_t (non-dispatchable) and void* (dispatchable); results are VkResult values.
#ifndef CYCLEVK_NATIVE_H
#define CYCLEVK_NATIVE_H

#include <stdint.h>

enum { CV_MAX_BINDINGS = 16, CV_MAX_SPEC = 32, CV_MAX_MEMORY_TYPES = 32, CV_MAX_MATRICES = 256, CV_MAX_FAULTS = 8 };

// What a device can be opened with, beside what Vulkan 1.1 has.
enum { CV_FLOAT16 = 1, CV_FAULT = 2, CV_STATISTICS = 4, CV_MATRICES = 8, CV_BFLOAT16 = 16, CV_WORKGROUP_MATRICES = 32 };

// A shape of cooperative matrices; the types are VkComponentTypeKHR's numbers, the scope VkScopeKHR's.
typedef struct {
  uint32_t m, n, k, a, b, c, result, saturating, scope;
} cv_matrix;

// Matrices whose m, n and k are multiples of these; lanes are those of a workgroup that holds them.
typedef struct {
  cv_matrix unit;
  uint32_t lanes;
} cv_flexible;

// What a physical device is and can do, gathered from every property and feature structure that it knows.
typedef struct {
  char name[256], driver_name[256], driver_info[256];
  uint32_t api_version, driver_version, vendor_id, device_id, type;
  uint32_t subgroup_size, min_subgroup_size, max_subgroup_size, subgroup_operations;
  uint64_t max_allocation;
  uint32_t max_storage_range, max_push_constants, max_bound_storage_buffers, max_shared_memory;
  uint32_t max_group_count[3], max_invocations, max_group_size[3];
  uint64_t storage_offset_alignment;
  float timestamp_period;
  uint32_t storage16, float16, cooperative_matrix, bfloat16_matrix, workgroup_matrix;
  uint32_t memory_types, memory_flags[CV_MAX_MEMORY_TYPES];
  uint64_t memory;  // bytes of the largest device-local heap
  uint8_t cache_uuid[16];
  uint32_t matrix_count;
  cv_matrix matrices[CV_MAX_MATRICES];
  uint32_t max_matrix_lanes, max_matrix_side, matrix_reserved;  // of workgroups' matrices: lanes, rows or columns, bytes of shared memory
  uint32_t flexible_count;
  cv_flexible flexible[CV_MAX_MATRICES];
} cv_info;

// VkExtensionProperties and VkQueueFamilyProperties, which hold no pointers, so that Go may own a list of them.
typedef struct {
  char name[256];
  uint32_t version;
} cv_extension;
typedef struct {
  uint32_t flags, count, timestamp_bits, granularity[3];
} cv_family;

// One storage buffer of a descriptor set; the layout is VkDescriptorBufferInfo's.
typedef struct {
  uint64_t buffer, offset, range;
} cv_binding;

// A pipeline with the layouts that it was made from.
typedef struct {
  uint64_t module, set_layout, layout, pipeline;
} cv_pipeline;

// Opens the system's Vulkan loader; returns vkGetInstanceProcAddr, or NULL where there is none.
void *cv_open_loader(void);
// The extensions of the loader and its drivers; Vulkan's convention of two calls, the first with a NULL list.
int32_t cv_instance_extensions(void *get_instance_proc_addr, uint32_t *count, cv_extension *list);
int32_t cv_create_instance(void *get_instance_proc_addr, uint32_t flags, const char *const *layers, uint32_t layer_count,
                           const char *const *extensions, uint32_t extension_count, void **instance);
// Loads the entry points below. Returns the name of the first one missing, or NULL.
const char *cv_load(void *get_instance_proc_addr, void *instance);

int32_t cv_device_extensions(void *physical, uint32_t *count, cv_extension *list);
void cv_queue_families(void *physical, uint32_t *count, cv_family *list);
// has_* say which optional structures the device knows, so that only those are chained: has_matrices those of cooperative matrices and
// of what their shaders need; with them, has_bfloat16 and has_workgroup_matrices those of VK_KHR_shader_bfloat16 and VK_NV_cooperative_matrix2.
void cv_get_info(void *physical, int has_driver, int has_subgroup_control, int has_float16, int has_matrices, int has_bfloat16,
                 int has_workgroup_matrices, cv_info *out);
// The bytes of the largest device-local heap that this process can still allocate, where the device knows VK_EXT_memory_budget.
uint64_t cv_free_memory(void *physical, int has_budget);
// features are of the above; their extensions have to be among those listed.
int32_t cv_create_device(void *physical, uint32_t queue_family, const char *const *extensions, uint32_t count, uint32_t features, void **device);

// Makes a pipeline (cache: one of below, or 0) from a shader's entry point "main" with storage buffers 0 to bindings-1 of set 0. Where a call fails, *call is
// its name and *out holds what was made before it. full_subgroups, where it is not 0, is how many lanes a subgroup has, none of them idle; based is for
// cv_cmd_dispatch_base; with statistics, on a device that was opened with them, cv_statistics has something to say of it.
int32_t cv_create_pipeline(void *device, uint64_t cache, const uint32_t *code, uint64_t code_bytes, uint32_t bindings, uint32_t push_bytes,
                           const uint32_t *spec, uint32_t spec_count, uint32_t full_subgroups, int based, int statistics, cv_pipeline *out,
                           const char **call);
// A pipeline cache that begins with data; and what it holds, by Vulkan's convention of two calls.
int32_t cv_create_cache(void *device, const void *data, uint64_t bytes, uint64_t *cache);
int32_t cv_cache_data(void *device, uint64_t cache, uint64_t *bytes, void *data);
void cv_destroy_cache(void *device, uint64_t cache);
int32_t cv_create_descriptor_pool(void *device, uint32_t sets, uint32_t buffers, uint64_t *pool);
int32_t cv_descriptor_set(void *device, uint64_t pool, uint64_t layout, const cv_binding *bindings, uint32_t count, uint64_t *set);

// A full dependency between the dispatches before and those after; the last of a submission orders transfers, too, and lets the
// host read.
void cv_cmd_barrier(void *cmd, int last);
// Writes value into the first word of a host-visible buffer once all dispatches before it have ended. It orders no dispatches.
void cv_cmd_mark(void *cmd, uint64_t buffer, uint32_t value);
void cv_cmd_copy(void *cmd, uint64_t src, uint64_t src_offset, uint64_t dst, uint64_t dst_offset, uint64_t bytes);
void cv_cmd_bind(void *cmd, uint64_t pipeline, uint64_t layout, uint64_t set);
// Some of a dispatch's workgroups: n from those numbered x, y, z on. The pipeline must have been made for it.
void cv_cmd_dispatch_base(void *cmd, uint32_t x, uint32_t y, uint32_t z, uint32_t nx, uint32_t ny, uint32_t nz);
// wait and signal are semaphores, or 0; transfers wait for the first.
int32_t cv_submit(void *queue, void *const *cmds, uint32_t count, uint64_t wait, uint64_t signal, uint64_t fence);

// Validation messages: collected as text, joined by newlines, until taken. cv_take_messages returns how many were dropped for want of room.
int32_t cv_watch(void *instance);
int cv_has_messages(void);
uint32_t cv_take_messages(char *out, uint32_t bytes);

// Names for debuggers, once cv_load_names has found VK_EXT_debug_utils. type is a VkObjectType; of the two label calls each belongs to a
// command buffer, around what the label is for.
int cv_load_names(void *instance);
void cv_name(void *device, uint32_t type, uint64_t handle, const char *name);
void cv_begin_label(void *cmd, const char *name);
void cv_end_label(void *cmd);

// What VK_EXT_device_fault tells of a lost device. The inner structures' layouts are Vulkan's.
typedef struct {
  uint32_t type;
  uint64_t address, precision;
} cv_fault_address;
typedef struct {
  char description[256];
  uint64_t code, data;
} cv_fault_vendor;
typedef struct {
  char description[256];
  uint32_t address_count, vendor_count;
  cv_fault_address addresses[CV_MAX_FAULTS];
  cv_fault_vendor vendors[CV_MAX_FAULTS];
} cv_fault;
int32_t cv_device_fault(void *device, cv_fault *out);

// What VK_KHR_pipeline_executable_properties tells of a compiled pipeline, by Vulkan's convention of two calls. The layouts are Vulkan's.
typedef struct {
  uint32_t type;
  void *next;
  uint32_t stages;
  char name[256], description[256];
  uint32_t subgroup_size;
} cv_executable;
typedef struct {
  uint32_t type;
  void *next;
  char name[256], description[256];
  uint32_t format;
  uint64_t value;  // a union: boolean, signed, unsigned or double, by format
} cv_statistic;
int32_t cv_executables(void *device, uint64_t pipeline, uint32_t *count, cv_executable *list);
int32_t cv_statistics(void *device, uint64_t pipeline, uint32_t executable, uint32_t *count, cv_statistic *list);

// VkSurfaceCapabilitiesKHR and VkSurfaceFormatKHR.
typedef struct {
  uint32_t min_images, max_images, current[2], smallest[2], largest[2], layers, transforms, transform, alphas, usages;
} cv_surface;
typedef struct {
  uint32_t format, space;
} cv_format;

// What a swapchain is made with; the numbers are Vulkan's.
typedef struct {
  uint32_t images, format, space, width, height, transform, alpha, mode;
} cv_swapchain;

// Loads the entry points of surfaces and swapchains. Returns the name of the first one missing, or NULL.
const char *cv_load_swapchains(void *instance);
// The handle that lies at an address.
uint64_t cv_handle_at(uintptr_t address);
void cv_destroy_surface(void *instance, uint64_t surface);
int32_t cv_can_present(void *physical, uint32_t queue_family, uint64_t surface, uint32_t *yes);
int32_t cv_surface_capabilities(void *physical, uint64_t surface, cv_surface *out);
int32_t cv_surface_formats(void *physical, uint64_t surface, uint32_t *count, cv_format *list);
int32_t cv_present_modes(void *physical, uint64_t surface, uint32_t *count, uint32_t *list);
// old is a swapchain of the same surface, which is retired, or 0.
int32_t cv_create_swapchain(void *device, uint64_t surface, cv_swapchain s, uint64_t old, uint64_t *swapchain);
void cv_destroy_swapchain(void *device, uint64_t swapchain);
int32_t cv_swapchain_images(void *device, uint64_t swapchain, uint32_t *count, uint64_t *list);
int32_t cv_acquire(void *device, uint64_t swapchain, uint64_t nanoseconds, uint64_t semaphore, uint32_t *image);
// Copies rows of 32-bit pixels over a whole image, which is ready to be presented then.
void cv_cmd_show(void *cmd, uint64_t buffer, uint64_t offset, uint64_t image, uint32_t width, uint32_t height);
int32_t cv_present(void *queue, uint64_t swapchain, uint32_t image, uint64_t semaphore);

#endif
