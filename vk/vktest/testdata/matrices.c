// A Vulkan layer for tests: above a driver that runs on a CPU it plays one of a GPU with VK_KHR_cooperative_matrix of fp16 and, by
// VK_KHR_shader_bfloat16, of bf16, and with VK_NV_cooperative_matrix2. It answers only structures that are marked as Vulkan asks for, and
// opens devices only with just the features that it offers. No shader with matrices runs on it.
#include "layer.h"

typedef struct {
  uint32_t type; void *next;
  uint32_t MSize, NSize, KSize, AType, BType, CType, ResultType, saturatingAccumulation, scope;
} CooperativeMatrixProperties;
typedef struct {
  uint32_t type; void *next;
  uint32_t MGranularity, NGranularity, KGranularity, AType, BType, CType, ResultType, saturatingAccumulation, scope, workgroupInvocations;
} FlexibleDimensions;

enum { FLOAT16 = 0, FLOAT32 = 1, SINT8 = 3, SINT32 = 5, BFLOAT16 = 1000141000, SCOPE_WORKGROUP = 2, SCOPE_SUBGROUP = 3 };
enum {
  FLOAT16_FEATURES = 1000082000, BFLOAT16_FEATURES = 1000141000, MEMORY_MODEL_FEATURES = 1000211000, SUBGROUP_FEATURES = 1000225002,
  MATRIX_FEATURES = 1000506000, MATRIX_2_FEATURES = 1000593000,
  SUBGROUP_PROPERTIES = 1000094000, SUBGROUP_CONTROL_PROPERTIES = 1000225000, MATRIX_2_PROPERTIES = 1000593002,
};

static const char *const *offered(void) {
  static const char *const names[] = {
      "VK_KHR_shader_float16_int8", "VK_KHR_vulkan_memory_model", "VK_EXT_subgroup_size_control", "VK_KHR_cooperative_matrix",
      "VK_KHR_shader_bfloat16", "VK_NV_cooperative_matrix2", NULL};
  return names;
}

// A structure of features: its type, how many it has, and those that are there.
static const struct { uint32_t type, count, value[8]; } features[] = {
    {FLOAT16_FEATURES, 2, {1, 0}}, {MEMORY_MODEL_FEATURES, 3, {1, 1, 0}}, {SUBGROUP_FEATURES, 2, {1, 1}}, {MATRIX_FEATURES, 2, {1, 0}},
    {BFLOAT16_FEATURES, 3, {1, 0, 1}}, {MATRIX_2_FEATURES, 7, {1, 1, 0, 0, 0, 0, 0}},
};
enum { FEATURES = sizeof features / sizeof *features };

static int32_t opens(DeviceInfo *info) {
  uint32_t seen = 0, names = 0;
  Node **at = &info->next;
  while (*at) {
    uint32_t i = 0;
    while (i < FEATURES && features[i].type != (*at)->type) i++;
    if (i == FEATURES) {
      at = &(*at)->next;
      continue;
    }
    if (memcmp((*at)->value, features[i].value, 4 * features[i].count)) return FEATURE_NOT_PRESENT;
    seen++;
    *at = (*at)->next;  // the driver may not know it
  }
  for (uint32_t i = 0; i < info->extension_count; i++)
    for (const char *const *name = offered(); *name; name++) names += !strcmp(info->extensions[i], *name);
  return seen == FEATURES && names == FEATURES ? 0 : FEATURE_NOT_PRESENT;
}

static void get_features(void *physical, Node *f) {
  next_features(physical, f);
  for (Node *n = f->next; n; n = n->next)
    for (uint32_t i = 0; i < FEATURES; i++)
      if (n->type == features[i].type) memcpy(n->value, features[i].value, 4 * features[i].count);
}

static void get_properties(void *physical, Node *p) {
  next_properties(physical, p);
  p->value[2] = 0x10de, p->value[4] = 2;  // the vendor, and the type: a discrete GPU
  for (Node *n = p->next; n; n = n->next) {
    if (n->type == SUBGROUP_PROPERTIES) n->value[0] = 32;
    if (n->type == SUBGROUP_CONTROL_PROPERTIES) n->value[0] = n->value[1] = 32, n->value[2] = 32, n->value[3] = 0x20;
    if (n->type == MATRIX_2_PROPERTIES) n->value[0] = 1024, n->value[1] = 512, n->value[2] = 8192;
  }
}

static int32_t get_matrices(void *physical, uint32_t *count, CooperativeMatrixProperties *list) {
  static const CooperativeMatrixProperties all[] = {
      {0, NULL, 16, 16, 16, FLOAT16, FLOAT16, FLOAT32, FLOAT32, 0, SCOPE_SUBGROUP},
      {0, NULL, 16, 8, 16, BFLOAT16, BFLOAT16, FLOAT32, FLOAT32, 0, SCOPE_SUBGROUP},
      {0, NULL, 16, 16, 32, SINT8, SINT8, SINT32, SINT32, 1, SCOPE_SUBGROUP},
  };
  (void)physical;
  uint32_t n = sizeof all / sizeof *all, room = *count;
  *count = !list || room > n ? n : room;
  for (uint32_t i = 0; list && i < *count; i++) {
    if (list[i].type != 1000506001 || list[i].next) return UNKNOWN;
    list[i] = all[i];
  }
  return list && room < n ? INCOMPLETE : 0;
}

static int32_t get_flexible(void *physical, uint32_t *count, FlexibleDimensions *list) {
  static const FlexibleDimensions all[] = {
      {0, NULL, 16, 16, 16, FLOAT16, FLOAT16, FLOAT32, FLOAT32, 0, SCOPE_SUBGROUP, 0},
      {0, NULL, 32, 32, 16, FLOAT16, FLOAT16, FLOAT32, FLOAT32, 0, SCOPE_WORKGROUP, 256},
      {0, NULL, 32, 16, 16, FLOAT16, FLOAT16, FLOAT32, FLOAT32, 0, SCOPE_WORKGROUP, 128},
      {0, NULL, 32, 16, 16, BFLOAT16, BFLOAT16, FLOAT32, FLOAT32, 0, SCOPE_WORKGROUP, 128},
  };
  (void)physical;
  uint32_t n = sizeof all / sizeof *all, room = *count;
  *count = !list || room > n ? n : room;
  for (uint32_t i = 0; list && i < *count; i++) {
    if (list[i].type != 1000593001 || list[i].next) return UNKNOWN;
    list[i] = all[i];
  }
  return list && room < n ? INCOMPLETE : 0;
}

static Function own(const char *name) {
  OWN("vkGetPhysicalDeviceFeatures2", get_features)
  OWN("vkGetPhysicalDeviceProperties2", get_properties)
  OWN("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR", get_matrices)
  OWN("vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV", get_flexible)
  return NULL;
}
