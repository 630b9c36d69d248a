// What a device has, what of it is used, and why the rest is not: for `devices --verbose` and the report of the self-test.

package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/cpu"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// fact is a line about a device.
type fact struct {
	What string `json:"what"`
	Is   string `json:"is"`
}

// deviceFacts are what a device is and the limits that matter.
func deviceFacts(d vk.DeviceInfo) []fact {
	l := d.Limits
	return []fact{
		{"type", fmt.Sprintf("%s, vendor %#x, device %#x", d.Type, d.VendorID, d.DeviceID)},
		{"driver", d.Driver},
		{"Vulkan", d.API},
		{"memory", byteSize(d.Memory) + " in the largest device-local heap"},
		{"largest buffers", fmt.Sprintf("%s a binding, %s an allocation", byteSize(l.MaxStorageBufferRange), byteSize(l.MaxAllocation))},
		{"storage buffers", enough(l.MaxStorageBuffers, 8, "a shader", "training takes 6, and 8 with --precision fp16 or bf16")},
		{"push constants", enough(l.MaxPushConstants, 128, "bytes", "below what Vulkan grants")},
		{"workgroups", fmt.Sprintf("%d invocations in all, at most %v; at most %v of them; %.0f KiB of shared memory", l.MaxInvocations, l.MaxGroupSize, l.MaxGroupCount, float64(l.MaxSharedMemory)/1024)},
		{"queue family", fmt.Sprintf("%d, of %d", d.Queue, d.Queues)},
	}
}

// enough is a limit, and what is amiss where it is below what is wanted.
func enough(limit, want int, unit, amiss string) string {
	if limit < want {
		return fmt.Sprintf("%d %s: %s", limit, unit, amiss)
	}
	return fmt.Sprintf("%d %s: enough for every kernel", limit, unit)
}

// devicePaths are the ways that a device could go, whether each is gone, and why not.
func devicePaths(d vk.DeviceInfo) []fact {
	f, l := d.Features, d.Limits
	var lanes []string
	for _, s := range []struct {
		name string
		has  bool
	}{{"shuffle", f.SubgroupShuffle}, {"arithmetic", f.SubgroupArithmetic}} {
		if s.has {
			lanes = append(lanes, s.name)
		}
	}
	subgroups := fmt.Sprintf("%d lanes (%d to %d)", l.SubgroupSize, l.MinSubgroup, l.MaxSubgroup)
	if len(lanes) > 0 {
		subgroups += " with " + strings.Join(lanes, " and ")
	} else {
		subgroups += " without shuffle or arithmetic in compute shaders"
	}
	bf16, workgroup := kernels.UnprovenMatrices(d)
	paths := []fact{
		{"convolutions", kernels.Convolutions(d)},
		{"subgroups", subgroups + vectors(d, cpu.X86.HasAVX512F)},
		{"fp16 arithmetic", offered(f.Float16, "used by cooperative matrices and profile's peak: all else computes in fp32, with --precision too")},
		{"16-bit storage", offered(f.Storage16, "not used: --precision fp16 and bf16 take words apart, on every device")},
		{"cooperative matrix", offered(f.CooperativeMatrix, kernels.Matrices(d))},
		{"matrices of bf16", offered(f.BFloat16Matrix, bf16)},
		{"matrices of workgroups", offered(f.WorkgroupMatrix, workgroup)},
		{"timestamps", timestamps(l)},
		{"pipeline statistics", offered(f.Statistics, "registers, spills and shared memory in profile")},
		{"memory budget", offered(f.MemoryBudget, "what other programs hold counts as taken")},
	}
	if !f.MemoryBudget {
		paths[len(paths)-1].Is += ": all memory counts as free"
	}
	for _, f := range []struct {
		what   string
		shapes []vk.Matrix
	}{{"matrix shapes", d.Matrices}, {"multiples of shapes", d.Flexible}} {
		var shapes []string
		for _, m := range f.shapes {
			shapes = append(shapes, m.String())
		}
		if len(shapes) > 0 {
			paths = append(paths, fact{f.what, strings.Join(shapes, ", ")})
		}
	}
	return paths
}

// vectors says when lavapipe is held to vectors of another width than suits it (docs/performance.md).
func vectors(d vk.DeviceInfo, avx512 bool) string {
	var version int
	if n, _ := fmt.Sscanf(d.Driver, "llvmpipe Mesa %d.", &version); n < 1 {
		return ""
	}
	switch lanes := d.Limits.SubgroupSize; {
	case version >= 26 && lanes == 8 && avx512:
		return ": convolutions take two thirds of the time on 16, which LP_NATIVE_VECTOR_WIDTH=512 in the environment makes them"
	case version < 26 && lanes > 8:
		return ": convolutions take many times as long as on 8, which LP_NATIVE_VECTOR_WIDTH=256 in the environment makes them"
	}
	return ""
}

// offered says whether a feature is there, and what is made of it.
func offered(has bool, use string) string {
	if !has {
		return "not offered"
	}
	return "offered; " + use
}

func timestamps(l vk.Limits) string {
	if l.TimestampPeriod == 0 {
		return "none: profile times whole runs by the host's clock"
	}
	return fmt.Sprintf("%d bits, %g ns a tick: used by profile, bench and tune", l.TimestampBits, l.TimestampPeriod)
}
