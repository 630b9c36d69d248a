// What the driver says of the pipelines that it compiled: registers, spills, shared memory and more, under names of its own.

package profile

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// Pipeline is a shader with its constants as the driver compiled it.
type Pipeline struct {
	Kernels     []string     `json:"kernels"` // that run it, by the names of their rows
	Shader      string       `json:"shader"`
	Constants   []uint32     `json:"constants"`
	Executables []Executable `json:"executables"`
}

// Executable is one of the binaries of a pipeline: of a compute pipeline there is one on most drivers.
type Executable struct {
	Name         string      `json:"name"`
	Description  string      `json:"description"`
	SubgroupSize int         `json:"subgroup_size,omitempty"` // 0 where it is not fixed
	Statistics   []Statistic `json:"statistics"`
}

// Statistic is a figure under the driver's own name.
type Statistic struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Value       any    `json:"value"` // a number or a bool; a string where a number is not finite
}

// resources are statistics of what limits how much of a kernel a device runs at once. Drivers name them in their own ways: "Register
// Count" (NVIDIA), "VGPRs", "Spilled SGPRs", "LDS size" (AMD), "Max live registers", "Spill count", "Scratch memory size" (Intel).
var resources = regexp.MustCompile(`(?i)regist|gpr|spill|fill|scratch|stack|local mem|shared|lds|workgroup mem`)

// printPipelines writes those that the tables of times show.
func (r *Report) printPipelines(w io.Writer) error {
	if len(r.Pipelines) == 0 {
		return PrintPipelines(w, nil)
	}
	rank := map[string]int{}
	for i, row := range r.Kernels {
		shown := len(row.Times) == 0
		for _, t := range row.Times {
			shown = shown || t.Share >= leastShare
		}
		if shown {
			rank[row.Name] = i + 1
		}
	}
	var shown []Pipeline
	for _, p := range r.Pipelines {
		p.Kernels = slices.DeleteFunc(slices.Clone(p.Kernels), func(name string) bool { return rank[name] == 0 })
		if len(p.Kernels) > 0 {
			shown = append(shown, p)
		}
	}
	slices.SortStableFunc(shown, func(a, b Pipeline) int { return cmp.Compare(rank[a.Kernels[0]], rank[b.Kernels[0]]) })
	return PrintPipelines(w, shown)
}

// PrintPipelines writes a table with a line for each executable of pipelines, and the statistics of resources; where the driver has
// none that look like those, all. No pipelines are a line that says why.
func PrintPipelines(out io.Writer, list []Pipeline) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "registers, spills and shared memory: not offered by this driver (VK_KHR_pipeline_executable_properties)")
		return err
	}
	var names, few []string
	for _, p := range list {
		for _, e := range p.Executables {
			for _, s := range e.Statistics {
				if !slices.Contains(names, s.Name) {
					names = append(names, s.Name)
				}
			}
		}
	}
	for _, name := range names {
		if resources.MatchString(name) {
			few = append(few, name)
		}
	}
	if len(few) > 0 {
		names = few
	}
	fmt.Fprintln(out, "compiled by the driver (all it tells is in --json)")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "kernel\tshader\tconstants\tsubgroup\t%s\n", strings.Join(append(names, ""), "\t"))
	for _, p := range list {
		kernel := p.Kernels[0]
		if more := len(p.Kernels) - 1; more > 0 {
			kernel += fmt.Sprintf(" and %d more", more)
		}
		for _, e := range p.Executables {
			fmt.Fprintf(w, "%s\t%s\t%v\t%d\t", kernel, p.Shader, p.Constants, e.SubgroupSize)
			for _, name := range names {
				value := any("-")
				if i := slices.IndexFunc(e.Statistics, func(s Statistic) bool { return s.Name == name }); i >= 0 {
					value = e.Statistics[i].Value
				}
				fmt.Fprintf(w, "%v\t", value)
			}
			fmt.Fprintln(w)
		}
	}
	return w.Flush()
}
