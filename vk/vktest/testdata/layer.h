// What the Vulkan layers for tests share: they offer extensions above a driver that does not have them. The including file defines
//
//   offered   the extensions
//   opens     called with what a device is to be opened with: 0, or the error; it takes away what the driver does not know
//   own       its entry points by name, or NULL
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProc)(void *, const char *);
typedef struct Node { uint32_t type; struct Node *next; uint32_t value[8]; } Node;
typedef struct Link { struct Link *next; GetProc instance, device; } Link;
typedef struct { uint32_t type; void *next; uint32_t function; Link *link; } LinkInfo;
typedef struct { uint32_t type; void *next; uint32_t version; GetProc instance, device, physical; } Negotiation;
typedef struct { char name[256]; uint32_t version; } Extension;
typedef struct {
  uint32_t type; Node *next; uint32_t flags, queue_count; const void *queues; uint32_t layer_count; const char *const *layers;
  uint32_t extension_count; const char *const *extensions; const void *features;
} DeviceInfo;

enum { INCOMPLETE = 5, FEATURE_NOT_PRESENT = -8, UNKNOWN = -13 };
static GetProc next_instance, next_device;
static void *instance;
static int32_t (*next_extensions)(void *, const char *, uint32_t *, Extension *);
static void (*next_features)(void *, Node *), (*next_properties)(void *, Node *);

static const char *const *offered(void);  // NULL behind the last
static int32_t opens(DeviceInfo *info);
static Function own(const char *name);

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
  // Later, the loader gives this layer's.
  *(Function *)&next_extensions = next_instance(instance, "vkEnumerateDeviceExtensionProperties");
  *(Function *)&next_features = next_instance(instance, "vkGetPhysicalDeviceFeatures2");
  *(Function *)&next_properties = next_instance(instance, "vkGetPhysicalDeviceProperties2");
  return r;
}

static int32_t create_device(void *physical, DeviceInfo *info, void *allocator, void **out) {
  Link *link = link_of(info, 48);
  next_device = link->device;
  int32_t r = opens(info);
  if (r) return r;
  return ((int32_t(*)(void *, void *, void *, void **))link->instance(instance, "vkCreateDevice"))(physical, info, allocator, out);
}

// extensions are the driver's, and those offered that it does not have.
static int32_t extensions(void *physical, const char *layer, uint32_t *count, Extension *list) {
  uint32_t n = 0;
  int32_t r = next_extensions(physical, layer, &n, NULL);
  Extension *all = calloc(n + 16, sizeof *all);
  if (!r) r = next_extensions(physical, layer, &n, all);
  for (const char *const *name = offered(); *name; name++) {
    uint32_t i = 0;
    while (i < n && strcmp(all[i].name, *name)) i++;
    if (i == n) strcpy(all[n++].name, *name);
  }
  if (list) memcpy(list, all, sizeof *all * (*count < n ? *count : n));
  if (!r && list && *count < n) r = INCOMPLETE;
  if (!list || *count > n) *count = n;
  free(all);
  return r;
}

static Function of_instance(void *handle, const char *name);
static Function of_device(void *handle, const char *name);

static Function either(const char *name) {
#define OWN(wanted, function) \
  if (!strcmp(name, wanted)) return (Function)function;
  OWN("vkGetInstanceProcAddr", of_instance)
  OWN("vkGetDeviceProcAddr", of_device)
  OWN("vkCreateInstance", create_instance)
  OWN("vkCreateDevice", create_device)
  OWN("vkEnumerateDeviceExtensionProperties", extensions)
  return own(name);
}

static Function of_instance(void *handle, const char *name) {
  Function f = either(name);
  return f ? f : next_instance(handle, name);
}

static Function of_device(void *handle, const char *name) {
  Function f = either(name);
  return f ? f : next_device(handle, name);
}

// of_physical are entry points that the loader may not know.
static Function of_physical(void *handle, const char *name) {
  (void)handle;
  return strncmp(name, "vkGetPhysicalDevice", 19) ? NULL : own(name);
}

int32_t vkNegotiateLoaderLayerInterfaceVersion(Negotiation *n) {
  n->version = 2, n->instance = of_instance, n->device = of_device, n->physical = of_physical;
  return 0;
}
