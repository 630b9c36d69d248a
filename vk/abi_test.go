// The C files declare the Vulkan structures that they use by themselves. Here a C compiler compares them with the header that the binding
// brings: their sizes, and the place of each field that they read or that others could be mistaken for.

package vk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// declared pairs their structures with Vulkan's.
var declared = map[string]string{
	"VkFeatures2": "VkPhysicalDeviceFeatures2", "VkLimits": "VkPhysicalDeviceLimits", "VkProperties": "VkPhysicalDeviceProperties",
	"VkProperties2": "VkPhysicalDeviceProperties2", "VkMaintenance3": "VkPhysicalDeviceMaintenance3Properties",
	"VkSubgroup": "VkPhysicalDeviceSubgroupProperties", "VkDriver": "VkPhysicalDeviceDriverPropertiesKHR",
	"Vk16Bit":  "VkPhysicalDevice16BitStorageFeatures",
	"VkMemory": "VkPhysicalDeviceMemoryProperties", "VkMemory2": "VkPhysicalDeviceMemoryProperties2", "VkApp": "VkApplicationInfo", "VkInstanceInfo": "VkInstanceCreateInfo",
	"VkQueueInfo": "VkDeviceQueueCreateInfo", "VkDeviceInfo": "VkDeviceCreateInfo", "VkModuleInfo": "VkShaderModuleCreateInfo",
	"VkLayoutBinding": "VkDescriptorSetLayoutBinding", "VkSetLayoutInfo": "VkDescriptorSetLayoutCreateInfo",
	"VkPushRange": "VkPushConstantRange", "VkLayoutInfo": "VkPipelineLayoutCreateInfo", "VkSpecEntry": "VkSpecializationMapEntry",
	"VkSpec": "VkSpecializationInfo", "VkStageInfo": "VkPipelineShaderStageCreateInfo", "VkComputeInfo": "VkComputePipelineCreateInfo",
	"VkCacheInfo": "VkPipelineCacheCreateInfo", "VkPoolSize": "VkDescriptorPoolSize", "VkPoolInfo": "VkDescriptorPoolCreateInfo", "VkSetAllocInfo": "VkDescriptorSetAllocateInfo",
	"VkWrite": "VkWriteDescriptorSet", "VkBarrier": "VkMemoryBarrier", "VkCopy": "VkBufferCopy", "VkSubmit": "VkSubmitInfo",
	"VkMessengerInfo": "VkDebugUtilsMessengerCreateInfoEXT", "VkMessage": "VkDebugUtilsMessengerCallbackDataEXT",
	"VkName": "VkDebugUtilsObjectNameInfoEXT", "VkLabel": "VkDebugUtilsLabelEXT",
	"VkSwapchainInfo": "VkSwapchainCreateInfoKHR", "VkPresent": "VkPresentInfoKHR", "VkImageRange": "VkImageSubresourceRange",
	"VkImageBarrier": "VkImageMemoryBarrier", "VkImageLayers": "VkImageSubresourceLayers", "VkPixels": "VkBufferImageCopy",
	"cv_surface": "VkSurfaceCapabilitiesKHR", "cv_format": "VkSurfaceFormatKHR",
	"cv_binding": "VkDescriptorBufferInfo", "cv_family": "VkQueueFamilyProperties", "cv_extension": "VkExtensionProperties",
}

// apart are numbers, structures that the binding's header does not have, and the head that all have.
var apart = []string{
	"VkResult", "VkFlags", "VkHandle", "VkSubgroupControl", "VkFloat16", "VkCoopMat", "VkCoopMatShape", "VkBfloat16", "VkCoopMat2", "VkCoopMat2Limits", "VkFlexibleShape", "VkMemoryModel", "VkFullSubgroups", "VkRequiredSubgroups", "VkBudget", "VkBase",
	"VkFault", "VkExecutables", "VkFaultCounts", "VkFaultInfo", "VkPipelineInfo", "VkExecutableInfo",
}

func TestDeclarationsAreVulkans(t *testing.T) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/vulkan-go/vulkan").Output()
	compiler, missing := exec.LookPath("gcc")
	if err != nil || missing != nil {
		t.Skip("compiler")
	}
	types := ""
	for _, part := range []struct{ file, end string }{{"types.h", "void *cv"}, {"native.c", "#define ENTRY_POINTS"}, {"debug.c", "static "}, {"swapchain.c", "#define ENTRY_POINTS"}} {
		source, err := os.ReadFile(part.file)
		must(t, err)
		declarations, _, _ := strings.Cut(string(source), part.end)
		types += declarations
	}
	types += "\n#endif\n" // of types.h
	for _, name := range regexp.MustCompile(`(?:\}|typedef \w+) (Vk\w+);`).FindAllStringSubmatch(types, -1) {
		if declared[name[1]] == "" && !slices.Contains(apart, name[1]) {
			t.Errorf("%s is compared with nothing", name[1])
		}
	}
	own := regexp.MustCompile(`\bVk(\w+)`).ReplaceAllString(types, "OwnVk$1")
	var checks strings.Builder
	for a, b := range declared {
		fmt.Fprintf(&checks, "_Static_assert(sizeof(%s) == sizeof(%s), \"%s\");\n", strings.Replace(a, "Vk", "OwnVk", 1), b, b)
	}
	offset := func(a, field, b, theirs string) {
		fmt.Fprintf(&checks, "_Static_assert(offsetof(%s, %s) == offsetof(%s, %s), \"%s.%s\");\n", a, field, b, theirs, b, theirs)
	}
	for _, field := range []string{
		"maxStorageBufferRange", "maxPushConstantsSize", "bufferImageGranularity", "maxBoundDescriptorSets",
		"maxComputeSharedMemorySize", "maxComputeWorkGroupCount", "maxComputeWorkGroupInvocations", "maxComputeWorkGroupSize",
		"minMemoryMapAlignment", "minStorageBufferOffsetAlignment", "maxFramebufferWidth", "timestampPeriod", "nonCoherentAtomSize",
	} {
		offset("OwnVkLimits", field, "VkPhysicalDeviceLimits", field)
	}
	offset("OwnVkLimits", "perStageStorageBuffers", "VkPhysicalDeviceLimits", "maxPerStageDescriptorStorageBuffers")
	offset("OwnVkProperties", "limits", "VkPhysicalDeviceProperties", "limits")
	offset("OwnVkWrite", "buffers", "VkWriteDescriptorSet", "pBufferInfo")
	offset("OwnVkMessage", "idName", "VkDebugUtilsMessengerCallbackDataEXT", "pMessageIdName")
	offset("OwnVkMessage", "labels", "VkDebugUtilsMessengerCallbackDataEXT", "pCmdBufLabels")
	offset("OwnVkMessage", "objects", "VkDebugUtilsMessengerCallbackDataEXT", "pObjects")
	offset("OwnVkName", "handle", "VkDebugUtilsObjectNameInfoEXT", "objectHandle")
	offset("OwnVkLabel", "name", "VkDebugUtilsLabelEXT", "pLabelName")
	for own, theirs := range map[string]string{
		"space": "imageColorSpace", "extent": "imageExtent", "usage": "imageUsage", "transform": "preTransform", "alpha": "compositeAlpha",
		"mode": "presentMode", "clipped": "clipped",
	} {
		offset("OwnVkSwapchainInfo", own, "VkSwapchainCreateInfoKHR", theirs)
	}
	for own, theirs := range map[string]string{
		"max_images": "maxImageCount", "smallest": "minImageExtent", "transforms": "supportedTransforms", "transform": "currentTransform",
		"alphas": "supportedCompositeAlpha",
	} {
		offset("cv_surface", own, "VkSurfaceCapabilitiesKHR", theirs)
	}
	offset("OwnVkPresent", "indices", "VkPresentInfoKHR", "pImageIndices")
	offset("OwnVkImageBarrier", "from", "VkImageMemoryBarrier", "oldLayout")
	offset("OwnVkPixels", "rowLength", "VkBufferImageCopy", "bufferRowLength")
	offset("OwnVkMessage", "message", "VkDebugUtilsMessengerCallbackDataEXT", "pMessage")

	dir := t.TempDir()
	header := filepath.Join(strings.TrimSpace(string(module)), "vulkan", "vulkan_core.h")
	program := "#include <stddef.h>\n#include \"" + header + "\"\n" + own + checks.String()
	must(t, os.WriteFile(filepath.Join(dir, "abi.c"), []byte(program), 0o600))
	here, err := os.Getwd()
	must(t, err)
	if out, err := exec.Command(compiler, "-fsyntax-only", "-I", here, filepath.Join(dir, "abi.c")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
