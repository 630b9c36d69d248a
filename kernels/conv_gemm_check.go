// Proof of the convolutions by tiles in shared memory, with cooperative matrices and without, by the references of all convolutions.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// The checks of matrices that are unproven.
const bfloat16Check, workgroupCheck = "conv_matrix_bf16", "conv_matrix_workgroup"

func init() {
	var tiled, matrix, alone, bfloat16, workgroup []Case
	for _, k := range []layerCase{
		{Conv{16, 16, 3, 1, 1, true}, 1, 4, 5, 16, 16, true, ReLU, false},
		{Conv{24, 40, 3, 1, 1, true}, 2, 7, 5, 24, 40, false, None, true},
		{Conv{64, 64, 3, 1, 1, true}, 1, 9, 8, 64, 64, true, Tanh, false},
		{Conv{32, 72, 3, 1, 1, false}, 1, 9, 17, 32, 72, true, LeakyReLU, true},
		{Conv{16, 48, 5, 1, 2, true}, 1, 6, 11, 16, 48, true, None, true},
		{Conv{40, 16, 3, 2, 1, false}, 3, 8, 7, 40, 16, true, None, false},
		{Conv{16, 136, 4, 2, 1, false}, 1, 10, 8, 16, 136, false, LeakyReLU, true},
		{Conv{48, 32, 4, 1, 1, false}, 2, 5, 6, 48, 32, true, None, false},
		{Conv{16, 24, 1, 2, 0, false}, 1, 5, 4, 16, 24, true, None, true},  // three phases have no tap
		{Conv{16, 16, 1, 1, 0, true}, 1, 23, 33, 16, 16, true, None, true}, // more pixels than a split has
		{ConvTranspose{32, 16, 3, 2, 1, 1}, 1, 7, 5, 32, 16, true, ReLU, false},
		{ConvTranspose{16, 40, 4, 2, 1, 0}, 2, 3, 6, 16, 40, false, None, true},
	} {
		name := fmt.Sprintf("%T %s", k.layer, k.name(k.details()))[len("kernels."):]
		tiled = append(tiled, Case{name, func(t *Trial) error { return t.as(vk.DiscreteGPU, NoMatrices, k.run) }})
		matrix = append(matrix, matrixCase(name, k.run, Float16, Unproven{}))
		alone = append(alone, matrixCase(name+" by one subgroup", k.run, Float16, Unproven{alone: true}))
		bfloat16 = append(bfloat16, matrixCase(name, k.run, BFloat16, Unproven{BFloat16: true}))
		workgroup = append(workgroup, matrixCase(name+" fp16", k.run, Float16, Unproven{Workgroup: true}),
			matrixCase(name+" bf16", k.run, BFloat16, Unproven{BFloat16: true, Workgroup: true}))
	}
	shaders := func(kinds ...string) []string {
		names := []string{"conv_sum", "conv_sum_add"}
		for _, kind := range kinds {
			for _, s := range []string{"conv_forward_matrix_half", "conv_data_grad_matrix_half", "conv_weight_grad_matrix_half"} {
				variants := matrixShaders(s, kind)
				names = append(names, variants[:]...)
			}
		}
		return names
	}
	register(Check{Name: "conv_matrix", Shaders: shaders(""), Cases: append(every(3, alone), matrix...)})
	register(Check{Name: bfloat16Check, Shaders: shaders("_bf16"), Cases: bfloat16})
	register(Check{Name: workgroupCheck, Shaders: shaders("_workgroup", "_workgroup_bf16"), Cases: workgroup})
	register(Check{
		Name: "conv_tiled",
		Shaders: halves("conv_forward_tiled", "conv_forward_tiled_add", "conv_data_grad_tiled", "conv_data_grad_tiled_add",
			"conv_weight_grad_tiled", "conv_weight_grad_tiled_add", "conv_sum", "conv_sum_add"),
		Cases: append(tiled, in16(tiled)...),
	})
}

// matrixCase is a case as a GPU would run it by matrices of a kind; the error wraps vk.ErrUnsupported where the device has none.
func matrixCase(name string, run func(*Trial) error, e Element, u Unproven) Case {
	return Case{name, func(t *Trial) error {
		info := t.dev.Info
		info.Type = vk.DiscreteGPU
		if _, err := MatrixShape(info, e); err != nil && !u.Workgroup {
			return err
		}
		if u.Workgroup && workgroupMatrices(info, e) == nil {
			return fmt.Errorf("matrices of a workgroup of %s summed in fp32, %w: %s has %v", e, vk.ErrUnsupported, info.Name, info.Flexible)
		}
		t.Element = e
		return t.asWith(vk.DiscreteGPU, Unrestricted, u, run)
	}}
}
