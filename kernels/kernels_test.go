// Every kernel check, on the device that the environment chooses.

package kernels

import (
	"flag"
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
			for _, k := range c.Cases {
				t.Run(k.Name, func(t *testing.T) {
					w, err := RunCase(dev, k, *seed)
					if err != nil {
						t.Errorf("%v (seed %d)", err, *seed)
					}
					worst = max(worst, w)
				})
			}
			t.Logf("%s: %d cases, largest error %.3f of its bound", c.Name, len(c.Cases), worst)
		})
	}
}
