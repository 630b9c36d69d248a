// Values that are not finite must never reach a file. The guard (guard.go) keeps them out of a training; this is the gate to the
// disk, which holds for whatever a checkpoint was made from.

package cyclegan

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// ErrNotFinite is wrapped by every error about a NaN or an infinity.
var ErrNotFinite = errors.New("is not finite")

// Finite names the first weight tensor, moment or pool with a value that is not.
func (c *Checkpoint) Finite() error {
	for _, net := range slices.Sorted(maps.Keys(c.Nets)) {
		s := c.Nets[net]
		for _, part := range []struct {
			of string
			State
		}{{"weight", s.Weights}, {"first moment of", s.M}, {"second moment of", s.V}} {
			for _, name := range slices.Sorted(maps.Keys(part.State)) {
				if !slices.ContainsFunc(part.State[name], notFinite) {
					continue
				}
				return fmt.Errorf("step %d: %s %s.%s %w: lower --lr", c.Step, part.of, net, name, ErrNotFinite)
			}
		}
	}
	for _, picture := range slices.Concat(c.PoolA, c.PoolB) {
		if slices.ContainsFunc(picture, notFinite) {
			return fmt.Errorf("step %d: a picture in the image pool %w: lower --lr", c.Step, ErrNotFinite)
		}
	}
	return nil
}

// notFinite looks at the exponent, which is all ones.
func notFinite(v float32) bool { return math.Float32bits(v)&0x7f800000 == 0x7f800000 }
