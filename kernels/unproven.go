// Kinds of cooperative matrices for which there are kernels, though no driver at hand multiplies them: what is not proven is not used unless
// somebody asks for it, who can prove it first, by the self-test.

package kernels

import (
	"fmt"
	"strings"

	"cyclevk/vk"
)

// UnprovenVariable is the environment variable that lists kinds to use where a device offers them, such as bf16,workgroup.
const UnprovenVariable = "CYCLEVK_MATRICES"

// Unproven are kinds of cooperative matrices that no driver at hand has: their kernels are compiled and validated, but never ran.
// Launches take them where they are allowed, and offered.
type Unproven struct {
	BFloat16  bool // factors of bf16, by VK_KHR_shader_bfloat16
	Workgroup bool // matrices of a whole workgroup in place of a subgroup, by VK_NV_cooperative_matrix2
	alone     bool // what is written for a workgroup by one subgroup, which is all of it, so that checks run it where it is not offered
}

var allowed Unproven

// Allow makes launches from now on take kinds of matrices that are unproven, and no others of them, until restore is called. It is not for
// use while another goroutine launches.
func Allow(u Unproven) (restore func()) {
	old := allowed
	allowed = u
	return func() { allowed = old }
}

// Allowed reports whether launches take all kinds of u.
func (u Unproven) Allowed() bool {
	return (allowed.BFloat16 || !u.BFloat16) && (allowed.Workgroup || !u.Workgroup)
}

// ParseUnproven reads a list such as "bf16,workgroup".
func ParseUnproven(list string) (u Unproven, err error) {
	for _, kind := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		switch kind {
		case "bf16":
			u.BFloat16 = true
		case "workgroup":
			u.Workgroup = true
		default:
			return u, fmt.Errorf("%q: use bf16, workgroup or both, such as bf16,workgroup", list)
		}
	}
	return u, nil
}

// UnprovenOf are those that a shader is of.
func UnprovenOf(shader string) Unproven {
	return Unproven{BFloat16: strings.Contains(shader, "_matrix") && strings.Contains(shader, "_bf16"), Workgroup: strings.Contains(shader, "_matrix_workgroup")}
}

// UnprovenMatrices says what a device does with cooperative matrices of bf16, and with those of whole workgroups, where it has any.
func UnprovenMatrices(info vk.DeviceInfo) (bf16, workgroup string) {
	use := func(e *matrixEngine, kind, check, precision string, asked bool) string {
		switch {
		case info.Type == vk.CPU:
			return "not used: a CPU convolves faster without"
		case e == nil:
			return "not used: convolutions take sums in fp32, and room for tiles of 32 x 32"
		case asked:
			return fmt.Sprintf("used with --precision %s by convolutions of 16 channels and more, as %s says: %s", precision, UnprovenVariable, e)
		}
		return fmt.Sprintf("not used unless %s names %s, since no driver has proven its kernels (cyclegan selftest --kernel %s does): %s", UnprovenVariable, kind, check, e)
	}
	return use(subgroupMatrices(info, BFloat16), "bf16", bfloat16Check, "bf16", allowed.BFloat16),
		use(workgroupMatrices(info, Float16), "workgroup", workgroupCheck, "fp16", allowed.Workgroup)
}
