// Drivers that have what none does that runs on a CPU, for tests: layers above one of those make it up.

package vktest

import (
	"embed"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

//go:embed testdata/*.c testdata/layer.h
var layers embed.FS

// extension is what a layer's manifest says of one.
type extension struct {
	Name        string   `json:"name"`
	Version     string   `json:"spec_version"`
	EntryPoints []string `json:"entrypoints,omitempty"`
}

// Statistics returns variables of the environment in which each device offers VK_KHR_pipeline_executable_properties, with figures that
// testdata/statistics.c makes up; nil where there is no gcc to compile that.
func Statistics(t testing.TB) []string {
	return layer(t, "statistics", extension{
		"VK_KHR_pipeline_executable_properties", "1", []string{"vkGetPipelineExecutablePropertiesKHR", "vkGetPipelineExecutableStatisticsKHR"},
	})
}

// Matrices returns variables of the environment in which each device says that it is a GPU with the cooperative matrices that
// testdata/matrices.c makes up; nil where there is no gcc to compile that.
func Matrices(t testing.TB) []string {
	return layer(t, "matrices",
		extension{Name: "VK_KHR_shader_float16_int8", Version: "1"}, extension{Name: "VK_KHR_vulkan_memory_model", Version: "3"},
		extension{Name: "VK_EXT_subgroup_size_control", Version: "2"}, extension{Name: "VK_KHR_cooperative_matrix", Version: "2"},
		extension{Name: "VK_KHR_shader_bfloat16", Version: "1"}, extension{Name: "VK_NV_cooperative_matrix2", Version: "1"})
}

// layer compiles testdata/NAME.c and returns the variables that put it above each driver.
func layer(t testing.TB, name string, extensions ...extension) []string {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		return nil
	}
	dir := t.TempDir()
	sources, err := fs.Sub(layers, "testdata")
	if err == nil {
		err = os.CopyFS(dir, sources)
	}
	manifest, _ := json.Marshal(map[string]any{ // of strings: it cannot fail
		"file_format_version": "1.1.2",
		"layer": map[string]any{
			"name": "VK_LAYER_CYCLEVK_" + name, "type": "GLOBAL", "library_path": "./lib" + name + ".so", "api_version": "1.1.0",
			"implementation_version": "1", "description": "made up", "device_extensions": extensions,
		},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".json"), manifest, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", "lib"+name+".so", name+".c")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{"VK_LAYER_PATH=" + dir, "VK_INSTANCE_LAYERS=VK_LAYER_CYCLEVK_" + name, "CYCLEVK_VALIDATE=", "CYCLEVK_DEBUG="}
}
