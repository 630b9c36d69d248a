// What a driver says of a shader that it has compiled: registers, spills, shared memory and more, under the driver's own names.

package vk

// #include "native.h"
import "C"

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

const statisticsExtension = "VK_KHR_pipeline_executable_properties"

// Option is what a device can be opened with.
type Option int

// Statistics has the driver keep what it knows of each pipeline that it compiles, where it offers VK_KHR_pipeline_executable_properties:
// see Program.Compiled.
const Statistics Option = 1

// Compiled is what the driver made of a shader with its constants.
type Compiled struct {
	Shader      string
	Constants   []uint32
	Executables []Executable
	Dispatches  []int // those of the program that run it, as List counts them
}

// Executable is one of the binaries of a pipeline.
type Executable struct {
	Name         string
	Description  string
	SubgroupSize int // 0 where it is not fixed
	Statistics   []Statistic
}

// Statistic is a figure that the driver gives.
type Statistic struct {
	Name        string
	Description string
	Value       any // a bool, int64, uint64 or float64; a string where that is not finite
}

// HasStatistics tells whether the device was opened with Statistics and its driver offers them.
func (d *Device) HasStatistics() bool { return d.statistics }

// Compiled lists what the driver says of the pipelines of a built program, in the order in which they first run; nothing without
// HasStatistics.
func (p *Program) Compiled() (list []Compiled, err error) {
	if !p.dev.statistics {
		return nil, nil
	}
	if p.rec[0] == nil {
		return nil, fmt.Errorf("%s: nothing is compiled before the program is built", p.Name)
	}
	index := map[*pipeline]int{}
	for i, o := range p.ops {
		at, ok := index[o.pipeline]
		if !ok {
			executables, err := o.pipeline.executables(p.dev)
			if err != nil {
				return nil, fmt.Errorf("%s: shader %s: %w", p.Name, o.pipeline.name, err)
			}
			at = len(list)
			index[o.pipeline] = at
			list = append(list, Compiled{Shader: o.pipeline.name, Constants: slices.Clone(o.pipeline.spec), Executables: executables})
		}
		list[at].Dispatches = append(list[at].Dispatches, i)
	}
	return list, nil
}

// executables asks the driver.
func (p *pipeline) executables(d *Device) ([]Executable, error) {
	device := unsafe.Pointer(d.handle)
	found, err := twice("vkGetPipelineExecutablePropertiesKHR", func(n *C.uint32_t, list *C.cv_executable) C.int32_t {
		return C.cv_executables(device, p.c.pipeline, n, list)
	})
	if err != nil {
		return nil, err
	}
	list := make([]Executable, len(found))
	for i := range found {
		e := &found[i]
		list[i] = Executable{Name: C.GoString(&e.name[0]), Description: C.GoString(&e.description[0]), SubgroupSize: int(e.subgroup_size), Statistics: []Statistic{}}
		statistics, err := twice("vkGetPipelineExecutableStatisticsKHR", func(n *C.uint32_t, list *C.cv_statistic) C.int32_t {
			return C.cv_statistics(device, p.c.pipeline, C.uint32_t(i), n, list)
		})
		if err != nil {
			return nil, err
		}
		for k := range statistics {
			s := &statistics[k]
			if value := statisticValue(uint32(s.format), uint64(s.value)); value != nil {
				list[i].Statistics = append(list[i].Statistics, Statistic{C.GoString(&s.name[0]), C.GoString(&s.description[0]), value})
			}
		}
	}
	return list, nil
}

// statisticValue reads a VkPipelineExecutableStatisticValueKHR; nil where its format is none of Vulkan's four.
func statisticValue(format uint32, bits uint64) any {
	switch format {
	case 0:
		return uint32(bits) != 0
	case 1:
		return int64(bits)
	case 2:
		return bits
	case 3:
		x := math.Float64frombits(bits)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x) // JSON has no number for it
		}
		return x
	}
	return nil
}
