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
//	fake_B = G_A(real_A)   rec_A = G_B(fake_B)   idt_A = G_A(real_B)
//	fake_A = G_B(real_B)   rec_B = G_A(fake_A)   idt_B = G_B(real_A)
//
// Generators: D_A(fake_B) → 1, D_B(fake_A) → 1, L1(rec, real), L1(idt, real); the discriminators are frozen. Then the
// discriminators: real → 1 and pooled fakes → 0, with the fakes from before the generators' update.
//
// A step is taken whole or not at all. Weights, moments and pools change at its end, and only where the guard found every loss
// and every gradient finite; once it did not, no later step changes anything either.
type step struct {
	*vk.Program
	realA, realB *vk.Mem // uint8 [N,H,W,3]
	poolA, poolB *vk.Mem // decisions for fake_A and fake_B
	hyper        *vk.Mem // Adam's two numbers that change from step to step
	losses       *vk.Mem // one float every vk.Alignment bytes, so that no two losses wait for each other
	guard        *vk.Mem // the guard as this step left it
}

// direction is one half of the method, seen from the generator that makes fakes.
type direction struct {
	gen, back *Network // makes the fake, takes it back to where it came from
	judge     *Network
	pool      *kernels.Pool

	input          kernels.Tensor // [2N]: what gen translates: its own domain, then the other for the identity loss
	pixels, target *vk.Mem        // the real pictures of its own domain and of the other
	decisions      *vk.Mem

	cycle, identity float64 // loss weights
	lossG, lossD    int     // places in Losses
	lossCycle       int
	lossIdt         int

	fake, rec *Tape
	dFake     kernels.Tensor // [2N]: gradient of gen's output
	dRec      kernels.Tensor
	verdict   *Tape
	dVerdict  kernels.Tensor
}

// newStep writes the step down for pictures of h x w.
func (m *Model) newStep(h, w int) *step {
	c := &m.Config
	p := m.dev.NewProgram("training step")
	n := c.BatchSize
	s := &step{
		Program: p,
		realA:   p.Host("real_A", kernels.PixelBytes(n, h, w, 3)), realB: p.Host("real_B", kernels.PixelBytes(n, h, w, 3)),
		poolA: p.Host("pool decisions A", 8*n), poolB: p.Host("pool decisions B", 8*n),
		hyper:  p.Host("hyper", 8),
		losses: p.Host("losses", len(LossNames)*vk.Alignment),
		guard:  p.Host("guard", m.guard.Size),
	}
	mode, err := kernels.ParseGANMode(c.GANMode)
	p.Fail(err)
	loss := func(i int) vk.Range { return s.losses.Slice(i*vk.Alignment, 4) }

	a := &direction{
		gen: m.GA, back: m.GB, judge: m.DA, pool: m.poolB, pixels: s.realA, target: s.realB, decisions: s.poolB,
		cycle: c.LambdaA, identity: c.LambdaB * c.LambdaIdentity, // idt_A compares pictures of B, so λB weighs it
		lossG: lossGA, lossD: lossDA, lossCycle: lossCycleA, lossIdt: lossIdtA,
	}
	b := &direction{
		gen: m.GB, back: m.GA, judge: m.DB, pool: m.poolA, pixels: s.realB, target: s.realA, decisions: s.poolA,
		cycle: c.LambdaB, identity: c.LambdaA * c.LambdaIdentity,
		lossG: lossGB, lossD: lossDB, lossCycle: lossCycleB, lossIdt: lossIdtB,
	}
	both := []*direction{a, b}
	images := n // in a generator's first pass: the fakes, and the identity pictures with them
	if c.LambdaIdentity > 0 {
		images = 2 * n
	}

	// Forward. The two generators are independent and run together; so do the two reconstructions and the two verdicts.
	for _, d := range both {
		d.input = kernels.NewTensor(p, d.gen.Params.Net+" input", images, h, w, d.gen.In)
		kernels.Upload(p, d.pixels.All(), d.input.Images(0, n))
		if images > n {
			kernels.Upload(p, d.target.All(), d.input.Images(n, n))
		}
		d.fake = d.gen.Forward(p, d.input, Pass{Images: n})
		d.dFake = d.fake.Y.Like(p, d.gen.Params.Net+" dfake")
		if images > n {
			kernels.L1(p, d.fake.Y.Images(n, n), d.input.Images(n, n), float32(d.identity), d.dFake.Images(n, n), loss(d.lossIdt))
		}
	}
	p.Phase()
	for _, d := range both {
		d.rec = d.back.Forward(p, d.fake.Y.Images(0, n), Pass{})
		d.dRec = d.rec.Y.Like(p, d.gen.Params.Net+" drec")
		kernels.L1(p, d.rec.Y, d.input.Images(0, n), float32(d.cycle), d.dRec, loss(d.lossCycle))
		d.verdict = d.judge.Forward(p, d.fake.Y.Images(0, n), Pass{})
		d.dVerdict = d.verdict.Y.Like(p, d.judge.Params.Net+" dlogits")
		kernels.GAN(p, mode, d.verdict.Y, n, 1, d.dVerdict, loss(d.lossG))
	}
	p.Phase()

	// Backward of the generators, in reverse: the reconstructions and the verdicts reach the fakes, the fakes the weights.
	for _, d := range both {
		d.back.Backward(p, d.rec, d.dRec, d.dFake.Images(0, n), false, overwrite)
		d.judge.Backward(p, d.verdict, d.dVerdict, d.dFake.Images(0, n), true, frozen)
	}
	p.Phase()
	for _, d := range both {
		d.gen.Backward(p, d.fake, d.dFake, kernels.Tensor{}, false, accumulate)
	}
	p.Phase()

	// The discriminators.
	for _, d := range both {
		x := kernels.NewTensor(p, d.judge.Params.Net+" input", 2*n, h, w, d.judge.In)
		kernels.Upload(p, d.target.All(), x.Images(0, n))
		d.pool.Take(p, d.fake.Y.Images(0, n), d.decisions.All(), x.Images(n, n))
		t := d.judge.Forward(p, x, Pass{Images: n})
		dy := t.Y.Like(p, d.judge.Params.Net+" dlogits")
		kernels.GAN(p, mode, t.Y, n, 0.5, dy, loss(d.lossD))
		d.judge.Backward(p, t, dy, kernels.Tensor{}, false, overwrite)
	}
	p.Phase()

	// The update, unless the guard forbids it.
	m.inspect(p, s.losses)
	for _, ps := range m.networks() {
		m.adam(p, ps, s.hyper)
	}
	for _, d := range both {
		d.pool.Store(p, d.fake.Y.Images(0, n), d.decisions.All(), m.guard.All())
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
	limit := min(m.dev.Info.Limits.MaxStorageBufferRange, 1<<30) &^ (vk.Alignment - 1)
	for at := 0; at < ps.bytes; at += limit {
		f(func(mem *vk.Mem) vk.Range { return mem.Slice(at, min(limit, ps.bytes-at)) }, at)
	}
}

// adam updates one network.
func (m *Model) adam(p *vk.Program, ps *Params, hyper *vk.Mem) {
	m.eachPart(ps, func(part func(*vk.Mem) vk.Range, _ int) {
		kernels.Adam(p, part(ps.Weights), part(ps.Grads), part(ps.M), part(ps.V), hyper.All(), m.guard.All(), m.Config.Beta1, beta2, adamEps)
	})
}

// readLosses takes the losses of the run that a slot holds.
func (s *step) readLosses(slot vk.Slot) (l Losses) {
	raw := slot.Bytes(s.losses)
	for i := range l {
		l[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[i*vk.Alignment:]))
	}
	return l
}
