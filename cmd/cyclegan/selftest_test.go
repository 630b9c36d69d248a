// The command selftest: what it reports of devices that are right, wrong, small and dying; and what devices --verbose says.

package main

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func selftestJSON(t *testing.T, dir, name string) (r selftestReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, dir, name)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSelftest(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ args, want []string }{
		"no such kernel": {[]string{"--kernel", "biasgrat"}, []string{"--kernel biasgrat", "did you mean biasgrad?", "norm"}},
		"no seed":        {[]string{"--seed", "-1"}, []string{"--seed"}},
		"no such device": {[]string{"--device", "nonesuch"}, []string{"nonesuch"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, runProgram(t, program(t, dir, append([]string{"selftest"}, c.args...)...)), c.want)
		})
	}
	if _, err := vk.Devices(); errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	r := runProgram(t, program(t, dir, "selftest", "--kernel", "biasgrad", "--report", "none/report.md"))
	if r.code != app.ExitBadInput || !strings.Contains(r.stderr, "none") || !strings.Contains(r.stdout, "passed") {
		t.Errorf("a report that cannot be written: exit code %d: %s%s", r.code, r.stderr, r.stdout)
	}

	r = must(t, dir, "selftest", "--kernel", "biasgrad", "--report", "report.md", "--json", "report.json")
	report := selftestJSON(t, dir, "report.json")
	if r.stdout != read(t, dir, "report.md") || r.stderr != "" || !report.Passed || report.Kernels[0].Passed != report.Kernels[0].Cases || report.Kernels[0].Worst <= 0 {
		t.Errorf("%+v\n%s%s", report, r.stdout, r.stderr)
	}
	for _, want := range []string{"## cyclegan selftest: passed, ", report.Device, "| driver ", "| timestamps ", "| biasgrad "} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, r.stdout)
		}
	}
	host, _ := os.Hostname()
	for _, private := range []string{dir, os.Getenv("HOME") + "/", host} {
		if regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(private) + `(\W|$)`).MatchString(r.stdout) {
			t.Errorf("the report tells %q:\n%s", private, r.stdout)
		}
	}
	if len(r.stdout) > 8000 {
		t.Errorf("%d bytes are more than a page", len(r.stdout))
	}

	// A driver that refuses pipelines, or dies, from some call on.
	for fault, want := range map[string][]string{
		"vkCreateComputePipelines 1 -3": {"### Failed", "VK_ERROR_INITIALIZATION_FAILED", "shader conv_sum"},
		"vkQueueSubmit 60 -4":           {"### Failed", "VK_ERROR_DEVICE_LOST", "The device was lost or hung", "not run"},
	} {
		t.Run(fault, func(t *testing.T) {
			cmd := program(t, dir, "selftest", "--kernel", "biasgrad", "--json", "fault.json")
			cmd.Env = append(cmd.Env, faultVariable+"="+fault, "CYCLEVK_VALIDATE=")
			r := runProgram(t, cmd)
			if r.code != 1 || strings.Count(strings.TrimSpace(r.stderr), "\n") > 0 || !strings.Contains(r.stderr, "cases failed") || !strings.Contains(r.stderr, "biasgrad") {
				t.Errorf("exit code %d: %s", r.code, r.stderr)
			}
			for _, w := range want {
				if !strings.Contains(r.stdout, w) {
					t.Errorf("the report lacks %q:\n%s", w, r.stdout)
				}
			}
			if report := selftestJSON(t, dir, "fault.json"); report.Passed || report.Kernels[0].Passed == 0 || report.Kernels[0].Failed == 0 {
				t.Errorf("%+v", report)
			}
		})
	}
}

// TestSelftestFindsFaults puts shaders in each other's places, as a driver's compiler might make them: the command fails by name. (That
// finer faults are found, in every shader, is for the mutation test of the kernels, which runs the same cases by the same function.)
func TestSelftestFindsFaults(t *testing.T) {
	_ = vktest.Device(t) // skips where there is none
	for shader, other := range map[string]string{
		"conv_sum_add": "conv_sum", "norm_affine_grad_add": "norm_affine_grad", "norm_stats": "norm_stats_partial", "concat_grad_add": "concat_grad", "upsample_grad_add": "upsample_grad",
	} {
		wrong, err := shaders.SPIRV(other)
		if err != nil {
			t.Fatal(err)
		}
		list, err := checksOf(shader)
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		restore := kernels.Replace(shader, wrong)
		code := app.Run(newApp(&stdout, &stderr), []string{"cyclegan", "selftest", "--kernel", list[len(list)-1].Name})
		restore()
		if code != 1 || !strings.Contains(stderr.String(), "cases failed on ") || !strings.Contains(stdout.String(), "### Failed\n\n- "+list[len(list)-1].Name+", `") {
			t.Errorf("%s in place of %s: exit code %d\n%s%s", other, shader, code, stdout.String(), stderr.String())
		}
	}
}

// TestSelftestOnLess: a clear line for each thing that a device lacks, and the rest is tested.
func TestSelftestOnLess(t *testing.T) {
	for _, c := range []struct {
		name, kernel string
		less         func(d *vk.DeviceInfo)
		skips        bool
		want         string
	}{
		{"no timestamps", "concat", func(d *vk.DeviceInfo) { d.Limits.TimestampPeriod = 0 }, false, "none: profile times whole runs"},
		{"36-bit timestamps", "concat", func(d *vk.DeviceInfo) { d.Limits.TimestampBits = 36 }, false, "| 36 bits"},
		{"several queue families", "concat", func(d *vk.DeviceInfo) { d.Queue, d.Queues = 2, 3 }, false, "| 2, of 3"},
		{"128 invocations", "concat", func(d *vk.DeviceInfo) { d.Limits.MaxInvocations = 128 }, false, "| 128 invocations in all"},
		{"4 storage buffers", "adam", func(d *vk.DeviceInfo) { d.Limits.MaxStorageBuffers = 4 }, true, "- adam, 11 cases: shader adam binds 6 storage buffers, more than the device allows: 4 on "},
		{"no shuffle", "biasgrad", func(d *vk.DeviceInfo) { d.Features.SubgroupShuffle = false }, false, "plain variants"},
		{"no half precision", "peak", func(d *vk.DeviceInfo) { d.Features.Float16 = false }, true, "Not launched on this device: peak_fma_half."},
	} {
		dev := vktest.Device(t)
		c.less(&dev.Info)
		list, err := checksOf(c.kernel)
		if err != nil {
			t.Fatal(err)
		}
		r, err := runSelftest(t.Context(), dev, list, 1, &app.Progress{})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := r.print(&out); err != nil {
			t.Fatal(err)
		}
		if !r.Passed || r.err() != nil || (len(r.Skipped) > 0) != c.skips || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %v, %q is to be in\n%s", c.name, r.err(), c.want, out.String())
		}
	}
}

func TestDevicesVerbose(t *testing.T) {
	if _, err := vk.Devices(); errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	dir := t.TempDir()
	var list []deviceEntry
	if err := json.Unmarshal([]byte(must(t, dir, "devices", "--verbose", "--json").stdout), &list); err != nil {
		t.Fatal(err)
	}
	text := must(t, dir, "devices", "--verbose").stdout
	for _, d := range list {
		for _, f := range d.Facts {
			if !strings.Contains(text, f.What) || !strings.Contains(text, f.Is) {
				t.Errorf("%+v is missing in\n%s", f, text)
			}
		}
		if len(d.Facts) < 10 {
			t.Errorf("%d facts", len(d.Facts))
		}
	}
	const what, nothing, all = "what of it is used and why the rest is not", "not offered", "offered; "
	gpu := vk.DeviceInfo{Type: vk.DiscreteGPU, Features: vk.Features{Storage16: true, Float16: true, CooperativeMatrix: true, SubgroupShuffle: true, Statistics: true, MemoryBudget: true}}
	gpu.Matrices = []vk.Matrix{{M: 16, N: 8, K: 16, A: "f16", B: "f16", C: "f32", Sum: "f32"}}
	gpu.Limits = vk.Limits{SubgroupSize: 32, MinSubgroup: 32, MaxSubgroup: 32, TimestampPeriod: 1, TimestampBits: 36}
	for _, c := range []struct {
		device     vk.DeviceInfo
		what, want string
	}{
		{gpu, "convolutions", "plain variants, 64 lanes a workgroup"},
		{gpu, "subgroups", "32 lanes (32 to 32) with shuffle"},
		{gpu, "fp16 arithmetic", all},
		{gpu, "16-bit storage", all + "not used"},
		{gpu, "cooperative matrix", all + "used by profile's peak"},
		{gpu, "matrix shapes", "16x8x16 f16*f16+f32=f32"},
		{gpu, "timestamps", "36 bits, 1 ns a tick"},
		{gpu, "pipeline statistics", all + "registers"},
		{gpu, "memory budget", all},
		{vk.DeviceInfo{Type: vk.CPU}, "convolutions", "(no subgroup shuffle)"},
		{vk.DeviceInfo{}, "subgroups", "without shuffle or arithmetic"},
		{vk.DeviceInfo{}, "fp16 arithmetic", nothing},
		{vk.DeviceInfo{}, "cooperative matrix", nothing},
		{vk.DeviceInfo{}, "timestamps", "none"},
		{vk.DeviceInfo{}, "pipeline statistics", nothing},
		{vk.DeviceInfo{}, "memory budget", nothing + ": all memory counts as free"},
	} {
		is := ""
		for _, f := range devicePaths(c.device) {
			if f.What == c.what {
				is = f.Is
			}
		}
		if !strings.Contains(is, c.want) {
			t.Errorf("%s: %s is %q, want %q", what, c.what, is, c.want)
		}
	}
	for _, c := range []struct {
		driver string
		lanes  int
		avx512 bool
		want   string
	}{
		{"llvmpipe Mesa 26.1.6-1 (LLVM 21.1.8)", 8, true, "LP_NATIVE_VECTOR_WIDTH=512"},
		{"llvmpipe Mesa 26.1.6-1 (LLVM 21.1.8)", 8, false, ""},
		{"llvmpipe Mesa 26.1.6-1 (LLVM 21.1.8)", 16, true, ""},
		{"llvmpipe Mesa 22.3.6 (LLVM 15.0.6)", 16, true, "LP_NATIVE_VECTOR_WIDTH=256"},
		{"llvmpipe Mesa 22.3.6 (LLVM 15.0.6)", 8, true, ""},
		{"radv Mesa 26.1.6", 64, true, ""},
	} {
		d := vk.DeviceInfo{Driver: c.driver, Limits: vk.Limits{SubgroupSize: c.lanes}}
		if got := vectors(d, c.avx512); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%d lanes of %s: %q, want %q", c.lanes, c.driver, got, c.want)
		}
	}
}
