// The training step, written down once as a program and replayed for every batch.

package cyclegan

import (
	"encoding/binary"
	"math"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// step is the program of one training step with the host buffers that a run of it reads and writes.
//
// A step is one micro-batch after the other (direction.go has their losses). Each adds its share to the same gradients, in the
// memory that the one before needed no more.
//
// A step is taken whole or not at all. Weights, moments and pools change at its end, and only where the guard found every loss
// and every gradient finite; once it did not, no later step changes anything either. In 16 bits a step whose gradients are not finite
// leaves the weights alone and the others go on: see guard.go.
type step struct {
	*vk.Program
	real         []realPictures // of each micro-batch
	poolA, poolB *vk.Mem        // decisions for fake_A and fake_B
	hyper        *vk.Mem        // Adam's two numbers that change from step to step
	dropSeed     *vk.Mem        // of dropout's masks; nil where nothing is dropped
	losses       *vk.Mem        // a micro-batch's after the other's, one float every vk.Alignment bytes, so that no two wait for each other
	guard        *vk.Mem        // the guard as this step left it
	scale        *vk.Mem        // state of the loss scale as this step left it; nil in fp32

	lossNames []string // of one micro-batch
	seen      []seen   // the calls of networks that move running statistics, in order
}

// realPictures are samples of [N,H,W,InputNC] and [N,H,W,OutputNC], of Config.Bits.
type realPictures struct{ a, b *vk.Mem }

// newStep writes the step down for pictures of h x w.
func (m *Model) newStep(h, w int) *step {
	c := &m.Config
	p := m.dev.NewProgram("training step")
	n := c.BatchSize
	s := &step{
		Program: p,
		poolA:   p.Host("pool decisions A", 8*c.StepSize()), poolB: p.Host("pool decisions B", 8*c.StepSize()),
		losses: p.Host("losses", c.Accumulate*len(m.losses)*vk.Alignment),
		guard:  p.Host("guard", m.guard.Size), lossNames: m.losses,
	}
	hyper := 8
	if m.scale != nil {
		hyper, s.scale = kernels.AdamHyperHalfBytes, p.Host("loss scale", m.scale.Size)
	}
	s.hyper = p.Host("hyper", hyper)
	a := &direction{
		side: "A", gen: m.GA, back: m.GB, judge: m.DA, cycleJudge: m.DCycleA, pool: m.poolB, decisions: s.poolB,
		cycle: c.LambdaA, identity: c.LambdaB * c.LambdaIdentity, // idt_A compares pictures of B, so λB weighs it
	}
	b := &direction{
		side: "B", gen: m.GB, back: m.GA, judge: m.DB, cycleJudge: m.DCycleB, pool: m.poolA, decisions: s.poolA,
		cycle: c.LambdaB, identity: c.LambdaA * c.LambdaIdentity,
	}
	mode, err := kernels.ParseGANMode(c.GANMode)
	p.Fail(err)
	losses := &stepLosses{Program: p, c: c, h: h, w: w, fooling: mode, learning: mode, step: s, begun: map[*Network]bool{}}
	if mode == kernels.VanillaMinMax { // the generators' other form of the same loss
		losses.learning = kernels.Vanilla
	}
	if m.GA.dropouts > 0 {
		s.dropSeed = p.Host("dropout seed", 4*kernels.SeedWords)
	}
	if m.scale != nil {
		p.Stage = "generators"
		losses.scale = m.scale.All()
		m.forget(p)
	}
	for i := range c.Accumulate {
		r := realPictures{p.Host("real_A", kernels.PixelBytes(n, h, w, c.InputNC, c.Bits)), p.Host("real_B", kernels.PixelBytes(n, h, w, c.OutputNC, c.Bits))}
		s.real = append(s.real, r)
		a.pixels, a.target = r.a, r.b
		b.pixels, b.target = r.b, r.a
		losses.microBatch(i, a, b)
		p.Phase()
	}

	// The update, unless the guard forbids it.
	p.Stage = "update"
	m.inspect(p, s.losses)
	if m.scale != nil {
		_, interval := c.Element().FirstScale()
		kernels.LossScale(p, m.scale.All(), m.guard.All(), interval)
		kernels.Copy(p, wordsOf(m.scale), wordsOf(s.scale))
	}
	for _, ps := range m.networks() {
		m.adam(p, ps, s.hyper)
	}
	s.seen = losses.seen
	for _, call := range s.seen {
		call.net.Track(p, call.tape, call.group, m.ended())
	}
	for _, d := range []*direction{a, b} {
		d.pool.Store(p, d.fakes, d.decisions.All(), m.ended())
	}
	kernels.Copy(p, wordsOf(m.guard), wordsOf(s.guard))
	return s
}

// wordsOf is a buffer as a tensor of one row, for what only moves words.
func wordsOf(m *vk.Mem) kernels.Tensor {
	return kernels.Tensor{Range: m.All(), N: 1, H: 1, W: m.Size / 16, C: 4}
}

// eachPart calls f for stretches of a network's buffers that a shader can bind.
func (m *Model) eachPart(ps *Params, f func(part func(*vk.Mem) vk.Range, at int)) {
	limit := min(m.dev.Info.Limits.MaxStorageBufferRange, 1<<30) &^ (2*vk.Alignment - 1)
	for at := 0; at < ps.bytes; at += limit {
		f(func(mem *vk.Mem) vk.Range { return mem.Slice(at, min(limit, ps.bytes-at)) }, at)
	}
}

// adam updates one network.
func (m *Model) adam(p *vk.Program, ps *Params, hyper *vk.Mem) {
	m.eachPart(ps, func(part func(*vk.Mem) vk.Range, _ int) {
		w, halves, scale := part(ps.Weights), vk.Range{}, vk.Range{}
		if m.scale != nil {
			halves, scale = halved(ps.Half, w), m.scale.All()
		}
		kernels.Adam(p, ps.Element, w, part(ps.Grads), part(ps.M), part(ps.V), hyper.All(), m.guard.All(), scale, halves, m.Config.Beta1, beta2, adamEps)
	})
}

// fill copies a batch into a slot.
func (s *step) fill(slot vk.Slot, a, b []uint8) {
	sizeA, sizeB := len(a)/len(s.real), len(b)/len(s.real)
	for i, r := range s.real {
		copy(slot.Bytes(r.a), a[i*sizeA:][:sizeA])
		copy(slot.Bytes(r.b), b[i*sizeB:][:sizeB])
	}
}

// readLosses takes the losses of the run that a slot holds, in the memory of into: each is the sum of its shares.
func (s *step) readLosses(slot vk.Slot, into Losses) Losses {
	raw := slot.Bytes(s.losses)
	into = into[:0]
	for i, name := range s.lossNames {
		sum := 0.0
		for at := i * vk.Alignment; at < len(raw); at += len(s.lossNames) * vk.Alignment {
			sum += float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[at:])))
		}
		into = append(into, Loss{name, float32(sum)})
	}
	return into
}
