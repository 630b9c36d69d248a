// Checks: how every kernel is proven on a device, in tests and on a user's own GPU. selftest.go runs them all.
//
// A check runs a kernel on poisoned memory with guard zones around every buffer, twice with different poison, and holds
// the result against a slow float64 reference, element by element, by a bound: |error| <= C u sum|terms|, u = 2^-24.

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"cyclevk/vk"
)

// U is the unit roundoff of fp32, in which bounds are stated.
const U = 1.0 / (1 << 24)

// Check proves one kernel family.
type Check struct {
	Name    string
	Shaders []string // the shaders that it exercises
	Cases   []Case
	Sized   *Sized // nil for convolutions: a reference of one that is worth timing takes minutes
}

// Case is one shape or setting of a check.
type Case struct {
	Name string
	Run  func(t *Trial) error
}

// Checks are all checks, in the order of their files.
func Checks() []Check { return checks }

// checks is the kernel table: each x_check.go adds to it when the program starts.
var checks []Check

func register(c Check) { checks = append(checks, c) }

// Trial is one run of a case on a device.
type Trial struct {
	Rand  *rand.Rand // seeded by the caller, so that a failure can be run again
	Worst float64    // the largest error of a comparison so far, as a part of its bound

	dev     *vk.Device
	arena   *vk.Arena
	bufs    []*buffer
	shaders []string // that Run launched
	build   func(p *vk.Program)
}

// buffer is an input or output of the kernel under trial.
type buffer struct {
	vk.Range
	in, out []uint32 // nil where it is not one
}

// guardZone is the bytes around every buffer that no kernel may touch.
const guardZone = 4096

// poisons fill memory before a run: a NaN with a payload, and a number that would spoil every sum.
var poisons = [2]uint32{0x7FC0DEAD, math.Float32bits(1e30)}

// Words declares a buffer of raw words. A nil in is an output; readBack makes an input an output too.
func (t *Trial) Words(name string, words int, in []uint32, readBack bool) vk.Range {
	b := &buffer{Range: t.arena.Reserve(name, 4*words).All(), in: in}
	if in == nil || readBack {
		b.out = make([]uint32, words)
	}
	t.bufs = append(t.bufs, b)
	return b.Range
}

// Floats declares a buffer of n floats without a shape, as Words does.
func (t *Trial) Floats(name string, n int, in []float32, readBack bool) vk.Range {
	return t.Words(name, n, bits(in), readBack)
}

// In declares an input tensor. values are [N,H,W,C] without padding.
func (t *Trial) In(name string, n, h, w, c int, values []float32) Tensor {
	return Tensor{t.Words(name, n*h*w*Stride(c), bits(pad(values, c)), false), n, h, w, c}
}

// Out declares an output tensor.
func (t *Trial) Out(name string, n, h, w, c int) Tensor {
	return Tensor{t.Words(name, n*h*w*Stride(c), nil, true), n, h, w, c}
}

// InOut declares a tensor that is read and written.
func (t *Trial) InOut(name string, n, h, w, c int, values []float32) Tensor {
	return Tensor{t.Words(name, n*h*w*Stride(c), bits(pad(values, c)), true), n, h, w, c}
}

// Random fills n values with fp32 numbers from N(mean, sigma).
func (t *Trial) Random(n int, mean, sigma float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(mean + sigma*t.Rand.NormFloat64())
	}
	return v
}

// Run runs the program that build writes, once on each poison, and fails where the outputs differ in a bit, where a byte
// outside of every buffer changed, or where the program does.
func (t *Trial) Run(build func(p *vk.Program)) error {
	t.build = build
	p := t.dev.NewProgram("trial")
	p.GuardZone, p.Overbind = guardZone, guardZone
	build(p)
	if p.Err() != nil {
		return p.Err() // before memory is taken
	}
	for _, d := range p.List() {
		t.shaders = append(t.shaders, d.Shader)
	}
	if err := t.arena.Allocate(); err != nil {
		return err
	}
	if err := p.Build(); err != nil {
		return err
	}
	defer p.Free()
	var first [][]uint32
	for _, poison := range poisons {
		for _, a := range []*vk.Arena{t.arena, p.Temporaries()} {
			if err := a.Fill(poison); err != nil {
				return err
			}
		}
		if err := t.fill(); err != nil {
			return err
		}
		if err := p.Run(); err != nil {
			return err
		}
		for _, a := range []*vk.Arena{t.arena, p.Temporaries()} {
			stray, err := a.Strays(poison)
			if err != nil {
				return err
			}
			if len(stray) > 0 {
				return fmt.Errorf("wrote outside of %v", stray)
			}
		}
		for i, b := range t.bufs {
			if b.out == nil {
				continue
			}
			raw := make([]byte, 4*len(b.out))
			if err := t.dev.Read(b.Range, raw); err != nil {
				return err
			}
			for j := range b.out {
				b.out[j] = binary.LittleEndian.Uint32(raw[4*j:])
			}
			if poison == poisons[0] {
				first = append(first, append([]uint32(nil), b.out...))
				continue
			}
			for j := range b.out {
				if b.out[j] != first[0][j] {
					return fmt.Errorf("%s[%d] depends on what memory held before: %#08x, then %#08x", t.bufs[i].Name, j, first[0][j], b.out[j])
				}
			}
			first = first[1:]
		}
	}
	return nil
}

// fill writes the inputs.
func (t *Trial) fill() error {
	for _, b := range t.bufs {
		if b.in == nil {
			continue
		}
		if err := t.dev.Write(b.Range, words(b.in)); err != nil {
			return err
		}
	}
	return nil
}

// Got returns the words of an output after Run.
func (t *Trial) Got(r vk.Range) []uint32 {
	for _, b := range t.bufs {
		if b.Mem == r.Mem {
			return b.out
		}
	}
	return nil
}

// Compare holds an output tensor against want, [N,H,W,C] without padding: |got - want| <= bound for every element, and
// nothing but zero in the padding. A bound of 0 asks for equality. NaN and infinity never pass.
func (t *Trial) Compare(x Tensor, want, bound []float64) error {
	got, stride := t.Got(x.Range), Stride(x.C)
	if len(want) != x.N*x.H*x.W*x.C || len(bound) != len(want) {
		return fmt.Errorf("%s: %d values expected, the reference has %d and %d bounds", x, x.N*x.H*x.W*x.C, len(want), len(bound))
	}
	return each(got, func(i int, w uint32) error {
		pixel, c := i/stride, i%stride
		var err error
		if c < x.C {
			err = t.within(w, want[pixel*x.C+c], bound[pixel*x.C+c])
		} else if w&0x7fffffff != 0 {
			err = fmt.Errorf("padding is %g, not zero", math.Float32frombits(w))
		}
		if err != nil {
			return fmt.Errorf("%s at n=%d y=%d x=%d c=%d: %w", x.Mem.Name, pixel/(x.H*x.W), pixel/x.W%x.H, pixel%x.W, c, err)
		}
		return nil
	})
}

// CompareFloats is Compare for a buffer without a shape.
func (t *Trial) CompareFloats(r vk.Range, want, bound []float64) error {
	return each(t.Got(r)[:len(want)], func(i int, w uint32) error {
		if err := t.within(w, want[i], bound[i]); err != nil {
			return fmt.Errorf("%s[%d]: %w", r.Name, i, err)
		}
		return nil
	})
}

// each looks at every word, names the first wrong one, and counts the others: one pixel of many is another fault than all of them.
func each(got []uint32, look func(i int, w uint32) error) (err error) {
	wrong := 0
	for i, w := range got {
		if e := look(i, w); e != nil {
			if wrong++; err == nil {
				err = e
			}
		}
	}
	if wrong > 1 {
		err = fmt.Errorf("%w; %d of %d values are wrong", err, wrong, len(got))
	}
	return err
}

func (t *Trial) within(word uint32, want, bound float64) error {
	if word&0x7f800000 == 0x7f800000 {
		return fmt.Errorf("got %#08x (NaN or infinity), want %.9g, bound %.3g", word, want, bound)
	}
	got := float64(math.Float32frombits(word))
	e := math.Abs(got - want)
	if bound > 0 {
		t.Worst = max(t.Worst, e/bound)
	}
	if e > bound {
		return fmt.Errorf("got %.9g, want %.9g: error %.3g, bound %.3g", got, want, e, bound)
	}
	return nil
}

// pad spreads [.., C] values to the device's channel stride.
func pad(v []float32, c int) []float32 {
	s := Stride(c)
	if s == c {
		return v
	}
	out := make([]float32, len(v)/c*s)
	for i, x := range v {
		out[i/c*s+i%c] = x
	}
	return out
}

func bits(v []float32) []uint32 {
	if v == nil {
		return nil
	}
	w := make([]uint32, len(v))
	for i, x := range v {
		w[i] = math.Float32bits(x)
	}
	return w
}

func words(w []uint32) []byte {
	b := make([]byte, 0, 4*len(w))
	for _, x := range w {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}
