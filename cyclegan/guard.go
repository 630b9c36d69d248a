// The guard of the training step: a number that is not finite is found on the device before a weight depends on it, and named
// by the host two steps later.

package cyclegan

import (
	"encoding/binary"
	"fmt"
	"strings"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// The words of the guard: the losses, then the gradients of each network in the order of Model.networks.
const (
	guardLosses = iota
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

// verdict names what the guard found in a step, given its words: the first gradient, and the first loss.
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
	return fmt.Errorf("step %d: %s %w: lower --lr, or look for broken pictures", step, strings.Join(what, ", like "), ErrNotFinite)
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
