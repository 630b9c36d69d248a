// Calls that help to find a fault: validation messages, names for debuggers, what a driver knows of a lost device and of what it compiled.
#include "native.h"
#include "types.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

typedef struct { uint32_t sType; const void *pNext; uint32_t type; VkHandle handle; const char *name; } VkName;
typedef struct { uint32_t sType; const void *pNext; const char *name; float color[4]; } VkLabel;
typedef struct {
  uint32_t sType; const void *pNext; VkFlags flags; const char *idName; int32_t idNumber; const char *message; uint32_t queueLabelCount;
  const VkLabel *queueLabels; uint32_t labelCount; const VkLabel *labels; uint32_t objectCount; const VkName *objects;
} VkMessage;
typedef uint32_t(VKCALL *VkCallback)(uint32_t severity, VkFlags types, const VkMessage *data, void *user);
typedef struct { uint32_t sType; const void *pNext; VkFlags flags, severity, types; VkCallback callback; void *user; } VkMessengerInfo;
typedef struct { uint32_t sType; void *pNext; uint32_t addresses, vendors; uint64_t binaryBytes; } VkFaultCounts;
typedef struct {
  uint32_t sType; void *pNext; char description[256]; cv_fault_address *addresses; cv_fault_vendor *vendors; void *binary;
} VkFaultInfo;

typedef struct { uint32_t sType; const void *pNext; VkHandle pipeline; } VkPipelineInfo;
typedef struct { uint32_t sType; const void *pNext; VkHandle pipeline; uint32_t index; } VkExecutableInfo;

enum { INCOMPLETE = 5, EXTENSION_NOT_PRESENT = -7 };

static atomic_flag message_lock = ATOMIC_FLAG_INIT;  // held for the length of a copy
static char messages[16384];
static uint32_t message_bytes, messages_dropped;

static void lock(void) {
  while (atomic_flag_test_and_set_explicit(&message_lock, memory_order_acquire)) {
  }
}

static void unlock(void) { atomic_flag_clear_explicit(&message_lock, memory_order_release); }

// put appends to the messages at *at, which it sets past their end where there is no room.
static void put(uint32_t *at, const char *format, ...) {
  if (*at >= sizeof messages) return;
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(messages + *at, sizeof messages - *at, format, arguments);
  va_end(arguments);
  *at = n < 0 ? sizeof messages : *at + (uint32_t)n;
}

static uint32_t VKCALL collect(uint32_t severity, VkFlags types, const VkMessage *data, void *user) {
  (void)severity, (void)types, (void)user;
  lock();
  uint32_t at = message_bytes;
  if (data->idName && !strstr(data->message, data->idName)) put(&at, "%s: ", data->idName);  // older layers write it in the text
  put(&at, "%s", data->message);
  for (uint32_t i = 0; i < data->objectCount; i++) {
    const char *name = data->objects[i].name;
    if (name && !strstr(data->message, name)) put(&at, " [%s]", name);
  }
  for (uint32_t i = 0; i < data->labelCount; i++) put(&at, " [in the dispatch %s]", data->labels[i].name);
  put(&at, "\n");
  if (at < sizeof messages) message_bytes = at;
  else messages_dropped++;
  unlock();
  return 0;
}

int32_t cv_watch(void *instance) {
  enum { WARNINGS = 0x100, ERRORS = 0x1000, VALIDATION = 2, PERFORMANCE = 4 };
  VkResult(VKCALL * create)(void *, const VkMessengerInfo *, const void *, VkHandle *) =
      (VkResult(VKCALL *)(void *, const VkMessengerInfo *, const void *, VkHandle *))cv_instance_proc(instance, "vkCreateDebugUtilsMessengerEXT");
  if (!create) return EXTENSION_NOT_PRESENT;
  VkMessengerInfo info = {1000128004, NULL, 0, WARNINGS | ERRORS, VALIDATION | PERFORMANCE, collect, NULL};
  VkHandle messenger;
  return create(instance, &info, NULL, &messenger);
}

int cv_has_messages(void) {
  lock();
  const int any = message_bytes > 0 || messages_dropped > 0;
  unlock();
  return any;
}

uint32_t cv_take_messages(char *out, uint32_t bytes) {
  lock();
  const uint32_t n = message_bytes < bytes - 1 ? message_bytes : bytes - 1;
  memcpy(out, messages, n);
  out[n] = 0;
  const uint32_t dropped = messages_dropped;
  message_bytes = messages_dropped = 0;
  unlock();
  return dropped;
}

static VkResult(VKCALL *set_name)(void *, const VkName *);
static void(VKCALL *begin_label)(void *, const VkLabel *);
static void(VKCALL *end_label)(void *);

int cv_load_names(void *instance) {
  set_name = (VkResult(VKCALL *)(void *, const VkName *))cv_instance_proc(instance, "vkSetDebugUtilsObjectNameEXT");
  begin_label = (void(VKCALL *)(void *, const VkLabel *))cv_instance_proc(instance, "vkCmdBeginDebugUtilsLabelEXT");
  end_label = (void(VKCALL *)(void *))cv_instance_proc(instance, "vkCmdEndDebugUtilsLabelEXT");
  return set_name && begin_label && end_label;
}

void cv_name(void *device, uint32_t type, uint64_t handle, const char *name) {
  VkName info = {1000128000, NULL, type, handle, name};
  set_name(device, &info);
}

void cv_begin_label(void *cmd, const char *name) {
  VkLabel label = {1000128002, NULL, name, {0}};
  begin_label(cmd, &label);
}

void cv_end_label(void *cmd) { end_label(cmd); }

int32_t cv_device_fault(void *device, cv_fault *out) {
  VkResult(VKCALL * get)(void *, VkFaultCounts *, VkFaultInfo *) =
      (VkResult(VKCALL *)(void *, VkFaultCounts *, VkFaultInfo *))cv_device_proc(device, "vkGetDeviceFaultInfoEXT");
  if (!get) return EXTENSION_NOT_PRESENT;
  VkFaultCounts counts = {1000341001, NULL, 0, 0, 0};
  VkResult r = get(device, &counts, NULL);
  if (r) return r;
  if (counts.addresses > CV_MAX_FAULTS) counts.addresses = CV_MAX_FAULTS;
  if (counts.vendors > CV_MAX_FAULTS) counts.vendors = CV_MAX_FAULTS;
  counts.binaryBytes = 0;
  VkFaultInfo info = {1000341002, NULL, {0}, out->addresses, out->vendors, NULL};
  if ((r = get(device, &counts, &info)) && r != INCOMPLETE) return r;
  memcpy(out->description, info.description, sizeof out->description);
  out->address_count = counts.addresses;
  out->vendor_count = counts.vendors;
  return 0;
}

int32_t cv_executables(void *device, uint64_t pipeline, uint32_t *count, cv_executable *list) {
  VkResult(VKCALL * get)(void *, const VkPipelineInfo *, uint32_t *, cv_executable *) =
      (VkResult(VKCALL *)(void *, const VkPipelineInfo *, uint32_t *, cv_executable *))cv_device_proc(device, "vkGetPipelineExecutablePropertiesKHR");
  if (!get) return EXTENSION_NOT_PRESENT;
  for (uint32_t i = 0; list && i < *count; i++) list[i].type = 1000269002;
  VkPipelineInfo info = {1000269001, NULL, pipeline};
  return get(device, &info, count, list);
}

int32_t cv_statistics(void *device, uint64_t pipeline, uint32_t executable, uint32_t *count, cv_statistic *list) {
  VkResult(VKCALL * get)(void *, const VkExecutableInfo *, uint32_t *, cv_statistic *) =
      (VkResult(VKCALL *)(void *, const VkExecutableInfo *, uint32_t *, cv_statistic *))cv_device_proc(device, "vkGetPipelineExecutableStatisticsKHR");
  if (!get) return EXTENSION_NOT_PRESENT;
  for (uint32_t i = 0; list && i < *count; i++) list[i].type = 1000269004;
  VkExecutableInfo info = {1000269003, NULL, pipeline, executable};
  return get(device, &info, count, list);
}
