// Proof that no pair is left out.

package kernels

import (
	"fmt"
	"testing"
)

func TestPairwiseHoldsEveryPair(t *testing.T) {
	for _, levels := range [][]int{{2, 3}, {4, 1, 3}, {10, 10, 6, 3, 2, 4}} {
		seen := map[string]bool{}
		for _, row := range pairwise(levels...) {
			for g := range levels {
				for f := range g {
					seen[fmt.Sprint(f, row[f], g, row[g])] = true
				}
			}
		}
		for g := range levels {
			for f := range g {
				for a := range levels[f] {
					for b := range levels[g] {
						if !seen[fmt.Sprint(f, a, g, b)] {
							t.Errorf("%v: level %d of factor %d never meets level %d of factor %d", levels, a, f, b, g)
						}
					}
				}
			}
		}
	}
}
