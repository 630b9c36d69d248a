// The part of Vulkan that vk/ calls by itself, without the Go binding: every call that takes a slice of structs
// (the binding frees such copies too early), every structure newer than the binding's 2018 header, and the loader.
// Handles travel as uint64_t (non-dispatchable) and void* (dispatchable); results are VkResult values.
#ifndef CYCLEVK_NATIVE_H
#define CYCLEVK_NATIVE_H

#include <stdint.h>

// What a physical device is and can do, gathered from every property and feature structure that it knows.
typedef struct {
  char name[256], driver_name[256], driver_info[256];
  uint32_t api_version, driver_version, vendor_id, device_id, type;
  uint32_t subgroup_size, min_subgroup_size, max_subgroup_size, subgroup_operations;
  uint64_t max_allocation;
  uint32_t max_storage_range, max_push_constants, max_bound_storage_buffers, max_shared_memory;
  uint32_t max_group_count[3], max_invocations, max_group_size[3];
  uint64_t storage_offset_alignment, noncoherent_atom;
  float timestamp_period;
  uint32_t storage16, float16, cooperative_matrix;
} cv_info;

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
// Loads the entry points below. Returns the name of the first one missing, or NULL.
const char *cv_load(void *get_instance_proc_addr, void *instance);

// has_* say which optional structures the device knows, so that only those are chained.
void cv_get_info(void *physical, int has_driver, int has_subgroup_control, int has_float16, int has_coopmat, cv_info *out);
int32_t cv_create_device(void *physical, uint32_t queue_family, const char *const *extensions, uint32_t count, void **device);

int32_t cv_create_pipeline(void *device, uint64_t cache, const uint32_t *code, uint64_t code_bytes, uint32_t bindings,
                           uint32_t push_bytes, const uint32_t *spec, uint32_t spec_count, cv_pipeline *out);
int32_t cv_create_descriptor_pool(void *device, uint32_t sets, uint32_t buffers, uint64_t *pool);
int32_t cv_descriptor_set(void *device, uint64_t pool, uint64_t layout, const cv_binding *bindings, uint32_t count, uint64_t *set);

// A full dependency between everything before and everything after among compute, transfer and (with_host) the host.
void cv_cmd_barrier(void *cmd, int with_transfer, int with_host);
void cv_cmd_copy(void *cmd, uint64_t src, uint64_t src_offset, uint64_t dst, uint64_t dst_offset, uint64_t bytes);
void cv_cmd_bind(void *cmd, uint64_t pipeline, uint64_t layout, uint64_t set);
int32_t cv_submit(void *queue, void *const *cmds, uint32_t count, uint64_t fence);

// Validation messages: collected as text, joined by newlines, until taken. cv_take_messages returns how many were dropped for want of room.
int32_t cv_watch(void *instance);
uint32_t cv_take_messages(char *out, uint32_t bytes);

#endif
