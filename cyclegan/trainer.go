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
	done    int                // steps submitted since the weights were drawn: Adam's t, less those that were skipped
	scaling kernels.ScaleState // what is known of the loss scale: as the last step that was waited for left it
	inSlot  [2]pending         // whose losses a slot holds or will hold
	halted  error              // why the device takes no step any more
	result  Result             // the last one that Step returned
	source  *rand.PCG
	random  *rand.Rand // on source, which is seeded anew for each use
	stored  [2]int     // pictures in the pools of fake_A and fake_B
}

// pending is a step that was submitted and whose losses were not taken yet.
type pending struct {
	step   int    // 0 for none
	stored [2]int // Trainer.stored before it
}

// Result is the losses of a step, which arrive two steps late so that the host never waits for the device.
type Result struct {
	Step    int // numbered from 1
	Losses  Losses
	Scaling kernels.ScaleState // the loss scale after it, and how many steps it has cost; none in fp32
}

// NewTrainer lays out everything for a configuration. Nothing is allocated yet.
func NewTrainer(dev *vk.Device, c Config) (*Trainer, error) {
	h, w := c.Size()
	m, err := newModel(dev, c, h, w)
	if err != nil {
		return nil, err
	}
	t := &Trainer{Model: m, source: rand.NewPCG(0, 0), result: Result{Losses: make(Losses, 0, len(m.losses))}}
	t.random = rand.New(t.source)
	t.step, t.preview = m.newStep(h, w), m.newPreview()
	t.preview.Share(t.step.Program)
	if _, err := t.Memory(); err != nil {
		return nil, err
	}
	return t, nil
}

// programs are the trainer's, those that lend memory last.
func (t *Trainer) programs() []*vk.Program { return []*vk.Program{t.preview.Program, t.step.Program} }

// Memory is what training takes, in bytes.
type Memory struct {
	Device int `json:"device"` // networks, their gradients and moments, temporaries of the step
	Host   int `json:"host"`   // what the device reaches in the host's memory: pictures, losses, the image pools
}

// Sum is both.
func (m Memory) Sum() int { return m.Device + m.Host }

// Unused says in a line what of the configuration changes nothing on the device; it is empty where everything does.
func (t *Trainer) Unused() string { return t.Config.unused(t.step.Program) }

// Memory is what Start will allocate.
func (t *Trainer) Memory() (m Memory, err error) {
	for _, p := range slices.Backward(t.programs()) { // all before what they lend each other is counted
		if _, err := p.Plan(); err != nil {
			return m, err
		}
	}
	for _, p := range t.programs() {
		u, err := p.Usage()
		if err != nil {
			return m, err
		}
		m.Device, m.Host = m.Device+u.Temporaries, m.Host+u.Host
	}
	for _, a := range t.arenas() {
		n, err := a.Bytes()
		if err != nil {
			return m, err
		}
		if a.Host {
			m.Host += n
		} else {
			m.Device += n
		}
	}
	return m, nil
}

// Start allocates, records the programs, and draws new weights or, where from is given, restores a checkpoint.
func (t *Trainer) Start(from *Checkpoint) error {
	for _, a := range t.arenas() {
		if err := a.Allocate(); err != nil {
			return err
		}
	}
	for _, p := range t.programs() {
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
	for _, p := range t.programs() {
		p.Free()
	}
	for _, a := range t.arenas() {
		a.Free()
	}
}

// Steps is how many steps were taken since the weights were drawn, those submitted and not yet waited for among them.
func (t *Trainer) Steps() int { return t.done }

// Ready waits until Step can submit at once: until the step before the last one has ended.
func (t *Trainer) Ready() error {
	_, err := t.step.Acquire()
	return err
}

// Step submits one training step on a batch of Config.StepSize pictures of each domain, with the learning rate of its epoch (see
// Schedule). The result is that of an earlier step, or nil while none has arrived; it is overwritten by the next call.
//
// An error that wraps ErrNotFinite names the step and the loss or the gradient. The device did not take that step nor any after
// it: the trainer is where the step before left it, a checkpoint of it can be made, and every further Step returns the error.
func (t *Trainer) Step(b *data.Batch, lr float64) (*Result, error) {
	if err := t.checkBatch(b); err != nil {
		return nil, err
	}
	slot, err := t.step.Acquire()
	if err != nil {
		return nil, err
	}
	arrived, err := t.collect(slot)
	if err != nil {
		return nil, err
	}

	before := t.stored
	t.done++
	t.step.fill(slot, b.A, b.B)
	t.rate(slot.Bytes(t.step.hyper), lr)
	t.decide(slot)
	if t.step.dropSeed != nil {
		for i, word := range []uint32{uint32(t.Config.Seed), uint32(t.Config.Seed >> 32), uint32(t.done), 0} {
			binary.LittleEndian.PutUint32(slot.Bytes(t.step.dropSeed)[4*i:], word)
		}
	}
	if err := t.step.Submit(slot); err != nil {
		return nil, err
	}
	t.inSlot[slot.Index()] = pending{t.done, before}
	return arrived, nil
}

// rate writes what Adam needs to know of this step.
func (t *Trainer) rate(into []byte, lr float64) {
	if t.scale != nil {
		kernels.AdamHyperHalf(into, lr, t.Config.Beta1, beta2, t.done, int(t.scaling.Skipped))
		return
	}
	for i, x := range kernels.AdamHyper(lr, t.Config.Beta1, beta2, t.done) {
		binary.LittleEndian.PutUint32(into[4*i:], math.Float32bits(x))
	}
}

// checkBatch refuses a batch of another shape than the step's.
func (t *Trainer) checkBatch(b *data.Batch) error {
	c := &t.Config
	if h, w := c.Size(); b.N != c.StepSize() || b.H != h || b.W != w {
		return fmt.Errorf("batch of %d pictures of %dx%d, the step is for %d of %dx%d", b.N, b.W, b.H, c.StepSize(), w, h)
	}
	if b.CA != c.InputNC || b.CB != c.OutputNC || b.Bits != c.Bits {
		return fmt.Errorf("batch of %d and %d channels of %d bits, the step is for %d and %d of %d", b.CA, b.CB, b.Bits, c.InputNC, c.OutputNC, c.Bits)
	}
	if n := b.N * b.H * b.W * b.Bits / 8; len(b.A) != n*b.CA || len(b.B) != n*b.CB {
		return fmt.Errorf("batch of %d and %d bytes, which are not those of its shape", len(b.A), len(b.B))
	}
	return nil
}

// decide writes what each pool does with the fakes of this step.
func (t *Trainer) decide(slot vk.Slot) {
	for i, m := range []*vk.Mem{t.step.poolA, t.step.poolB} {
		t.source.Seed(t.Config.Seed, streamKey("pool", 2*t.done+i))
		t.stored[i] = kernels.PoolDecide(slot.Bytes(m), t.Config.PoolSize, t.stored[i], t.random)
	}
}

// collect takes the losses that a free slot holds.
func (t *Trainer) collect(slot vk.Slot) (*Result, error) {
	if err := t.judge(slot); err != nil {
		return nil, err
	}
	run := &t.inSlot[slot.Index()]
	if run.step == 0 {
		return nil, nil
	}
	t.result = Result{Step: run.step, Losses: t.step.readLosses(slot, t.result.Losses)}
	if t.scale != nil {
		t.scaling = kernels.DecodeScale(slot.Bytes(t.step.scale))
		t.result.Scaling = t.scaling
	}
	*run = pending{}
	return &t.result, nil
}

// judge takes the step that a free slot has run back, with all after it, where the device refused it for good.
func (t *Trainer) judge(slot vk.Slot) error {
	run := t.inSlot[slot.Index()]
	if t.halted != nil || run.step == 0 {
		return t.halted
	}
	if t.halted = t.verdict(slot.Bytes(t.step.guard), run.step); t.halted != nil {
		t.done, t.stored, t.inSlot = run.step-1, run.stored, [2]pending{}
	}
	return t.halted
}

// drain waits for every submitted step and returns the slots, the one with the older step first.
func (t *Trainer) drain() ([]vk.Slot, error) {
	slots := []vk.Slot{t.step.Slot(0), t.step.Slot(1)}
	if t.inSlot[1].step < t.inSlot[0].step {
		slices.Reverse(slots)
	}
	return slots, t.step.Drain()
}

// Drain waits for every submitted step and returns the results that have not been returned yet, oldest first. The error is
// Step's.
func (t *Trainer) Drain() (out []Result, err error) {
	slots, err := t.drain()
	for _, slot := range slots {
		var r *Result
		if err == nil {
			if r, err = t.collect(slot); r != nil {
				r.Losses = slices.Clone(r.Losses)
				out = append(out, *r)
			}
		}
	}
	return out, err
}

// Preview translates one picture of each domain, samples of [H,W,InputNC] and [H,W,OutputNC], with the weights as they are after
// the steps so far.
func (t *Trainer) Preview(a, b []uint8) (*Preview, error) { return t.preview.run(a, b) }
