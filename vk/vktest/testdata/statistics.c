// A Vulkan layer for tests: it offers VK_KHR_pipeline_executable_properties above a driver that does not, and makes the figures up.
// It has any only for pipelines that were made with statistics on a device that was opened with them, and answers only structures that
// are marked as Vulkan asks for.
#include "layer.h"

typedef struct { uint32_t type; void *next; uint32_t flags; char rest[76]; } PipelineInfo;
typedef struct { uint32_t type; void *next; uint64_t pipeline; uint32_t executable; } Asked;
typedef struct { uint32_t type; void *next; uint32_t stages; char name[256], description[256]; uint32_t subgroup; } Executable;
typedef struct { uint32_t type; void *next; char name[256], description[256]; uint32_t format; uint64_t value; } Statistic;

static int enabled, captured;

static const char *const *offered(void) {
  static const char *const names[] = {"VK_KHR_pipeline_executable_properties", NULL};
  return names;
}

static int32_t opens(DeviceInfo *info) {
  for (Node *n = info->next; n; n = n->next)
    if (n->type == 1000269000) enabled = n->value[0], n->value[0] = 0;  // of what the driver does not have
  return 0;
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

static Function own(const char *name) {
  OWN("vkCreateComputePipelines", create_pipelines)
  OWN("vkGetPipelineExecutablePropertiesKHR", executables)
  OWN("vkGetPipelineExecutableStatisticsKHR", statistics)
  return NULL;
}
