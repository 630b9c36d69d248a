// Checks: how every kernel is proven on a device, in tests and on a user's own GPU. selftest.go runs them all.
//
// A check runs a kernel on poisoned memory with guard zones around every buffer, twice with different poison, and holds
// the result against a slow float64 reference, element by element, by a bound: |error| <= C u sum|terms|, u = 2^-24. Tensors of 16 bits
// add the rounding of what is stored: the reference starts from the rounded inputs.

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

// in16 are cases once more, with tensors of 16 bits: fp16 and bf16 in turns.
func in16(cases []Case) (out []Case) {
	for i, c := range cases {
		e := []Element{Float16, BFloat16}[i%2]
		out = append(out, Case{c.Name + " " + e.String(), func(t *Trial) error {
			t.Element = e
			return c.Run(t)
		}})
	}
	return out
}

// every is each k-th case, for what shares its arithmetic with cases that are all there.
func every(k int, cases []Case) (out []Case) {
	for i := 0; i < len(cases); i += k {
		out = append(out, cases[i])
	}
	return out
}

// halves are shaders with their variants for 16 bits.
func halves(shaders ...string) (all []string) {
	for _, s := range shaders {
		all = append(all, s, s+"_half")
	}
	return all
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

	Element Element // of the tensors; the random numbers are such that they hold them

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

// In declares an input tensor. values are [N,H,W,C] without padding; they are rounded to what the tensor holds.
func (t *Trial) In(name string, n, h, w, c int, values []float32) Tensor {
	t.round(values)
	return Tensor{t.Reals(name, pad(values, c), false), n, h, w, c, t.Element}
}

// Out declares an output tensor.
func (t *Trial) Out(name string, n, h, w, c int) Tensor {
	return Tensor{t.Words(name, t.Element.Bytes(n, h, w, c)/4, nil, true), n, h, w, c, t.Element}
}

// InOut declares a tensor that is read and written, as In does.
func (t *Trial) InOut(name string, n, h, w, c int, values []float32) Tensor {
	t.round(values)
	return Tensor{t.Reals(name, pad(values, c), true), n, h, w, c, t.Element}
}

// Reals declares a buffer of an even number of elements of the tensors' type without a shape, as Words does.
func (t *Trial) Reals(name string, in []float32, readBack bool) vk.Range {
	if t.Element == Float32 {
		return t.Floats(name, len(in), in, readBack)
	}
	w := make([]uint32, len(in)/2)
	for i := range w {
		w[i] = uint32(t.Element.Half(in[2*i])) | uint32(t.Element.Half(in[2*i+1]))<<16
	}
	return t.Words(name, len(w), w, readBack)
}

// round makes values such that tensors hold them exactly.
func (t *Trial) round(values []float32) {
	if t.Element == Float32 {
		return
	}
	for i, v := range values {
		values[i] = t.Element.Single(t.Element.Half(v))
	}
}

// Random fills n values with numbers from N(mean, sigma), of the tensors' type.
func (t *Trial) Random(n int, mean, sigma float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(mean + sigma*t.Rand.NormFloat64())
	}
	t.round(v)
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
// nothing but zero in the padding. A bound of 0 asks for equality, or for the right rounding where the tensor is of 16 bits. NaN and
// infinity never pass.
func (t *Trial) Compare(x Tensor, want, bound []float64) error {
	got, stride := t.elements(x), Stride(x.C)
	if len(want) != x.N*x.H*x.W*x.C || len(bound) != len(want) {
		return fmt.Errorf("%s: %d values expected, the reference has %d and %d bounds", x, x.N*x.H*x.W*x.C, len(want), len(bound))
	}
	return each(got, func(i int, w uint32) error {
		pixel, c := i/stride, i%stride
		var err error
		if c < x.C {
			want, bound := want[pixel*x.C+c], bound[pixel*x.C+c]
			err = t.within(w, want, bound+x.Element.rounding(math.Abs(want)+bound))
		} else if w&0x7fffffff != 0 {
			err = fmt.Errorf("padding is %g, not zero", math.Float32frombits(w))
		}
		if err != nil {
			return fmt.Errorf("%s at n=%d y=%d x=%d c=%d: %w", x.Mem.Name, pixel/(x.H*x.W), pixel/x.W%x.H, pixel%x.W, c, err)
		}
		return nil
	})
}

// rounding is the most that storing a value of a magnitude may change it by.
func (e Element) rounding(magnitude float64) float64 {
	switch e {
	case Float16:
		return max(e.unit()*magnitude, 0x1p-25) // below 2^-14, fp16 are multiples of 2^-24
	case BFloat16:
		return e.unit() * magnitude
	}
	return 0
}

// elements are those of an output tensor after Run, as the bits of fp32 of the same value.
func (t *Trial) elements(x Tensor) []uint32 {
	w := t.Got(x.Range)
	if x.Element == Float32 {
		return w
	}
	out := make([]uint32, 0, 2*len(w))
	for _, pair := range w {
		out = append(out, math.Float32bits(x.Element.Single(uint16(pair))), math.Float32bits(x.Element.Single(uint16(pair>>16))))
	}
	return out
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
	if s == c || v == nil {
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
