// Proof that every shader can be timed alone, once it has been held against its reference at that shape.

package kernels

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cyclevk/shaders"
	"cyclevk/vk/vktest"
)

func TestEveryShaderIsTimed(t *testing.T) {
	dev := vktest.Device(t)
	small := map[string][][]int{
		"N,H,W,C": {{2, 4, 4, 5}, {1, 48, 48, 36}}, "N,H,W,A,B": {{2, 3, 4, 5, 3}}, "PARAMETERS": {{9}}, "VALUES": {{9}}, "PIXELS,TURNS": {{9, 2}}, "MATRICES,TURNS": {{3, 2}},
		"H,W": {{7, 9}}, "GUARDS": {{8}}, "FRAMEH,FRAMEW": {{24, 35}},
	}
	for _, check := range Checks() {
		if check.Sized == nil {
			continue
		}
		for _, shader := range check.Shaders {
			if SizedOf(shader) != check.Sized {
				continue // another check's
			}
			if len(small[check.Sized.Dims]) == 0 {
				t.Fatalf("%s: no shape of %s here", check.Name, check.Sized.Dims)
			}
			for i, shape := range small[check.Sized.Dims] {
				_, timed, err := Time(dev, check.Sized.Case(shader, shape), shader, *seed, 2)
				if errors.Is(err, ErrNotLaunched) && i+1 < len(small[check.Sized.Dims]) {
					continue
				}
				if Skipped(err) {
					t.Logf("%s: %v", shader, err)
					break
				}
				if err != nil {
					t.Fatalf("%s at %v: %v", shader, shape, err)
				}
				if timed.Shader != shader || timed.Read+timed.Written == 0 {
					t.Errorf("%s at %v: %+v", shader, shape, timed)
				}
				if want := 2; dev.Info.Limits.TimestampPeriod > 0 && len(timed.Times) != want {
					t.Errorf("%s at %v: %d times, want %d", shader, shape, len(timed.Times), want)
				}
				break
			}
		}
	}
}

// TestSizedIsVerified: no wrong shader is timed.
func TestSizedIsVerified(t *testing.T) {
	dev := vktest.Device(t)
	for shader, other := range map[string]string{"upsample_grad_add": "upsample_grad", "norm_forward": "norm_forward_affine", "fill_floats": "fill"} {
		code, err := shaders.SPIRV(other)
		if err != nil {
			t.Fatal(err)
		}
		restore := Replace(shader, code)
		_, timed, err := Time(dev, SizedOf(shader).Case(shader, []int{1, 4, 4, 5}), shader, *seed, 1)
		restore()
		if err == nil || Skipped(err) || timed != nil {
			t.Errorf("%s in place of %s: %v, %+v", other, shader, err, timed)
		}
	}
	names := shaders.Names()
	convolution := func(s string) bool { // or a part of one
		return strings.HasPrefix(s, "conv_") || strings.HasPrefix(s, "winograd_") || s == "norm_combine_blocks"
	}
	if i := slices.IndexFunc(names, func(s string) bool { return SizedOf(s) == nil && !convolution(s) }); i >= 0 {
		t.Errorf("%s has no shape and is no convolution", names[i])
	}
}
