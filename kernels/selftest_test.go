// The self-test on devices that are less than those at hand, and on drivers that fail.

package kernels

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"cyclevk/shaders"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// least is what Vulkan 1.1 grants on every device.
func least(l vk.Limits) vk.Limits {
	l.MaxStorageBufferRange, l.MaxAllocation, l.MaxPushConstants, l.MaxStorageBuffers = 1<<27, 1<<30, 128, 4
	l.MaxSharedMemory, l.MaxGroupCount, l.MaxInvocations, l.MaxGroupSize = 16<<10, [3]int{65535, 65535, 65535}, 128, [3]int{128, 128, 64}
	return l
}

// TestLeastDevice plans every case on a device of the least limits, with subgroup shuffles and without: all fit but for Adam, backward
// through a norm and the L1 loss in 16 bits, which want up to 8 storage buffers, and together they launch every shader. Allocation is made to fail, so that
// nothing runs.
func TestLeastDevice(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Limits = least(dev.Info.Limits)
	defer vk.Inject(func(call string, result int32) int32 {
		if call == "vkBindBufferMemory" {
			return vk.OutOfDeviceMemory
		}
		return result
	})()
	launched := map[string]bool{}
	float16, matrices, refused := dev.Info.Features.Float16, dev.Info.Features.CooperativeMatrix, map[string]bool{}
	for _, c := range []struct {
		buffers int
		shuffle bool
	}{{4, dev.Info.Features.SubgroupShuffle}, {8, dev.Info.Features.SubgroupShuffle}, {8, false}} {
		dev.Info.Limits.MaxStorageBuffers, dev.Info.Features.SubgroupShuffle = c.buffers, c.shuffle
		for r := range Selftest(dev, Checks(), *seed) {
			for _, s := range r.Shaders {
				launched[s] = true
			}
			switch {
			case errors.Is(r.Err, vk.ErrOutOfDeviceMemory): // as far as it was to go
			case c.buffers == 4 && Skipped(r.Err) && strings.Contains(r.Err.Error(), "storage buffers, more than the device allows: 4"):
				refused[r.Check] = true
			case !float16 && Skipped(r.Err) && strings.Contains(r.Err.Error(), "shader peak_fma_half"):
			case !matrices && Skipped(r.Err) && (r.Check == MatrixCheck || strings.HasSuffix(r.Check, "_matrix")):
			case Skipped(r.Err) && (r.Check == bfloat16Check && !dev.Info.Features.BFloat16Matrix || r.Check == workgroupCheck && !dev.Info.Features.WorkgroupMatrix):
			default:
				t.Errorf("%s/%s with %d buffers, shuffle %v: %v", r.Check, r.Case, c.buffers, c.shuffle, r.Err)
			}
		}
	}
	delete(refused, "conv_fused_matrix") // where there are matrices
	if got := slices.Sorted(maps.Keys(refused)); !slices.Equal(got, []string{"adam", "conv_fused_tiled", "l1_loss", "norm"}) {
		t.Errorf("%v do not run with 4 storage buffers", got)
	}
	for _, s := range shaders.Names() {
		optional := strings.Contains(s, "shuffle") || s == "peak_fma_half" || strings.Contains(s, "matrix")
		if !launched[s] && !optional {
			t.Errorf("no case launches %s", s)
		}
		named := func(c Check) bool { return slices.Contains(c.Shaders, s) }
		if !slices.ContainsFunc(Checks(), named) {
			t.Errorf("no check names %s", s)
		}
	}
}

// TestSelftestGoesOn: what a device lacks and what a driver refuses costs the cases that need it, by name, and no other.
func TestSelftestGoesOn(t *testing.T) {
	var list []Check
	for _, c := range Checks() {
		if c.Name == "concat" || c.Name == "biasgrad" {
			list = append(list, c)
		}
	}
	const some = -1 // but not all
	total := len(list[0].Cases) + len(list[1].Cases)
	for _, c := range []struct {
		name                    string
		limit                   func(i *vk.DeviceInfo)
		call                    string // that fails from a number of calls on, so many times
		from, times             int
		result                  int32
		passed, skipped, failed int
		says                    string // of the others
	}{
		{name: "as it is", passed: total},
		{name: "no timestamps", limit: func(i *vk.DeviceInfo) { i.Limits.TimestampPeriod = 0 }, passed: total},
		{name: "least limits", limit: func(i *vk.DeviceInfo) { i.Limits = least(i.Limits) }, passed: total},
		{name: "small workgroups", limit: func(i *vk.DeviceInfo) { i.Limits.MaxInvocations = 32 }, skipped: total, says: "more than the device allows"},
		{
			name: "two storage buffers", limit: func(i *vk.DeviceInfo) { i.Limits.MaxStorageBuffers = 2 },
			passed: len(list[1].Cases), skipped: len(list[0].Cases), says: "binds 3 storage buffers, more than the device allows: 2 on ",
		},
		{name: "a pipeline refused", call: "vkCreateComputePipelines", times: 1, result: -3, passed: total - 1, failed: 1, says: "shader concat"},
		{name: "lost", call: "vkQueueSubmit", from: 60, times: 1000, result: vk.DeviceLost, passed: some, failed: 1, says: "VK_ERROR_DEVICE_LOST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := vktest.Device(t)
			if c.limit != nil {
				c.limit(&dev.Info)
			}
			calls := 0
			defer vk.Inject(func(call string, result int32) int32 {
				if call == c.call {
					if calls++; calls > c.from && calls <= c.from+c.times {
						return c.result
					}
				}
				return result
			})()
			passed, skipped, failed := 0, 0, 0
			for r := range Selftest(dev, list, *seed) {
				switch {
				case r.Err == nil:
					passed++
					continue
				case Skipped(r.Err):
					skipped++
				default:
					failed++
				}
				if !strings.Contains(r.Err.Error(), c.says) || strings.Contains(r.Err.Error(), "\n") {
					t.Errorf("%s/%s: %v, want %q", r.Check, r.Case, r.Err, c.says)
				}
			}
			if c.passed == some && passed > 0 && passed+failed < total {
				c.passed = passed
			}
			if passed != c.passed || skipped != c.skipped || failed != c.failed {
				t.Errorf("%d passed, %d skipped, %d failed, want %d, %d, %d", passed, skipped, failed, c.passed, c.skipped, c.failed)
			}
		})
	}
}
