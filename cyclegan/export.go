// Networks in files that PyTorch reads: the state dict of one network, under the official keys.

package cyclegan

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"cyclevk/cyclegan/pth"
	"cyclevk/cyclegan/safetensors"
)

// Networks are the names of the networks that the checkpoint holds, of those that official files have.
func (c *Checkpoint) Networks() (names []string) {
	for _, net := range NetNames {
		if _, ok := c.Nets[net]; ok {
			names = append(names, net)
		}
	}
	return names
}

// WritePTH writes one network as torch.save(net.state_dict()) does; torch.load(…, weights_only=True) reads it, and the official
// network takes it with strict=True.
func (c *Checkpoint) WritePTH(w io.Writer, net string) error {
	tensors, err := c.stateDict(net)
	if err != nil {
		return err
	}
	return pth.Encode(w, tensors)
}

// WriteSafetensors writes one network under the same keys.
func (c *Checkpoint) WriteSafetensors(w io.Writer, net string) error {
	tensors, err := c.stateDict(net)
	if err != nil {
		return err
	}
	return safetensors.Encode(w, tensors, map[string]string{"format": "pt"})
}

// stateDict is a network's tensors in PyTorch's order, its running statistics and their counters among them.
func (c *Checkpoint) stateDict(net string) ([]safetensors.Tensor, error) {
	state, ok := c.Nets[net]
	if !ok {
		return nil, fmt.Errorf("%s: has no %s", c.Path, net)
	}
	n, err := c.Config.network(net)
	if err != nil {
		return nil, err
	}
	var out []safetensors.Tensor
	add := func(p *Param) { out = append(out, float32Tensor(p.Name, p.Shape, state.Weights[p.Name])) }
	tracked := map[string][]*Param{} // by the name of their module
	for _, p := range n.Params.Tracked {
		module := p.Name[:strings.LastIndexByte(p.Name, '.')]
		tracked[module] = append(tracked[module], p)
	}
	batches := binary.LittleEndian.AppendUint64(nil, uint64(c.BatchesTracked(net)))
	for _, p := range n.Params.List {
		add(p)
		module, isBias := strings.CutSuffix(p.Name, ".bias")
		if !isBias || tracked[module] == nil {
			continue
		}
		for _, t := range tracked[module] {
			add(t)
		}
		out = append(out, safetensors.Tensor{Name: module + batchesTracked, DType: "I64", Shape: []int{}, Data: batches})
	}
	return out, nil
}

// network lays out one of the networks that the configuration names.
func (c *Config) network(net string) (*Network, error) {
	if strings.HasPrefix(net, "D") {
		return NewDiscriminator(net, c.DiscriminatorSpec(net)), nil
	}
	spec, err := c.GeneratorSpec(net)
	if err != nil {
		return nil, err
	}
	return NewGenerator(net, spec), nil
}
