// Cooperative matrices that no driver at hand has: what is asked of one that has them, and what is told of it.

package main

import (
	"slices"
	"strings"
	"testing"

	"cyclevk/vk/vktest"
)

// TestUnprovenMatrices runs on the driver of vktest.Matrices, which opens a device only where each structure of features is in its chain
// with what is offered.
func TestUnprovenMatrices(t *testing.T) {
	driver, dir := vktest.Matrices(t), t.TempDir()
	if driver == nil {
		t.Skip("no gcc")
	}
	run := func(variable string, args ...string) result {
		cmd := program(t, dir, args...)
		cmd.Env = slices.Concat(cmd.Env, driver, []string{"CYCLEVK_MATRICES=" + variable})
		return runProgram(t, cmd)
	}
	const bf16, workgroup = "16x8x16 bf16*bf16+f32=f32 in tiles of up to ", "32x16x16 f16*f16+f32=f32 on 128 lanes in tiles of up to "
	for _, c := range []struct {
		variable        string
		bf16, workgroup string
	}{
		{"", "not used unless CYCLEVK_MATRICES names bf16, since", "not used unless CYCLEVK_MATRICES names workgroup, since"},
		{"bf16", "used with --precision bf16 by convolutions", "not used unless"},
		{"bf16,workgroup", "used with --precision bf16 by convolutions", "used with --precision fp16 by convolutions"},
	} {
		r := run(c.variable, "devices", "--verbose")
		for _, line := range [][]string{
			{"cooperative matrix", "offered; used by profile's peak, and with --precision fp16", "16x16x16 f16*f16+f32=f32"},
			{"matrices of bf16", "offered; " + c.bf16, bf16},
			{"matrices of workgroups", "offered; " + c.workgroup, workgroup},
			{"matrix shapes", "16x16x16 f16*f16+f32=f32, 16x8x16 bf16*bf16+f32=f32, 16x16x32 i8*i8+i32=i32"},
			{"multiples of shapes", "16x16x16 f16*f16+f32=f32, 32x32x16 f16*f16+f32=f32 on 256 lanes, 32x16x16 f16*f16+f32=f32 on 128 lanes, 32x16x16 bf16*bf16+f32=f32 on 128 lanes"},
		} {
			has := func(text string) bool {
				return !slices.ContainsFunc(line, func(part string) bool { return !strings.Contains(text, part) })
			}
			if r.code != 0 || !slices.ContainsFunc(strings.Split(r.stdout, "\n"), has) {
				t.Errorf("CYCLEVK_MATRICES=%s: exit code %d, no line with %q in\n%s%s", c.variable, r.code, line, r.stdout, r.stderr)
			}
		}
	}
	if r := run("", "selftest", "--kernel", "biasgrad"); r.code != 0 || !strings.Contains(r.stdout, "cyclegan selftest: passed") {
		t.Errorf("a device is opened: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, args := range [][]string{{"devices"}, {"selftest", "--kernel", "biasgrad"}} {
		wantRefusal(t, run("fp8", args...), []string{`CYCLEVK_MATRICES="fp8": use bf16, workgroup or both`})
	}
}
