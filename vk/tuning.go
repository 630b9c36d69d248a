// Tuning: which of a launch's variants runs fastest on a device, by measurement. Variants compute the same bits, so tuning decides
// how long a program takes and nothing else. Without it every launch runs as it was written down.

package vk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Variant is a way to launch a shader: its specialisation constants, and the workgroups that go with them.
type Variant struct {
	Spec   []uint32
	Groups [3]int
}

// Tuning is what was measured on a device: the specialisation constants of the fastest variant, by what the launch is without it.
type Tuning map[string][]uint32

const tuningExtension = ".tuning"

// ReadTuning reads what was stored in a folder for a device, its driver and a key such as a hash of the shaders; nil where there is
// none, or none that is whole.
func ReadTuning(folder, key string, device DeviceInfo) (t Tuning) {
	if json.Unmarshal(device.sealed(folder, tuningExtension, key).read(), &t) != nil {
		return nil
	}
	return t
}

// Write stores the tuning for ReadTuning: whole, or not at all.
func (t Tuning) Write(folder, key string, device DeviceInfo) error {
	data, err := json.Marshal(t)
	if err == nil {
		err = device.sealed(folder, tuningExtension, key).write(data)
	}
	if err != nil {
		return fmt.Errorf("tuning of %s: %w", device.Name, err)
	}
	return nil
}

// choose puts the variant that was measured to be the fastest, if there is one, in the place of what the launch says.
func (t Tuning) choose(l Launch, push []byte) Launch {
	if len(t) == 0 || len(l.Variants) == 0 {
		return l
	}
	spec, tuned := t[l.key(push)]
	for _, v := range l.Variants {
		if tuned && slices.Equal(v.Spec, spec) {
			l.Spec, l.Groups = v.Spec, v.Groups
		}
	}
	return l
}

// key is all that decides what a launch costs.
func (l *Launch) key(push []byte) string {
	return fmt.Sprintf("%s %v %v %x", l.Shader.Name, l.Spec, l.Groups, push)
}

// Tunable is a launch, with variants in most cases, as programs have it once or more often.
type Tunable struct {
	Label, Shader string
	Count         int   // of such launches
	Read, Written int64 // as Dispatch has them
	Key           string
	Variants      []Variant // the launch as it was written down first

	dev    *Device
	launch Launch
	sizes  []int // of its arguments, in bytes
}

// Tunables are the launches of planned programs that have variants, each kind once.
func Tunables(programs ...*Program) []*Tunable {
	return slices.DeleteFunc(Launches(programs...), func(t *Tunable) bool { return len(t.launch.Variants) == 0 })
}

// Launches are all launches of programs, each kind once, those without variants too.
func Launches(programs ...*Program) []*Tunable {
	var list []*Tunable
	byKey := map[string]*Tunable{}
	for _, p := range programs {
		for _, o := range p.ops {
			l := o.launch
			key := l.key(o.push)
			t := byKey[key]
			if t == nil {
				t = &Tunable{
					Label: o.label, Shader: l.Shader.Name, Key: key, Variants: []Variant{{l.Spec, l.Groups}}, dev: p.dev, launch: l,
					Read: o.bytes(reads), Written: o.bytes(writes),
				}
				for _, v := range l.Variants {
					if !slices.Equal(v.Spec, l.Spec) {
						t.Variants = append(t.Variants, v)
					}
				}
				for _, r := range o.args {
					t.sizes = append(t.sizes, r.Bytes)
				}
				byKey[key], list = t, append(list, t)
			}
			t.Count++
		}
	}
	return list
}

// Work is the launch's.
func (t *Tunable) Work() int64 { return t.launch.Work }

// Measured is how a launch's variants did.
type Measured struct {
	Default, Best time.Duration // of the launch as it was written down, and of the fastest variant: the same where none is faster
	Spec          []uint32      // of the fastest variant; nil where none is faster beyond the noise
	Dropped       []error       // variants that failed, or gave other bits
}

const (
	tuningWork   = 2e8  // arithmetic operations of one measurement: below, a launch is repeated, up to 16 times
	tuningRounds = 3    // in which all variants are measured, to find the fastest
	tuningPairs  = 9    // of the fastest and the default, to see whether it is one
	tuningGain   = 0.03 // by which it has to be faster in three of four pairs
)

// Measure times the variants on pseudo-random numbers in memory of its own. A variant is timed once it has given the same bits
// as the launch that was written down.
func (t *Tunable) Measure() (m Measured, err error) {
	b, err := t.bench()
	defer b.close()
	m.Dropped = b.dropped
	if err != nil {
		return m, err
	}
	programs, variants := b.programs, b.variants

	fastest, least := 0, time.Duration(math.MaxInt64)
	for range tuningRounds {
		for i, p := range programs {
			d, err := b.time(p)
			if err != nil {
				return m, err
			}
			if d < least {
				fastest, least = i, d
			}
		}
	}
	// The least of many is too small by chance: whether it is faster is for new measurements to say.
	var times [2][]time.Duration // of the default and of the fastest
	for range tuningPairs {
		for i, p := range []*Program{programs[0], programs[fastest]} {
			d, err := b.time(p)
			if err != nil {
				return m, err
			}
			times[i] = append(times[i], d)
		}
	}
	m.Default = median(times[0])
	m.Best = m.Default
	if fastest > 0 && faster(times[1], times[0]) {
		m.Best, m.Spec = median(times[1]), variants[fastest].Spec
	}
	return m, nil
}

// Surveyed is how one variant did.
type Surveyed struct {
	Variant
	Times       []time.Duration // one for each round
	Executables []Executable    // what the driver says of it, with Device.HasStatistics
}

// Survey times every variant in turns, in so many rounds, as Measure does before it decides. The launch as it was written down comes
// first; dropped are the variants that failed, or gave other bits.
func (t *Tunable) Survey(rounds int) (list []Surveyed, dropped []error, err error) {
	b, err := t.bench()
	defer b.close()
	if err != nil {
		return nil, b.dropped, err
	}
	list = make([]Surveyed, len(b.programs))
	for range rounds {
		for i, p := range b.programs {
			d, err := b.time(p)
			if err != nil {
				return nil, b.dropped, err
			}
			list[i].Variant, list[i].Times = b.variants[i], append(list[i].Times, d)
		}
	}
	for i, p := range b.programs {
		compiled, err := p.Compiled()
		if err != nil {
			return nil, b.dropped, err
		}
		for _, c := range compiled { // one, or none
			list[i].Executables = c.Executables
		}
	}
	return list, b.dropped, nil
}

// faster tells whether a variant was faster than the default by more than the noise, from measurements in pairs: in most of them,
// and in the median, which is what is reported.
func faster(variant, standard []time.Duration) bool {
	wins := 0
	for i := range variant {
		if float64(variant[i]) < (1-tuningGain)*float64(standard[i]) {
			wins++
		}
	}
	return 4*wins >= 3*len(variant) && median(variant) < median(standard)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// tuningBench is where variants are measured.
type tuningBench struct {
	*Tunable
	arena    *Arena
	args     []Range
	programs []*Program // of the variants that gave the right bits
	variants []Variant
	dropped  []error // the others
}

// bench builds a program for each variant and verifies it: the first is the launch as it was written down, whose bits the others
// must give. It is to be closed whatever the error.
func (t *Tunable) bench() (*tuningBench, error) {
	b := &tuningBench{Tunable: t, arena: t.dev.NewArena("tuning")}
	for _, size := range t.sizes {
		b.args = append(b.args, b.arena.Reserve("argument", size).All())
	}
	if err := b.arena.Allocate(); err != nil {
		return b, fmt.Errorf("tuning %s: %w", t.Label, err)
	}
	var want [][]byte
	for i, v := range t.Variants {
		p := b.program(v)
		got, err := b.verify(p)
		switch {
		case err == nil && i == 0:
			want = got
		case err == nil && !slices.EqualFunc(got, want, bytes.Equal):
			err = errors.New("computes other bits")
		}
		if err != nil {
			p.Free()
			err = fmt.Errorf("tuning %s: %s %v: %w", t.Label, t.Shader, v.Spec, err)
			if i == 0 || errors.Is(err, ErrDeviceLost) || errors.Is(err, ErrTimeout) {
				return b, err
			}
			b.dropped = append(b.dropped, err)
			continue
		}
		b.programs, b.variants = append(b.programs, p), append(b.variants, v)
	}
	return b, nil
}

func (b *tuningBench) close() {
	for _, p := range b.programs {
		p.Free()
	}
	b.arena.Free()
}

// program launches a variant as often as it takes for a measurement.
func (b *tuningBench) program(v Variant) *Program {
	p := b.dev.NewProgram("tuning")
	p.Timing = true
	l := b.launch
	l.Spec, l.Groups, l.Variants = v.Spec, v.Groups, nil
	for range min(max(1, tuningWork/max(1, l.Work)), 16) {
		p.Dispatch(l, b.args...)
		p.Phase()
	}
	return p
}

// verify builds a program, runs it on the same numbers as every other, and returns what it wrote.
func (b *tuningBench) verify(p *Program) (out [][]byte, err error) {
	if err := p.Build(); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(0, 0))
	for _, r := range b.args {
		if err := b.dev.Write(r, numbers(random, r.Bytes)); err != nil {
			return nil, err
		}
	}
	if err := p.Run(); err != nil {
		return nil, err
	}
	for i, r := range b.args {
		if p.ops[0].pipeline.bindings[i]&writes == 0 {
			continue
		}
		data := make([]byte, r.Bytes)
		if err := b.dev.Read(r, data); err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// numbers are random bytes that hold finite numbers of moderate size whether a shader takes them for fp32, for fp16 or for bf16: each half
// of a word is the upper half of an fp32 from -1 to 1.
func numbers(random *rand.Rand, size int) []byte {
	data := make([]byte, 0, size)
	for len(data) < size {
		data = binary.LittleEndian.AppendUint16(data, uint16(math.Float32bits(2*random.Float32()-1)>>16))
	}
	return data[:size]
}

// time runs a program and returns how long one of its launches took: the median by the device's clock, or else the mean by the
// host's.
func (b *tuningBench) time(p *Program) (time.Duration, error) {
	s, err := p.Acquire()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err = p.Submit(s); err == nil {
		err = p.Wait(s)
	}
	if err != nil {
		return 0, err
	}
	elapsed := time.Since(start) / time.Duration(len(p.ops))
	if b.dev.Info.Limits.TimestampPeriod == 0 {
		return elapsed, nil
	}
	spans, err := p.Times(s)
	if err != nil {
		return 0, err
	}
	times := make([]time.Duration, len(spans))
	for i, span := range spans {
		times[i] = span.Time
	}
	return median(times), nil
}
