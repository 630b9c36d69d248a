// Every kernel check, on the device that the environment chooses.

package kernels

import (
	"flag"
	"slices"
	"testing"

	"cyclevk/vk/vktest"
)

var seed = flag.Uint64("seed", 1, "seed of the checks' random numbers")

func TestKernels(t *testing.T) {
	dev := vktest.Device(t)
	t.Logf("%s, seed %d", dev.Info, *seed)
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			worst := 0.0
			for r := range Selftest(dev, []Check{c}, *seed) {
				t.Run(r.Case, func(t *testing.T) {
					switch {
					case Skipped(r.Err):
						t.Skip(r.Err)
					case r.Err != nil:
						t.Errorf("%v (seed %d)", r.Err, *seed)
					}
					for _, shader := range r.Shaders {
						if !slices.Contains(c.Shaders, shader) {
							t.Errorf("launches %s, which its check does not name", shader)
						}
					}
				})
				worst = max(worst, r.Worst)
			}
			t.Logf("%s: %d cases, largest error %.3f of its bound", c.Name, len(c.Cases), worst)
		})
	}
}
