// Every kernel in parts: dispatches are cut where they are long, which no case is.

package kernels

import (
	"testing"

	"cyclevk/vk/vktest"
)

// TestKernelsInParts runs every case with submissions so short that most dispatches are cut.
func TestKernelsInParts(t *testing.T) {
	dev := vktest.Device(t)
	dev.Submission = 1e5
	for r := range Selftest(dev, Checks(), *seed) {
		if r.Err != nil && !Skipped(r.Err) {
			t.Errorf("%s/%s: %v (seed %d)", r.Check, r.Case, r.Err, *seed)
		}
	}
}
