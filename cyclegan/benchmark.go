// What can be timed: the training step and a generator's forward pass, replayed as in use, on noise.

package cyclegan

import (
	"math/rand/v2"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Benchmark is a training on one batch of noise, for those who hold the watch. Make it with NewBenchmark, Start it, Close it.
type Benchmark struct {
	*Trainer

	batch   *data.Batch
	forward *vk.Program
	input   *vk.Mem // samples of [N,H,W,InputNC]
}

// NewBenchmark lays out everything for a configuration. Nothing is allocated yet.
func NewBenchmark(dev *vk.Device, c Config) (*Benchmark, error) {
	t, err := NewTrainer(dev, c)
	if err != nil {
		return nil, err
	}
	n := c.BatchSize
	h, w := c.Size()
	b := &Benchmark{Trainer: t, batch: noise(&c), forward: dev.NewProgram("generator forward")}
	b.input = b.forward.Host("real_A", kernels.PixelBytes(n, h, w, c.InputNC, c.Bits))
	x := t.GA.Params.Element.NewTensor(b.forward, "real_A", n, h, w, c.InputNC)
	kernels.Upload(b.forward, b.input.All(), c.Bits, x)
	t.GA.Forward(b.forward, x, Pass{Images: 1})
	if _, err := b.forward.Plan(); err != nil {
		return nil, err
	}
	return b, nil
}

// noise is a batch for a step, the same every time.
func noise(c *Config) *data.Batch {
	r := rand.New(rand.NewPCG(0, 0))
	b := &data.Batch{N: c.StepSize(), CA: c.InputNC, CB: c.OutputNC, Bits: c.Bits}
	b.H, b.W = c.Size()
	bytes := b.N * b.H * b.W * b.Bits / 8
	b.A, b.B = make([]uint8, bytes*b.CA), make([]uint8, bytes*b.CB)
	for _, pictures := range [][]uint8{b.A, b.B} {
		for i := range pictures {
			pictures[i] = uint8(r.Uint32())
		}
	}
	return b
}

// Start allocates, records the programs and draws weights.
func (b *Benchmark) Start() error {
	if err := b.Trainer.Start(nil); err != nil {
		return err
	}
	if err := b.forward.Build(); err != nil {
		return err
	}
	for i := range 2 {
		copy(b.forward.Slot(i).Bytes(b.input), b.batch.A)
	}
	return nil
}

// Close frees everything.
func (b *Benchmark) Close() {
	b.forward.Free()
	b.Trainer.Close()
}

// StepWork and ForwardWork are the arithmetic operations, two for each product, of the convolutions of a training step and of
// G_A's forward pass; those with padding pixels count, those that a transposed convolution leaves out do not.
func (b *Benchmark) StepWork() int64    { return b.step.Work() }
func (b *Benchmark) ForwardWork() int64 { return b.forward.Work() } // see StepWork

// Tunables are the launches of both that tuning can make faster. Nothing needs to be started for them.
func (b *Benchmark) Tunables() []*vk.Tunable { return vk.Tunables(b.step.Program, b.forward) }

// TrainOnce submits a training step. Like training, it returns when the step before the last one has ended: called again and
// again, each call takes as long as a step. The error is Step's.
func (b *Benchmark) TrainOnce() error {
	_, err := b.Step(b.batch, b.Config.LR)
	return err
}

// ForwardOnce submits G_A's forward pass over the batch, and waits as TrainOnce does.
func (b *Benchmark) ForwardOnce() error {
	s, err := b.forward.Acquire()
	if err != nil {
		return err
	}
	return b.forward.Submit(s)
}

// Wait waits for everything that was submitted.
func (b *Benchmark) Wait() error {
	if _, err := b.Drain(); err != nil {
		return err
	}
	return b.forward.Drain()
}
