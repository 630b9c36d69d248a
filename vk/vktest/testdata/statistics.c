// A Vulkan layer for tests: it offers VK_KHR_pipeline_executable_properties above a driver that does not, and makes the figures up.
// It has any only for pipelines that were made with statistics on a device that was opened with them, and answers only structures that
// are marked as Vulkan asks for.
#include <stdint.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProc)(void *, const char *);
typedef struct Node { uint32_t type; struct Node *next; uint32_t value; } Node;
typedef struct Link { struct Link *next; GetProc instance, device; } Link;
typedef struct { uint32_t type; void *next; uint32_t function; Link *link; } LinkInfo;
typedef struct { uint32_t type; void *next; uint32_t version; GetProc instance, device, physical; } Negotiation;
typedef struct { char name[256]; uint32_t version; } Extension;
typedef struct { uint32_t type; void *next; uint32_t flags; char rest[76]; } PipelineInfo;
typedef struct { uint32_t type; void *next; uint64_t pipeline; uint32_t executable; } Asked;
typedef struct { uint32_t type; void *next; uint32_t stages; char name[256], description[256]; uint32_t subgroup; } Executable;
typedef struct { uint32_t type; void *next; char name[256], description[256]; uint32_t format; uint64_t value; } Statistic;

enum { UNKNOWN = -13 };
static GetProc next_instance, next_device;
static void *instance;
static int32_t (*next_extensions)(void *, const char *, uint32_t *, Extension *);
static int enabled, captured;

// link_of takes this layer's link out of a chain.
static Link *link_of(void *info, uint32_t type) {
  for (Node *n = ((Node *)info)->next; n; n = n->next) {
    LinkInfo *l = (LinkInfo *)n;
    if (n->type != type || l->function) continue;
    Link *link = l->link;
    l->link = link->next;
    return link;
  }
  return NULL;
}

static int32_t create_instance(void *info, void *allocator, void **out) {
  next_instance = link_of(info, 47)->instance;
  int32_t r = ((int32_t(*)(void *, void *, void **))next_instance(NULL, "vkCreateInstance"))(info, allocator, out);
  instance = *out;
  *(Function *)&next_extensions = next_instance(instance, "vkEnumerateDeviceExtensionProperties");  // later, the loader gives this layer's
  return r;
}

static int32_t create_device(void *physical, void *info, void *allocator, void **out) {
  Link *link = link_of(info, 48);
  next_device = link->device;
  for (Node *n = ((Node *)info)->next; n; n = n->next)
    if (n->type == 1000269000) enabled = n->value, n->value = 0;  // of what the driver does not have
  return ((int32_t(*)(void *, void *, void *, void **))link->instance(instance, "vkCreateDevice"))(physical, info, allocator, out);
}

static int32_t extensions(void *physical, const char *layer, uint32_t *count, Extension *list) {
  uint32_t n = *count - 1;
  int32_t r = next_extensions(physical, layer, list ? &n : count, list);
  if (list) strcpy(list[n].name, "VK_KHR_pipeline_executable_properties"), *count = n + 1;
  else ++*count;
  return r;
}

static int32_t create_pipelines(void *device, uint64_t cache, uint32_t count, const PipelineInfo *infos, void *allocator, uint64_t *out) {
  captured = infos[0].flags & 0x40;
  return ((int32_t(*)(void *, uint64_t, uint32_t, const PipelineInfo *, void *, uint64_t *))next_device(device, "vkCreateComputePipelines"))(
      device, cache, count, infos, allocator, out);
}

static int32_t executables(void *device, const Asked *asked, uint32_t *count, Executable *list) {
  (void)device;
  if (asked->type != 1000269001 || !asked->pipeline || !enabled || !captured) return UNKNOWN;
  if (list) {
    if (list->type != 1000269002 || list->next) return UNKNOWN;
    strcpy(list->name, "main"), strcpy(list->description, "the whole shader"), list->subgroup = 32;
  }
  *count = 1;
  return 0;
}

static int32_t statistics(void *device, const Asked *asked, uint32_t *count, Statistic *list) {
  static const Statistic all[] = {
      {0, NULL, "Register Count", "registers of a lane", 2, 1ull << 40}, {0, NULL, "Spill Count", "spilled registers", 1, -3ull},
      {0, NULL, "Uses Scratch Memory", "", 0, 0xfffffff00000001ull},     {0, NULL, "Occupancy", "", 3, 0x3fe8000000000000},
      {0, NULL, "Of a new format", "", 77, 1},
  };
  (void)device;
  if (asked->type != 1000269003 || asked->executable) return UNKNOWN;
  *count = sizeof all / sizeof *all;
  for (uint32_t i = 0; list && i < *count; i++) {
    if (list[i].type != 1000269004 || list[i].next) return UNKNOWN;
    list[i] = all[i];
  }
  return 0;
}

static Function own(const char *name);

static Function of_instance(void *handle, const char *name) {
  Function f = own(name);
  return f ? f : next_instance(handle, name);
}

static Function of_device(void *handle, const char *name) {
  Function f = own(name);
  return f ? f : next_device(handle, name);
}

static Function own(const char *name) {
#define OWN(wanted, function) \
  if (!strcmp(name, wanted)) return (Function)function;
  OWN("vkGetInstanceProcAddr", of_instance)
  OWN("vkGetDeviceProcAddr", of_device)
  OWN("vkCreateInstance", create_instance)
  OWN("vkCreateDevice", create_device)
  OWN("vkEnumerateDeviceExtensionProperties", extensions)
  OWN("vkCreateComputePipelines", create_pipelines)
  OWN("vkGetPipelineExecutablePropertiesKHR", executables)
  OWN("vkGetPipelineExecutableStatisticsKHR", statistics)
  return NULL;
}

int32_t vkNegotiateLoaderLayerInterfaceVersion(Negotiation *n) {
  n->version = 2, n->instance = of_instance, n->device = of_device, n->physical = NULL;
  return 0;
}
