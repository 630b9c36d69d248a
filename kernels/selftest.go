// The self-test: every case of every check on one device, whatever becomes of the others. The tests and the command selftest run
// the same.

package kernels

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"

	"cyclevk/vk"
)

// Result is what came of a case.
type Result struct {
	Check, Case string
	Shaders     []string // that it launched, each once, sorted
	Worst       float64  // the largest error, as a part of its bound
	Err         error    // nil where it passed: see Skipped and Over
}

// Skipped tells whether a case's error is that it asks for more than the device has.
func Skipped(err error) bool {
	return errors.Is(err, vk.ErrTooLarge) || errors.Is(err, vk.ErrUnsupported)
}

// Over tells whether a case's error leaves a device on which nothing else can run.
func Over(err error) bool { return errors.Is(err, vk.ErrDeviceLost) || errors.Is(err, vk.ErrTimeout) }

// Selftest runs the cases of checks on a device, one after the other, and yields what came of each. A case that fails leaves the
// next ones as they are; it is the last where the device is lost or hangs. The seed is that of all random numbers.
func Selftest(dev *vk.Device, list []Check, seed uint64) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for _, check := range list {
			for _, c := range check.Cases {
				r := run(dev, c, seed)
				r.Check = check.Name
				if !yield(r) || Over(r.Err) {
					return
				}
			}
		}
	}
}

// RunCase runs a case on a device and returns the largest error as a part of its bound.
func RunCase(dev *vk.Device, c Case, seed uint64) (worst float64, err error) {
	r := run(dev, c, seed)
	return r.Worst, r.Err
}

func run(dev *vk.Device, c Case, seed uint64) Result {
	t := newTrial(dev, seed)
	defer t.arena.Free()
	return t.run(c)
}

func newTrial(dev *vk.Device, seed uint64) *Trial {
	t := &Trial{Rand: rand.New(rand.NewPCG(seed, 0)), dev: dev, arena: dev.NewArena("trial")}
	t.arena.Guard = guardZone
	return t
}

func (t *Trial) run(c Case) Result {
	err := c.Run(t)
	slices.Sort(t.shaders)
	return Result{Case: c.Name, Shaders: slices.Compact(t.shaders), Worst: t.Worst, Err: err}
}
