// Training: the replayed step, fed with batches.

package cyclegan

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Trainer trains a model on a device. Make it with NewTrainer, ask it for Memory, Start it, then Step it; Close it at the end.
type Trainer struct {
	*Model

	step    *step
	preview *preview
	done    int    // steps submitted since the weights were drawn: Adam's t
	inSlot  [2]int // the step whose losses a slot holds or will hold; 0 for none
	result  Result // the last one that Step returned
	source  *rand.PCG
	random  *rand.Rand // on source, which is seeded anew for each use
	stored  [2]int     // pictures in the pools of fake_A and fake_B
}

// Result is the losses of a step, which arrive two steps late so that the host never waits for the device.
type Result struct {
	Step   int // numbered from 1
	Losses Losses
}

// NewTrainer lays out everything for a configuration. Nothing is allocated yet.
func NewTrainer(dev *vk.Device, c Config) (*Trainer, error) {
	m, err := newModel(dev, c, c.CropSize, c.CropSize)
	if err != nil {
		return nil, err
	}
	t := &Trainer{Model: m, source: rand.NewPCG(0, 0)}
	t.random = rand.New(t.source)
	t.step, t.preview = m.newStep(c.CropSize, c.CropSize), m.newPreview()
	if _, err := t.Memory(); err != nil {
		return nil, err
	}
	return t, nil
}

// Memory is the device memory in bytes that Start will allocate.
func (t *Trainer) Memory() (int, error) {
	total, err := t.arena.Bytes()
	if err != nil {
		return 0, err
	}
	for _, p := range []*vk.Program{t.step.Program, t.preview.Program} {
		n, err := p.Plan()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// Start allocates, records the programs, and draws new weights or, where from is given, restores a checkpoint.
func (t *Trainer) Start(from *Checkpoint) error {
	if err := t.arena.Allocate(); err != nil {
		return err
	}
	for _, p := range []*vk.Program{t.step.Program, t.preview.Program} {
		if err := p.Build(); err != nil {
			return err
		}
	}
	if from == nil {
		return t.initialise()
	}
	return t.restore(from)
}

// Close frees everything.
func (t *Trainer) Close() {
	t.step.Free()
	t.preview.Free()
	t.arena.Free()
}

// Steps is how many steps were submitted since the weights were drawn.
func (t *Trainer) Steps() int { return t.done }

// Step submits one training step on a batch with the learning rate of its epoch (Config.LR times LRFactor). The result is
// that of an earlier step, or nil while none has arrived; it is overwritten by the next call.
func (t *Trainer) Step(b *data.Batch, lr float64) (*Result, error) {
	if c := &t.Config; b.N != c.BatchSize || b.H != c.CropSize || b.W != c.CropSize {
		return nil, fmt.Errorf("batch of %d pictures of %dx%d, the step is for %d of %dx%d", b.N, b.W, b.H, c.BatchSize, c.CropSize, c.CropSize)
	}
	slot, err := t.step.Acquire()
	if err != nil {
		return nil, err
	}
	arrived := t.collect(slot)

	t.done++
	copy(slot.Bytes(t.step.realA), b.A)
	copy(slot.Bytes(t.step.realB), b.B)
	for i, x := range kernels.AdamHyper(lr, t.Config.Beta1, beta2, t.done) {
		binary.LittleEndian.PutUint32(slot.Bytes(t.step.hyper)[4*i:], math.Float32bits(x))
	}
	t.decide(slot)
	if err := t.step.Submit(slot); err != nil {
		return nil, err
	}
	t.inSlot[slot.Index()] = t.done
	return arrived, nil
}

// decide writes what each pool does with the fakes of this step.
func (t *Trainer) decide(slot vk.Slot) {
	for i, m := range []*vk.Mem{t.step.poolA, t.step.poolB} {
		t.source.Seed(t.Config.Seed, streamKey("pool", 2*t.done+i))
		t.stored[i] = kernels.PoolDecide(slot.Bytes(m), t.Config.PoolSize, t.stored[i], t.random)
	}
}

// collect takes the losses that a free slot holds.
func (t *Trainer) collect(slot vk.Slot) *Result {
	n := t.inSlot[slot.Index()]
	if n == 0 {
		return nil
	}
	t.inSlot[slot.Index()] = 0
	t.result = Result{Step: n, Losses: t.step.readLosses(slot)}
	return &t.result
}

// Drain waits for every submitted step and returns the results that have not been returned yet, oldest first.
func (t *Trainer) Drain() ([]Result, error) {
	if err := t.step.Drain(); err != nil {
		return nil, err
	}
	var out []Result
	for i := range t.inSlot {
		if r := t.collect(t.step.Slot(i)); r != nil {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b Result) int { return a.Step - b.Step })
	return out, nil
}

// Preview translates one picture of each domain, [CropSize,CropSize,3], with the weights as they are after the steps so far.
func (t *Trainer) Preview(a, b []uint8) (*Preview, error) { return t.preview.run(a, b) }
