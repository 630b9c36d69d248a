// Workloads: what users wait for, as programs that a profiler counts, records in its own way and runs.

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// Workload is a program with all that a run of it needs. Nothing is allocated before Start.
type Workload struct {
	*vk.Program

	start, once func() error
	memory      func() (Memory, error)
	free        func()
	config      Config
}

// Memory is what Start will allocate.
func (w *Workload) Memory() (Memory, error) { return w.memory() }

// Start allocates, records the program and draws weights.
func (w *Workload) Start() error { return w.start() }

// Once runs the program once, on noise, and waits for it. Each run is prepared by the host as in use.
func (w *Workload) Once() error { return w.once() }

// Unused is what of the configuration changes nothing, as Trainer's.
func (w *Workload) Unused() string { return w.config.unused(w.Program) }

// unused says so in a line of --winograd; it is empty where a program has a pass by F(4,3), or none is asked for.
func (c *Config) unused(p *vk.Program) string {
	if !c.Winograd || kernels.UsesWinograd(p) {
		return ""
	}
	return fmt.Sprintf("--winograd changes nothing: in %s on %s no convolution of the %s is faster by F(4,3)", c.Precision, p.Device().Info.Name, p.Name)
}

// Close frees everything.
func (w *Workload) Close() { w.free() }

// TrainingWorkload is a training step.
func TrainingWorkload(dev *vk.Device, c Config) (*Workload, error) {
	b, err := NewBenchmark(dev, c)
	if err != nil {
		return nil, err
	}
	once := func() error {
		if err := b.TrainOnce(); err != nil {
			return err
		}
		return b.Wait()
	}
	return &Workload{b.step.Program, b.Start, once, b.Trainer.Memory, b.Close, c}, nil
}

// TranslationWorkload translates a batch of pictures by G_A, pixels to pixels.
func TranslationWorkload(dev *vk.Device, c Config) (*Workload, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	spec, err := c.GeneratorSpec("G_A")
	if err != nil {
		return nil, err
	}
	spec.Winograd = c.Winograd
	gen, arena, p := NewGenerator("G_A", spec), dev.NewArena("G_A weights"), dev.NewProgram("translation")
	gen.Params.Element = c.Element()
	gen.Params.reserve(arena, false)
	n := c.BatchSize
	h, w := c.Size()
	in, out := p.Host("pictures", kernels.PixelBytes(n, h, w, c.InputNC, c.Bits)), p.Host("translated", kernels.PixelBytes(n, h, w, c.OutputNC, c.Bits))
	x := gen.Params.Element.NewTensor(p, "pictures", n, h, w, c.InputNC)
	kernels.Upload(p, in.All(), c.Bits, x)
	kernels.Quantise(p, gen.Forward(p, x, Pass{Images: 1}).Y, out.All(), c.Bits)
	if _, err := p.Plan(); err != nil {
		return nil, err
	}
	pictures := noise(&c).A
	start := func() error {
		if err := arena.Allocate(); err != nil {
			return err
		}
		if err := p.Build(); err != nil {
			return err
		}
		return gen.Params.uploadWeights(dev, gen.Params.InitState(c.Seed, c.InitType, c.InitGain))
	}
	once := func() error {
		s, err := p.Acquire()
		if err != nil {
			return err
		}
		copy(s.Bytes(in), pictures)
		if err := p.Submit(s); err != nil {
			return err
		}
		return p.Wait(s)
	}
	memory := func() (Memory, error) {
		weights, err := arena.Bytes()
		if err != nil {
			return Memory{}, err
		}
		u, err := p.Usage()
		return Memory{weights + u.Temporaries, u.Host}, err
	}
	return &Workload{p, start, once, memory, func() { p.Free(); arena.Free() }, c}, nil
}
