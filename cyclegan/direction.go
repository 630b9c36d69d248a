// The losses of a micro-batch, and their way back to the gradients.
//
//	fake_B = G_A(real_A)   rec_A = G_B(fake_B)   idt_A = G_A(real_B)
//	fake_A = G_B(real_B)   rec_B = G_A(fake_A)   idt_B = G_B(real_A)
//
// Generators: D_A(fake_B) → 1, D_B(fake_A) → 1, L1(rec, real), L1(idt, real); the discriminators are frozen. Then the
// discriminators: real → 1 and pooled fakes → 0, with the fakes from before the generators' update. Where the cycle's loss is
// adversarial, D_cycle_A(rec_A) → 1 stands for L1(rec_A, real_A), and D_cycle_A learns real_A → 1, rec_A → 0; B alike. Of a
// cycle or an identity whose weight is 0 nothing is computed.
//
// The generators' loss is a sum, whose terms may go backward in any order into the same gradients. The fast order takes both
// directions at once, and identity pictures forward beside the fakes, but back before the reconstructions: so what four passes leave for
// their backward is alive at a time, of six. The other order, of Config.LowMemory, has what one leaves.

package cyclegan

import (
	"slices"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// direction is one half of the method, seen from the generator that makes fakes.
type direction struct {
	side       string   // "A" or "B", as in the names of its losses
	gen, back  *Network // makes the fake, takes it back to where it came from
	judge      *Network
	cycleJudge *Network // of reconstructions; nil: the cycle's loss is L1
	pool       *kernels.Pool
	decisions  *vk.Mem
	fakes      kernels.Tensor // those of the step so far

	cycle, identity float64 // loss weights; 0: not computed

	// Of one micro-batch.
	pixels, target    *vk.Mem        // the real pictures of its own domain and of the other
	input             kernels.Tensor // what gen translates
	passes            [2]Pass        // of fake and rec
	fake, rec, idt    *Tape          // the latter two nil where their loss is not computed
	dFake, dRec, dIdt kernels.Tensor // the gradients of their Y
	verdict           *Tape
	dVerdict          kernels.Tensor
	recVerdict        *Tape
	dRecVerdict       kernels.Tensor
	judged            *Tape // of the discriminator's own step: real pictures, then fakes
	recJudged         *Tape // of cycleJudge's
}

// stepLosses writes the losses of a step down.
type stepLosses struct {
	*vk.Program
	c                 *Config
	h, w              int
	fooling, learning kernels.GANMode // of the generators and of the discriminators
	step              *step
	scale             vk.Range          // state of the loss scale; without Mem in fp32
	begun             map[*Network]bool // networks whose gradients hold a part of the step's

	micro  int    // number of the micro-batch
	passes int    // of generators, so far
	seen   []seen // what moves running statistics, in order
}

// seen is one call of a network, as the official code calls it: a group of the pictures of a pass.
type seen struct {
	net   *Network
	tape  *Tape
	group int
}

// begin numbers the passes of generators in a micro-batch.
func (l *stepLosses) begin(both []*direction) {
	for i := range 2 {
		for _, d := range both {
			if i == 1 && d.cycle == 0 {
				continue
			}
			l.passes++
			d.passes[i] = Pass{Images: l.c.BatchSize, Call: l.passes}
			if l.step.dropSeed != nil {
				d.passes[i].Seed = l.step.dropSeed.All()
			}
		}
	}
}

// loss is the place of a loss of the present micro-batch.
func (l *stepLosses) loss(name string) vk.Range {
	at := l.micro*len(l.step.lossNames) + slices.Index(l.step.lossNames, name)
	return l.step.losses.Slice(at*vk.Alignment, 4)
}

// share is a loss weight's part of a micro-batch: a step minimises the mean of its micro-batches' losses.
func (l *stepLosses) share(weight float64) float32 { return float32(weight / float64(l.c.Accumulate)) }

// into is how a network takes its next gradients: the first ones of a step in place of what was there.
func (l *stepLosses) into(n *Network) gradMode {
	if l.begun[n] {
		return accumulate
	}
	l.begun[n] = true
	return overwrite
}

// microBatch writes micro-batch i down.
func (l *stepLosses) microBatch(i int, both ...*direction) {
	l.micro = i
	l.begin(both)
	if l.c.LowMemory {
		for _, d := range both {
			l.inTurn(d)
		}
	} else {
		l.together(both)
	}
	l.Stage = "discriminators"
	for _, d := range both {
		if l.c.LowMemory {
			l.Phase()
		}
		d.judged = l.learn(d.judge, d.target, "D_"+d.side, func(fakes kernels.Tensor) {
			d.pool.Take(l.Program, d.fakes.Images(0, (i+1)*l.c.BatchSize), d.decisions.All(), fakes)
		})
		if d.recVerdict != nil {
			d.recJudged = l.learn(d.cycleJudge, d.pixels, "D_cycle_"+d.side, func(fakes kernels.Tensor) { kernels.Copy(l.Program, d.rec.Y, fakes) })
		}
	}
	l.remember(both)
}

// together is the generators' losses and their way back. The two generators are independent and run together; so do all passes between two
// phases.
func (l *stepLosses) together(both []*direction) {
	l.Stage = "generators"
	for _, d := range both {
		l.translate(d)
		l.identify(d)
	}
	l.Phase()
	l.Stage = "identity and verdicts"
	for _, d := range both {
		l.identityBackward(d)
		l.judge(d)
		l.verdictBackward(d)
	}
	l.Phase()
	l.Stage = "reconstructions"
	for _, d := range both {
		l.reconstruct(d)
	}
	l.Phase()

	// Backward, in reverse: the reconstructions and the verdicts reach the fakes, the fakes the weights.
	l.Stage = "backward"
	for _, d := range both {
		l.reconstructionBackward(d)
	}
	l.Phase()
	for _, d := range both {
		d.gen.Backward(l.Program, d.fake, d.dFake, kernels.Tensor{}, false, l.into(d.gen))
	}
	l.Phase()
}

// inTurn is the same for one direction, one network's pass after the other. What the fake's pass leaves for its backward would have to
// wait for the reconstruction's: it is made a second time, for the price of one more pass forward.
func (l *stepLosses) inTurn(d *direction) {
	for _, part := range []struct {
		stage string
		run   func()
	}{
		{"identity", func() { l.identify(d); l.identityBackward(d) }},
		{"generators", func() { l.translate(d) }},
		{"verdicts", func() { l.judge(d); l.verdictBackward(d) }},
		{"reconstructions", func() { l.reconstruct(d); l.reconstructionBackward(d) }},
		{"generators again", func() {
			again := d.gen.Forward(l.Program, d.input, d.passes[0])
			d.gen.Backward(l.Program, again, d.dFake, kernels.Tensor{}, false, l.into(d.gen))
		}},
	} {
		l.Stage = part.stage
		part.run()
		l.Phase()
	}
}

// remember lists the calls of a micro-batch in the order of the official code, in which running statistics move.
func (l *stepLosses) remember(both []*direction) {
	add := func(n *Network, t *Tape, groups ...int) {
		for _, group := range groups {
			l.seen = append(l.seen, seen{n, t, group})
		}
	}
	for _, d := range both {
		add(d.gen, d.fake, 0)
		if d.rec != nil {
			add(d.back, d.rec, 0)
		}
	}
	for _, d := range both {
		if d.idt != nil {
			add(d.gen, d.idt, 0)
		}
		add(d.judge, d.verdict, 0)
		add(d.judge, d.judged, 0, 1)
		if d.recVerdict != nil {
			add(d.cycleJudge, d.recVerdict, 0)
			add(d.cycleJudge, d.recJudged, 0, 1)
		}
	}
}

// picture is a batch of real pictures as a network takes it.
func (l *stepLosses) picture(name string, pixels *vk.Mem, channels int) kernels.Tensor {
	x := l.c.Element().NewTensor(l.Program, name, l.c.BatchSize, l.h, l.w, channels)
	kernels.Upload(l.Program, pixels.All(), l.c.Bits, x)
	return x
}

// translate makes the fakes.
func (l *stepLosses) translate(d *direction) {
	p, n := l.Program, l.c.BatchSize
	d.input = l.picture(d.gen.Params.Net+" input", d.pixels, d.gen.In)
	d.fake = d.gen.Forward(p, d.input, d.passes[0])
	d.dFake = d.fake.Y.Like(p, d.gen.Params.Net+" dfake")

	// The pools keep fakes at the end of the step, and until then the later micro-batches must see them there.
	if l.c.Accumulate == 1 {
		d.fakes = d.fake.Y
		return
	}
	if l.micro == 0 {
		d.fakes = d.gen.Params.Element.NewTensor(p, d.gen.Params.Net+" fakes", l.c.StepSize(), l.h, l.w, d.gen.Out)
	}
	kernels.Copy(p, d.fake.Y, d.fakes.Images(l.micro*n, n))
}

// identify is the identity loss: what a generator makes of pictures that are of its target's domain already.
func (l *stepLosses) identify(d *direction) {
	if d.idt = nil; d.identity == 0 {
		return
	}
	p, pass := l.Program, d.passes[0]
	pass.First = l.c.BatchSize // dropout's masks are those of one batch with the fakes
	x := l.picture(d.gen.Params.Net+" identity input", d.target, d.gen.In)
	d.idt = d.gen.Forward(p, x, pass)
	d.dIdt = d.idt.Y.Like(p, d.gen.Params.Net+" didentity")
	kernels.L1(p, d.idt.Y, x, l.share(d.identity), d.dIdt, l.loss("idt_"+d.side), l.scale)
}

// identityBackward takes it to the weights.
func (l *stepLosses) identityBackward(d *direction) {
	if d.idt != nil {
		d.gen.Backward(l.Program, d.idt, d.dIdt, kernels.Tensor{}, false, l.into(d.gen))
	}
}

// judge is the adversarial loss of the fakes.
func (l *stepLosses) judge(d *direction) {
	d.verdict = d.judge.Forward(l.Program, d.fake.Y, Pass{})
	d.dVerdict = l.fool(d.judge, d.verdict, 1, "G_"+d.side)
}

// verdictBackward begins the gradient of the fakes.
func (l *stepLosses) verdictBackward(d *direction) {
	d.judge.Backward(l.Program, d.verdict, d.dVerdict, d.dFake, false, frozen)
}

// reconstruct takes the fakes back, for the cycle's loss.
func (l *stepLosses) reconstruct(d *direction) {
	d.rec, d.recVerdict = nil, nil
	if d.cycle == 0 {
		return
	}
	p := l.Program
	d.rec = d.back.Forward(p, d.fake.Y, d.passes[1])
	d.dRec = d.rec.Y.Like(p, d.gen.Params.Net+" drec")
	if d.cycleJudge == nil {
		kernels.L1(p, d.rec.Y, d.input, l.share(d.cycle), d.dRec, l.loss("cycle_"+d.side), l.scale)
		return
	}
	d.recVerdict = d.cycleJudge.Forward(p, d.rec.Y, Pass{})
	d.dRecVerdict = l.fool(d.cycleJudge, d.recVerdict, d.cycle, "cycle_"+d.side)
}

// reconstructionBackward adds the rest of the gradient of the fakes.
func (l *stepLosses) reconstructionBackward(d *direction) {
	if d.recVerdict != nil {
		d.cycleJudge.Backward(l.Program, d.recVerdict, d.dRecVerdict, d.dRec, false, frozen)
	}
	if d.rec != nil {
		d.back.Backward(l.Program, d.rec, d.dRec, d.dFake, true, l.into(d.back))
	}
}

// fool is the generators' loss in a verdict: all of it should be 1.
func (l *stepLosses) fool(judge *Network, verdict *Tape, weight float64, name string) (dVerdict kernels.Tensor) {
	dVerdict = verdict.Y.Like(l.Program, judge.Params.Net+" dlogits")
	kernels.GAN(l.Program, l.fooling, verdict.Y, verdict.Y.N, l.share(weight), dVerdict, l.loss(name), l.scale)
	return dVerdict
}

// learn is a discriminator's loss, half of it from real pictures and half from fakes, which take writes.
func (l *stepLosses) learn(judge *Network, real *vk.Mem, name string, take func(fakes kernels.Tensor)) *Tape {
	n := l.c.BatchSize
	x := judge.Params.Element.NewTensor(l.Program, judge.Params.Net+" input", 2*n, l.h, l.w, judge.In)
	kernels.Upload(l.Program, real.All(), l.c.Bits, x.Images(0, n))
	take(x.Images(n, n))
	t := judge.Forward(l.Program, x, Pass{Images: n})
	dy := t.Y.Like(l.Program, judge.Params.Net+" dlogits")
	kernels.GAN(l.Program, l.learning, t.Y, n, l.share(0.5), dy, l.loss(name), l.scale)
	judge.Backward(l.Program, t, dy, kernels.Tensor{}, false, l.into(judge))
	if bias := judge.Params.List[len(judge.Params.List)-1]; l.learning == kernels.WGANGP && len(bias.Shape) == 1 {
		// A critic's last bias raises real and fake alike: its gradient is 0, and rounding, through Adam, would be a step.
		kernels.Fill(l.Program, bias.in(judge.Params.Grads), 0)
	}
	return t
}
