// Every kernel in parts: dispatches are cut where they are long, which no case is.

package kernels

import (
	"slices"
	"testing"

	"cyclevk/vk/vktest"
)

// TestKernelsInParts runs every fourth case of each kernel with submissions so short that most dispatches are cut.
func TestKernelsInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("in the run that is not short")
	}
	dev := vktest.Device(t)
	dev.Submission = 1e5
	checks := slices.Clone(Checks())
	for i := range checks {
		checks[i].Cases = every(4, checks[i].Cases)
	}
	for r := range Selftest(dev, checks, *seed) {
		if r.Err != nil && !Skipped(r.Err) {
			t.Errorf("%s/%s: %v (seed %d)", r.Check, r.Case, r.Err, *seed)
		}
	}
}
