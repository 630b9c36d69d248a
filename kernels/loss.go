// Losses: a number for the log and the gradient with which a network's backward pass begins, both in one pass.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// L1 writes weight * mean |a - b| over the true elements to loss, one float, and weight * sign(a - b) / count to grad, the
// gradient with respect to a. sign(0) is 0, as in PyTorch. a, b and grad are [N,H,W,C]. Where they are of 16 bits, grad is times the
// loss scale whose state ([LossScale]) is given.
func L1(p *vk.Program, a, b Tensor, weight float32, grad Tensor, loss, state vk.Range) {
	if !sameShapes(p, "l1 loss", a, b, grad) {
		return
	}
	scale := portion(weight, a.N, a)
	inStretches(p, a.vec4s(), loss, func(groups, stretch int, partial vk.Range) {
		push := l1Push{uint32(a.vec4s()), uint32(stretch), scale}
		launchAs(p, grad.Element, vk.Launch{Push: push, Groups: [3]int{groups}}, "l1_loss", scaled(grad, state, a.Range, b.Range, grad.Range, partial)...)
	})
}

// scaled are a loss's arguments, with the state of the loss scale where grad is of 16 bits.
func scaled(grad Tensor, state vk.Range, args ...vk.Range) []vk.Range {
	if grad.Element != Float32 {
		args = append(args, state)
	}
	return args
}

type l1Push struct {
	size, stretch uint32
	scale         float32
}

// GANMode is the form of the adversarial loss. Its value is gan_loss's specialisation constant.
type GANMode uint32

// The adversarial losses, by the official option names. VanillaMinMax is the min-max form of the generator's vanilla loss:
// log(1 - D(x)) for target 1, which the paper writes and nobody trains with, since its gradient vanishes where D is sure.
const (
	LSGAN GANMode = iota
	Vanilla
	VanillaMinMax
	WGANGP
)

var ganModes = [...]string{LSGAN: "lsgan", Vanilla: "vanilla", VanillaMinMax: "vanilla_minmax", WGANGP: "wgangp"}

func (m GANMode) String() string {
	if int(m) < len(ganModes) {
		return ganModes[m]
	}
	return fmt.Sprintf("GANMode(%d)", uint32(m))
}

// ParseGANMode is String's inverse.
func ParseGANMode(name string) (GANMode, error) {
	for m, s := range ganModes {
		if s == name {
			return GANMode(m), nil
		}
	}
	return 0, fmt.Errorf("gan_mode %q: want one of %q", name, ganModes)
}

// GAN writes the adversarial loss of a discriminator's logits to loss, one float, and its gradient with respect to them to
// grad. Images [0, real) have the target 1 and the rest the target 0; the loss is weight * (the mean over the real part + the
// mean over the fake part), where an empty part counts 0. logits and grad are [N,H,W,C]; state is L1's.
//
//	LSGAN          (x - target)²
//	Vanilla        cross entropy with logits: log(1 + e^-x) for target 1, log(1 + e^x) for target 0
//	VanillaMinMax  -log(1 + e^x) for target 1, log(1 + e^x) for target 0
//	WGANGP         -x for target 1, x for target 0; the gradient penalty is not part of it
func GAN(p *vk.Program, mode GANMode, logits Tensor, real int, weight float32, grad Tensor, loss, state vk.Range) {
	switch {
	case !sameShapes(p, mode.String()+" loss", logits, grad):
		return
	case real < 0 || real > logits.N:
		p.Fail(fmt.Errorf("%s loss of %v: %d real images of %d", mode, logits, real, logits.N))
		return
	case int(mode) >= len(ganModes):
		p.Fail(fmt.Errorf("%v: want one of %q", mode, ganModes))
		return
	}
	push := ganPush{
		size: uint32(logits.vec4s()), real: uint32(real * logits.vec4s() / logits.N), channels: uint32(logits.C),
		realScale: portion(weight, real, logits), fakeScale: portion(weight, logits.N-real, logits),
	}
	inStretches(p, logits.vec4s(), loss, func(groups, stretch int, partial vk.Range) {
		push.stretch = uint32(stretch)
		l := vk.Launch{Spec: []uint32{uint32(mode)}, Push: push, Groups: [3]int{groups}}
		launchAs(p, grad.Element, l, "gan_loss", scaled(grad, state, logits.Range, grad.Range, partial)...)
	})
}

type ganPush struct {
	size, stretch, real, channels uint32
	realScale, fakeScale          float32
}

// portion is the weight of one element in a mean over n images of t's shape; 0 for no images.
func portion(weight float32, n int, t Tensor) float32 {
	return float32(float64(weight) / float64(max(1, n)*t.H*t.W*t.C))
}

// A loss over at most oneStretch vec4 takes one workgroup and one dispatch. A larger one is cut into stretches, a workgroup
// each, of at least minStretch vec4, and into no more than maxPartials, since one workgroup adds their sums up. The cut
// follows from the size alone, so that no device changes the bits.
const oneStretch, minStretch, maxPartials = 4096, 1024, 1024

// stretches cuts size vec4 into count stretches, all but the last of one length.
func stretches(size int) (count, length int) {
	if size <= oneStretch {
		return 1, size
	}
	length = max(minStretch, (size+maxPartials-1)/maxPartials)
	return (size + length - 1) / length, length
}

// inStretches launches the first stage of a loss over size vec4, which leaves one partial sum a workgroup, and the second,
// which adds them up into loss.
func inStretches(p *vk.Program, size int, loss vk.Range, first func(groups, stretch int, partial vk.Range)) {
	count, length := stretches(size)
	if count == 1 {
		first(1, length, loss)
		return
	}
	partial := p.Temp("partial losses", 4*count).All()
	first(count, length, partial)
	launch(p, vk.Launch{Push: reducePush{uint32(count)}}, "loss_reduce", partial, loss)
}

type reducePush struct{ count uint32 }
