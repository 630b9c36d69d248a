// The guard of the training step: a number that is not finite is found on the device before a weight depends on it, and named
// by the host two steps later.
//
// In fp32 such a step ends the training. In 16 bits gradients are times the loss scale: where they overflow, the step is skipped, the
// scale halves, and training goes on, until there is nothing left to halve. A loss that is not finite ends it all the same.

package cyclegan

import (
	"encoding/binary"
	"fmt"
	"strings"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// The words of the guard: the end that kernels.LossScale sets, the losses, then the gradients of each network in the order of
// Model.networks. Those before guardNetworks stay for good.
const (
	guardEnd = iota
	guardLosses
	guardNetworks
)

// guardBytes is the size of the guard.
func (m *Model) guardBytes() int { return (guardNetworks + len(m.networks())) * vk.Alignment }

// inspect looks through the losses and all gradients of a step.
func (m *Model) inspect(p *vk.Program, losses *vk.Mem) {
	word := func(i int) vk.Range { return m.guard.Slice(i*vk.Alignment, 4) }
	kernels.Finite(p, losses.All(), 0, kernels.Infinite, word(guardLosses))
	for i, ps := range m.networks() {
		m.eachPart(ps, func(part func(*vk.Mem) vk.Range, at int) {
			kernels.Finite(p, part(ps.Grads), at/4, kernels.Unsquarable, word(guardNetworks+i))
		})
	}
}

// forget makes the guard forget the gradients of the step before, which was skipped.
func (m *Model) forget(p *vk.Program) {
	at := guardNetworks * vk.Alignment
	kernels.Fill(p, m.guard.Slice(at, m.guard.Size-at), 0)
}

// ended are the words of the guard where one that is set means that the training has ended.
func (m *Model) ended() vk.Range {
	if m.scale == nil {
		return m.guard.All()
	}
	return m.guard.Slice(0, guardNetworks*vk.Alignment)
}

// resetGuard makes the guard find nothing yet, and the loss scale what a checkpoint says or, without one, what training begins with.
func (m *Model) resetGuard(from *kernels.ScaleState) error {
	if err := m.dev.Zero(m.guard.All()); err != nil || m.scale == nil {
		return err
	}
	if from == nil {
		scale, _ := m.Config.Element().FirstScale()
		from = &kernels.ScaleState{Scale: scale}
	}
	return m.dev.Write(m.scale.All(), from.Encode())
}

// verdict names what the guard found in a step, given its words: the first gradient, and the first loss. A step that was only
// skipped is no error.
func (m *Model) verdict(words []byte, step int) error {
	found := func(i int) (int, bool) { return kernels.Found(binary.LittleEndian.Uint32(words[i*vk.Alignment:])) }
	var what []string
	for i, ps := range m.networks() {
		if at, ok := found(guardNetworks + i); ok && what == nil {
			what = append(what, "gradient of "+ps.Net+"."+ps.at(4*at))
		}
	}
	if at, ok := found(guardLosses); ok {
		what = append(what, "loss "+m.losses[4*at/vk.Alignment%len(m.losses)])
	}
	if what == nil {
		return nil
	}
	_, end := found(guardEnd)
	if _, loss := found(guardLosses); m.scale != nil && !end && !loss {
		return nil
	}
	cure := "lower --lr, or look for broken pictures"
	if m.Config.Element() == kernels.Float16 {
		cure += ", or use --precision bf16"
	}
	return fmt.Errorf("step %d: %s %w: %s", step, strings.Join(what, ", like "), ErrNotFinite, cure)
}

// at names the parameter that holds a byte of the network's buffers.
func (ps *Params) at(offset int) string {
	for _, p := range ps.List {
		if offset < p.offset+4*p.floats {
			return p.Name
		}
	}
	return "(padding)"
}
