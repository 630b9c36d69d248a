// The table of what drivers tell, on what drivers of three makers tell.

package profile

import (
	"strings"
	"testing"
)

func TestPrintPipelines(t *testing.T) {
	told := func(kernels string, subgroup int, names string, values ...any) Pipeline {
		p := Pipeline{Kernels: strings.Split(kernels, ","), Shader: "s", Constants: []uint32{8}, Executables: []Executable{{SubgroupSize: subgroup}}}
		for i, name := range strings.Split(names, ",") {
			p.Executables[0].Statistics = append(p.Executables[0].Statistics, Statistic{name, "", values[i]})
		}
		return p
	}
	for name, c := range map[string]struct {
		list []Pipeline
		want []string // lines, by their fields
	}{
		"none": {nil, []string{"registers, spills and shared memory: not offered by this driver (VK_KHR_pipeline_executable_properties)"}},
		"NVIDIA": {
			[]Pipeline{told("a", 32, "Register Count,Binary Size,Stack Size,Local Memory Size", uint64(40), uint64(9000), uint64(0), uint64(16))},
			[]string{"kernel shader constants subgroup Register Count Stack Size Local Memory Size", "a s [8] 32 40 0 16"},
		},
		"AMD": {
			[]Pipeline{told("a,b,c", 64, "SGPRs,VGPRs,Spilled VGPRs,Code size,LDS size,Latency", 1, 2, 3, 4, 5, 6), told("d", 0, "VGPRs", 7)},
			[]string{"kernel shader constants subgroup SGPRs VGPRs Spilled VGPRs LDS size", "a and 2 more s [8] 64 1 2 3 5", "d s [8] 0 - 7 - -"},
		},
		"Intel": {
			[]Pipeline{told("a", 16, "Instruction Count,Spill count,Fill count,Scratch Memory Size,Max live registers", 1, 2, 3, 4, 5)},
			[]string{"kernel shader constants subgroup Spill count Fill count Scratch Memory Size Max live registers", "a s [8] 16 2 3 4 5"},
		},
		"names that nobody knows": {
			[]Pipeline{told("a", 8, "speed,colour", 0.5, true)},
			[]string{"kernel shader constants subgroup speed colour", "a s [8] 8 0.5 true"},
		},
	} {
		var out strings.Builder
		if err := PrintPipelines(&out, c.list); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(c.list) > 0 {
			lines = lines[1:]
		}
		for i := range lines {
			lines[i] = strings.Join(strings.Fields(lines[i]), " ")
		}
		if got, want := strings.Join(lines, "\n"), strings.Join(c.want, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}
