// A network: modules in a row, their parameters, and what pictures they take. generator.go and discriminator.go lay out the
// official ones; here is what they share.

package cyclegan

import (
	"cyclevk/kernels"
	"cyclevk/vk"
)

// Network maps pictures [N,H,W,In] in [-1,1] to pictures [N,H,W,Out], or to logits [N,H',W',1] where it is a discriminator.
type Network struct {
	Params *Params
	In     int // channels
	Out    int
	// Pictures have sides that are multiples of Multiple and at least Least pixels long.
	Multiple, Least int

	body     sequence
	dropouts int // how many modules drop
}

// Pass is what a forward pass needs to know beside its input. Its zero is a pass over one batch without dropout.
type Pass struct {
	// Images is how many pictures a call of the official code holds, over which batch norm takes its statistics: a pass may hold
	// those of several calls, one after the other. 0 stands for all.
	Images int
	// Eval normalises batch norm by the running statistics, as PyTorch's eval mode does. Such a pass has no way back.
	Eval bool
	// Seed is what dropout's masks are drawn from, see [kernels.Dropout]; without Mem, nothing is dropped. Call numbers the passes
	// that share a seed: each has masks of its own.
	Seed vk.Range
	Call int
	// First is how many images of the call, which another pass has, come before those of this one: masks are the call's.
	First int
}

// module is a part of a network: a *layer, *residual, *skip, dropout, upsample, or a sequence of these. Whoever needs to
// know what a network computes walks its body by a type switch over them.
type module interface {
	// forward appends y = f(x), x being in's Y, and returns what a backward pass needs.
	forward(p *vk.Program, in *Tape, pass Pass) *Tape
	// backward appends forward's reverse: from dy, the gradient of y, to the gradients of the weights and, where dx has memory,
	// to that of x, which is added to dx where addTo is set. dy may lose its values; dx may be dy where inPlace says so.
	backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode)
}

// inPlace says whether a module's backward takes a dx that is dy; addTo is then of no meaning.
func inPlace(m module) bool {
	switch m.(type) {
	case *residual, dropout:
		return true
	}
	return false
}

// Tape is what a module's forward leaves for its backward, beside its output.
type Tape struct {
	*output
	z     kernels.Tensor // before a layer's norm, like Y
	stats vk.Range       // of z
	pass  Pass
	in    *Tape   // whose Y is [N,H,W,In], the module's x
	parts []*Tape // of the modules inside
}

// x is the module's input, of which backward may take the shape.
func (t *Tape) x() kernels.Tensor { return t.in.Y }

// gradMode says what a backward pass does with the gradients of the weights.
type gradMode int

const (
	frozen     gradMode = iota // leaves them alone
	overwrite                  // sets them
	accumulate                 // adds to them
)

// Forward appends the network's pass over x to a program. The result is the tape's Y; with the rest Backward goes the way back.
func (n *Network) Forward(p *vk.Program, x kernels.Tensor, pass Pass) *Tape {
	if pass.Images == 0 {
		pass.Images = x.N
	}
	defer within(p, n.Params.Net+" forward")()
	t := n.body.forward(p, given(x), pass)
	t.made(p)
	return t
}

// Backward appends Forward's reverse: from dy, the gradient of Y, to the gradients of the weights and, where dx has memory, to
// that of the pictures, which is added to dx where addTo is set. dy loses its values.
func (n *Network) Backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	defer within(p, n.Params.Net+" backward")()
	n.body.backward(p, t, dy, dx, addTo, weights)
}

// Track moves batch norm's running statistics towards those of a pass: of its group-th call of pass.Images pictures. It has to
// be called in the order of the official code's calls. Where a word of the guard is set they stay.
func (n *Network) Track(p *vk.Program, t *Tape, group int, guard vk.Range) {
	eachLayer(n.body, t, func(l *layer, t *Tape) {
		if l.batch != nil {
			l.normalisation(t).Running(p, t.z, t.stats, group, l.batch.running.pairIn(n.Params.Running), guard, batchMomentum)
		}
	})
}

// BatchesTracked is how many batches the running statistics of a network have seen since its weights were drawn: PyTorch's
// num_batches_tracked.
func (c *Checkpoint) BatchesTracked(net string) int { return c.Step * c.Config.callsOf(net) }

// callsOf is how often a step calls a network.
func (c *Config) callsOf(net string) int {
	calls := 3 // a discriminator: for the generators' loss, of real pictures, of fakes
	// A generator takes fakes back in the other direction's cycle, by whose weight its identity loss is weighed, too.
	if lambda, ok := map[string]float64{"G_A": c.LambdaB, "G_B": c.LambdaA}[net]; ok {
		calls = 1
		for _, weight := range []float64{lambda, lambda * c.LambdaIdentity} {
			if weight > 0 {
				calls++
			}
		}
	}
	return calls * c.Accumulate
}

// eachLayer visits the layers of a module with what a pass left for each, in the order of the pass.
func eachLayer(m module, t *Tape, visit func(*layer, *Tape)) {
	switch m := m.(type) {
	case sequence:
		for i, part := range m {
			eachLayer(part, t.parts[i], visit)
		}
	case *residual:
		eachLayer(m.inner, t.parts[0], visit)
		visit(m.last, t.parts[1])
	case *skip:
		eachLayer(m.inner, t.parts[0], visit)
	case *layer:
		visit(m, t)
	}
}

// sequence is modules one after the other.
type sequence []module

func (s sequence) forward(p *vk.Program, in *Tape, pass Pass) *Tape {
	t, last := &Tape{in: in}, in
	for _, m := range s {
		last = m.forward(p, last, pass)
		t.parts = append(t.parts, last)
	}
	t.output = last.output
	return t
}

func (s sequence) backward(p *vk.Program, t *Tape, dy, dx kernels.Tensor, addTo bool, weights gradMode) {
	for i := len(s) - 1; i >= 0; i-- {
		d, add := dx, addTo
		if i > 0 {
			d, add = t.parts[i].x(), false
			if inPlace(s[i]) && i < len(s)-1 {
				d = dy // which is our own by then
			} else {
				d = d.Like(p, d.Mem.Name+" gradient")
			}
		}
		s[i].backward(p, t.parts[i], dy, d, add, weights)
		dy = d
	}
}
