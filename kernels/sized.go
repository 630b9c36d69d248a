// Kernels at any shape, held against their references and then timed: for whoever writes a shader.

package kernels

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cyclevk/vk"
)

// Sized is a check at a shape of the caller's.
type Sized struct {
	Dims  string                                // what a shape is made of, such as "N,H,W,C"
	Usual [][]int                               // shapes as networks have them; the first suits most shaders of the check
	Case  func(shader string, shape []int) Case // made so that it launches the shader, where the shape allows that
}

// nhwc is a Sized over tensors.
func nhwc(run func(t *Trial, shader string, s [4]int) error) *Sized {
	return sized("N,H,W,C", [][]int{{1, 64, 64, 256}}, halved(func(t *Trial, shader string, v []int) error { return run(t, shader, [4]int(v)) }))
}

// halved is run, with tensors of fp16 where the shader is a variant for 16 bits, whose name goes without that.
func halved(run func(t *Trial, shader string, v []int) error) func(t *Trial, shader string, v []int) error {
	return func(t *Trial, shader string, v []int) error {
		shader, half := strings.CutSuffix(shader, "_half")
		if half {
			t.Element = Float16
		}
		return run(t, shader, v)
	}
}

func sized(dims string, usual [][]int, run func(t *Trial, shader string, v []int) error) *Sized {
	return &Sized{dims, usual, func(shader string, v []int) Case {
		return Case{strings.Trim(strings.Join(strings.Fields(fmt.Sprint(v)), ","), "[]"), func(t *Trial) error { return run(t, shader, v) }}
	}}
}

// SizedOf is the first check of a shader that takes shapes; nil for one without.
func SizedOf(shader string) *Sized {
	for _, c := range checks {
		if c.Sized != nil && slices.Contains(c.Shaders, shader) {
			return c.Sized
		}
	}
	return nil
}

// Timed is one dispatch, timed by timestamps on the device.
type Timed struct {
	vk.Dispatch
	vk.Variant  // as it was launched
	Times       []time.Duration
	Executables []vk.Executable // what the driver says of it, with Device.HasStatistics
}

// ErrNotLaunched is that a shape takes other shaders.
var ErrNotLaunched = errors.New("is not launched")

// Time runs a case, and where it passes, the dispatches of the same program so many times again, each alone on the device and on
// the inputs that the case drew. It returns the largest error as a part of its bound, and the first dispatch of the shader. Where
// the device has no timestamps there are no times.
func Time(dev *vk.Device, c Case, shader string, seed uint64, repeats int) (worst float64, timed *Timed, err error) {
	t := newTrial(dev, seed)
	defer t.arena.Free()
	r := t.run(c)
	if r.Err != nil {
		return 0, nil, r.Err
	}
	if !slices.Contains(r.Shaders, shader) {
		return r.Worst, nil, fmt.Errorf("%s %w at %s, which takes %s", shader, ErrNotLaunched, c.Name, strings.Join(r.Shaders, ", "))
	}
	p := dev.NewProgram(c.Name)
	p.Timing, p.FullSync = true, true
	t.build(p)
	if err := p.Build(); err != nil {
		return 0, nil, err
	}
	defer p.Free()
	at := slices.IndexFunc(p.List(), func(d vk.Dispatch) bool { return d.Shader == shader })
	timed = &Timed{Dispatch: p.List()[at]}
	for _, l := range vk.Launches(p) {
		if l.Shader == shader {
			timed.Variant = l.Variants[0]
			break
		}
	}
	compiled, err := p.Compiled()
	if err != nil {
		return 0, nil, err
	}
	for _, c := range compiled {
		if slices.Contains(c.Dispatches, at) {
			timed.Executables = c.Executables
		}
	}
	if dev.Info.Limits.TimestampPeriod == 0 {
		return r.Worst, timed, nil
	}
	for i := range 1 + repeats {
		if err := t.fill(); err != nil {
			return 0, nil, err
		}
		if err := p.Run(); err != nil {
			return 0, nil, err
		}
		spans, err := p.Times(p.Latest())
		if err != nil {
			return 0, nil, err
		}
		if i > 0 { // in the first, drivers compile and memory is touched first
			timed.Times = append(timed.Times, spans[at].Time)
		}
	}
	return r.Worst, timed, nil
}
