// What a driver tells of its pipelines is in the tables and in JSON, whole.

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cyclevk/vk/vktest"
)

// told are the executables of a pipeline in JSON.
type told []struct {
	Name         string
	SubgroupSize int `json:"subgroup_size"`
	Statistics   []struct {
		Name  string
		Value any
	}
}

// mustTell profiles on a driver that tells of each pipeline what vktest.Statistics makes up, and looks for it.
func mustTell(t *testing.T, dir string, args ...string) result {
	t.Helper()
	const file, want = "told.json", "[{main 32 [{Register Count 1.099511627776e+12} {Spill Count -3} {Uses Scratch Memory true} {Occupancy 0.75}]}]"
	cmd := program(t, dir, append(args, "--json", file)...)
	driver := vktest.Statistics(t)
	cmd.Env = append(cmd.Env, driver...)
	r := runProgram(t, cmd)
	if r.code != 0 {
		t.Fatalf("cyclegan %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	if driver == nil {
		return r
	}
	var report struct {
		Dispatches []struct{ Kernel string }
		Pipelines  []struct {
			Kernels     []string
			Executables told
		}
		Passes []struct{ Tiles []struct{ Executables told } }
	}
	if err := json.Unmarshal([]byte(read(t, dir, file)), &report); err != nil {
		t.Fatal(err)
	}
	all, kernels := []told{}, map[string]bool{}
	for _, p := range report.Pipelines {
		all = append(all, p.Executables)
		for _, k := range p.Kernels {
			kernels[k] = true
		}
	}
	for _, d := range report.Dispatches {
		if !kernels[d.Kernel] {
			t.Errorf("no pipeline of %s", d.Kernel)
		}
	}
	for _, pass := range report.Passes {
		for _, tile := range pass.Tiles {
			all = append(all, tile.Executables)
		}
	}
	for _, e := range all {
		if got := fmt.Sprint(e); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
	if len(all) < 2 || strings.Count(r.stdout, "1099511627776") < 2 || !strings.Contains(r.stdout, "Register Count  Spill Count  Uses Scratch Memory") {
		t.Errorf("%d pipelines in JSON, and the table is\n%s", len(all), r.stdout)
	}
	return r
}
