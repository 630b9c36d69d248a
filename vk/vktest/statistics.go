// A driver that tells what it compiled, for tests: none that runs on a CPU does.

package vktest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

//go:embed testdata/statistics.c
var statisticsLayer []byte

// Statistics returns variables of the environment in which each device offers VK_KHR_pipeline_executable_properties, with figures that
// testdata/statistics.c makes up; nil where there is no gcc to compile that.
func Statistics(t testing.TB) []string {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		return nil
	}
	dir := t.TempDir()
	source, library := filepath.Join(dir, "statistics.c"), filepath.Join(dir, "libstatistics.so")
	const manifest = `{"file_format_version": "1.1.2", "layer": {"name": "VK_LAYER_CYCLEVK_statistics", "type": "GLOBAL",
"library_path": "./libstatistics.so", "api_version": "1.1.0", "implementation_version": "1", "description": "made up",
"device_extensions": [{"name": "VK_KHR_pipeline_executable_properties", "spec_version": "1",
"entrypoints": ["vkGetPipelineExecutablePropertiesKHR", "vkGetPipelineExecutableStatisticsKHR"]}]}}`
	for path, data := range map[string][]byte{source: statisticsLayer, filepath.Join(dir, "statistics.json"): []byte(manifest)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{"VK_LAYER_PATH=" + dir, "VK_INSTANCE_LAYERS=VK_LAYER_CYCLEVK_statistics", "CYCLEVK_VALIDATE=", "CYCLEVK_DEBUG="}
}
