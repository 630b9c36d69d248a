// Choosing devices, what they say of themselves, and what is said where there is none.

package vk

import (
	"errors"
	"os"
	"strings"
	"testing"

	vulkan "github.com/vulkan-go/vulkan"
)

func TestChoose(t *testing.T) {
	list := []DeviceInfo{
		{Name: "llvmpipe", Type: CPU, Memory: 64 << 30},
		{Name: "Iris Xe", Type: IntegratedGPU, Memory: 16 << 30},
		{Name: "GeForce small", Type: DiscreteGPU, Memory: 8 << 30},
		{Name: "Radeon large", Type: DiscreteGPU, Memory: 24 << 30},
		{Name: "Virtio", Type: VirtualGPU},
		{Name: "Accelerator", Type: Other},
	}
	for i := range list {
		list[i].Index = i
	}
	for _, c := range []struct {
		list             []DeviceInfo
		choice, variable string
		want             string
		err              error
	}{
		{list, "", "", "Radeon large", nil},
		{[]DeviceInfo{list[3], list[2]}, "", "", "Radeon large", nil},
		{list[:3], "", "", "GeForce small", nil},
		{list[:2], "", "", "Iris Xe", nil},
		{[]DeviceInfo{list[0], list[4]}, "", "", "Virtio", nil},
		{[]DeviceInfo{list[0], list[5]}, "", "", "Accelerator", nil},
		{list, "0", "radeon", "llvmpipe", nil},
		{list, "", "1", "Iris Xe", nil},
		{list, "", "IRIS", "Iris Xe", nil},
		{list, "geforce", "", "GeForce small", nil},
		{list, "6", "", "", ErrNoDevice},
		{list, "-1", "", "", ErrNoDevice},
		{list, "voodoo", "", "", ErrNoDevice},
		{list, "", "voodoo", "", ErrNoDevice},
		{nil, "", "", "", ErrNoDriver},
		{nil, "0", "", "", ErrNoDriver},
	} {
		t.Setenv("CYCLEVK_DEVICE", c.variable)
		got, err := Choose(c.list, c.choice)
		if got.Name != c.want || !errors.Is(err, c.err) {
			t.Errorf("Choose(%d devices, %q) with CYCLEVK_DEVICE=%q is %q, %v; want %q, %v", len(c.list), c.choice, c.variable, got.Name, err, c.want, c.err)
		}
		if word := c.choice + c.variable; err != nil && len(c.list) > 0 && !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %q: %v", word, err)
		}
	}
}

// TestLimits holds what native.c reads against what the binding reads, and against what every device must have.
func TestLimits(t *testing.T) {
	in, err := openInstance()
	if err != nil {
		t.Skip(err)
	}
	for _, p := range in.devices {
		var props vulkan.PhysicalDeviceProperties
		vulkan.GetPhysicalDeviceProperties(p.handle, &props)
		props.Deref()
		props.Limits.Deref()
		want := props.Limits
		got := p.info.Limits
		t.Logf("%s: %+v %+v", p.info, got, p.info.Features)
		for _, c := range []struct {
			name           string
			got, want, min int
		}{
			{"storage buffer range", got.MaxStorageBufferRange, int(want.MaxStorageBufferRange), minima.MaxStorageBufferRange},
			{"push constants", got.MaxPushConstants, int(want.MaxPushConstantsSize), minima.MaxPushConstants},
			{"storage buffers", got.MaxStorageBuffers, int(want.MaxPerStageDescriptorStorageBuffers), minima.MaxStorageBuffers},
			{"shared memory", got.MaxSharedMemory, int(want.MaxComputeSharedMemorySize), minima.MaxSharedMemory},
			{"invocations", got.MaxInvocations, int(want.MaxComputeWorkGroupInvocations), minima.MaxInvocations},
			{"groups in x", got.MaxGroupCount[0], int(want.MaxComputeWorkGroupCount[0]), minima.MaxGroupCount[0]},
			{"groups in z", got.MaxGroupCount[2], int(want.MaxComputeWorkGroupCount[2]), minima.MaxGroupCount[2]},
			{"group size in z", got.MaxGroupSize[2], int(want.MaxComputeWorkGroupSize[2]), minima.MaxGroupSize[2]},
			{"alignment", got.StorageBufferAlignment, int(want.MinStorageBufferOffsetAlignment), 1},
			{"picoseconds a tick", int(1000 * got.TimestampPeriod), int(1000 * want.TimestampPeriod), 0},
			{"allocation", got.MaxAllocation, got.MaxAllocation, minima.MaxAllocation},
			{"subgroup", got.SubgroupSize, got.SubgroupSize, 1},
			{"smallest subgroup", got.MinSubgroup, got.MinSubgroup, 1},
			{"largest subgroup", got.MaxSubgroup, got.MaxSubgroup, got.MinSubgroup},
			{"memory", p.info.Memory, p.info.Memory, 1 << 20},
			{"memory types", len(p.memory), len(p.memory), 1},
		} {
			if c.got != c.want || c.got < c.min {
				t.Errorf("%s: %s is %d, the binding reads %d, Vulkan promises %d", p.info.Name, c.name, c.got, c.want, c.min)
			}
		}
		if got.StorageBufferAlignment > Alignment {
			t.Errorf("%s aligns storage buffers to %d bytes, arenas to %d", p.info.Name, got.StorageBufferAlignment, Alignment)
		}
		if p.info.Name == "" || p.info.Driver == "" || p.info.API < "1.1" || p.info.Type == Other && p.info.VendorID == 0 {
			t.Errorf("incomplete: %+v", p.info)
		}
		if len(p.extensions) == 0 || p.extensions[""] {
			t.Errorf("%s has the extensions %v", p.info.Name, p.extensions)
		}
	}
}

func TestNoDriver(t *testing.T) {
	if !child() {
		rerun(t, "TestNoDriver", "VK_DRIVER_FILES=/nonexistent", "VK_ICD_FILENAMES=/nonexistent", "CYCLEVK_VALIDATE=")
		return
	}
	_, err := Devices()
	_, again := Open("")
	for _, err := range []error{err, again} {
		if !errors.Is(err, ErrNoDriver) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "mesa-vulkan-drivers") {
			t.Errorf("without a driver: %v", err)
		}
	}
}

func TestNoLayer(t *testing.T) {
	if !child() {
		rerun(t, "TestNoLayer", "VK_LAYER_PATH=/nonexistent", "CYCLEVK_VALIDATE=1")
		return
	}
	early := Validate() // asks for them, and opens nothing
	_, opened := Open("")
	late := Validate()
	for _, err := range []error{opened, late} {
		if early != nil || !errors.Is(err, ErrNoLayers) || !strings.Contains(err.Error(), "install") || strings.Contains(err.Error(), "\n") {
			t.Errorf("without the validation layers: at first %v, then %v", early, err)
		}
	}
}

func TestUnknownDevice(t *testing.T) {
	if _, err := Devices(); err != nil {
		t.Skip(err)
	}
	for _, choice := range []string{"99", "no such device"} {
		if _, err := Open(choice); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), choice) {
			t.Errorf("Open(%q): %v", choice, err)
		}
	}
	if os.Getenv("CYCLEVK_DEVICE") == "" {
		dev := open(t)
		list, err := Devices()
		if best, _ := Choose(list, ""); err != nil || dev.Info.Name != best.Name || list[best.Index].Name != best.Name {
			t.Errorf("Open chose %s of %v, %v", dev.Info, list, err)
		}
	}
}

// TestQueueFamily: of several families, the one that computes and draws, else the first that computes.
func TestQueueFamily(t *testing.T) {
	const graphics, compute, transfer = vulkan.QueueGraphicsBit, vulkan.QueueComputeBit, vulkan.QueueTransferBit
	for name, c := range map[string]struct {
		flags []vulkan.QueueFlagBits
		want  int
	}{
		"one":              {[]vulkan.QueueFlagBits{graphics | compute | transfer}, 0},
		"compute first":    {[]vulkan.QueueFlagBits{compute, transfer, graphics | compute}, 2},
		"apart":            {[]vulkan.QueueFlagBits{graphics, transfer, compute | transfer, compute}, 2},
		"nothing computes": {[]vulkan.QueueFlagBits{graphics, transfer}, -1},
		"none":             {nil, -1},
	} {
		var families []family
		for _, f := range c.flags {
			families = append(families, family{flags: f})
		}
		if got := chooseFamily(families); got != c.want {
			t.Errorf("%s: family %d, want %d", name, got, c.want)
		}
	}
}
