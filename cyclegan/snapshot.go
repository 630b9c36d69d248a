// Snapshots: a run as it is copied from the device, and back. The copy is all that training waits for; what turns it into a
// checkpoint needs no device and may run beside the next steps.

package cyclegan

import (
	"fmt"
	"maps"

	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
)

// Snapshot is a run's bytes as the device holds them.
type Snapshot struct {
	Info // the caller fills in Data, Epoch and Next

	nets  []netBytes
	pools [2][][]byte // pictures [H,W,stride] of fake_A and fake_B
}

// netBytes is one network with Adam's moments.
type netBytes struct {
	*Params
	weights, running, m, v []byte
}

// Snapshot waits for all steps and copies the run from the device. Where a step was refused for a number that is not finite, it
// is the run as the step before left it.
func (t *Trainer) Snapshot() (*Snapshot, error) {
	slots, err := t.drain()
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		if t.judge(slot) != nil {
			break
		}
	}
	s := &Snapshot{Info: Info{
		Config: t.Config, Step: t.done, Device: t.dev.Info.Name, Driver: t.dev.Info.Driver, Shaders: shaders.Hash(),
	}}
	if s.LossScale, err = t.lossScale(); err != nil {
		return nil, err
	}
	for _, ps := range t.networks() {
		n := netBytes{Params: ps}
		for _, b := range []struct {
			mem  *vk.Mem
			into *[]byte
		}{{ps.Weights, &n.weights}, {ps.Running, &n.running}, {ps.M, &n.m}, {ps.V, &n.v}} {
			if b.mem == nil {
				continue
			}
			raw, err := ps.read(t.dev, b.mem)
			if err != nil {
				return nil, err
			}
			*b.into = raw
		}
		s.nets = append(s.nets, n)
	}
	for i, pool := range []*kernels.Pool{t.poolA, t.poolB} {
		for _, r := range pool.Images()[:t.stored[i]] {
			picture := make([]byte, r.Bytes)
			if err := t.dev.Read(r, picture); err != nil {
				return nil, err
			}
			s.pools[i] = append(s.pools[i], picture)
		}
	}
	return s, nil
}

// lossScale is the state of the loss scale after all steps; nil in fp32.
func (t *Trainer) lossScale() (*kernels.ScaleState, error) {
	if t.scale == nil {
		return nil, nil
	}
	raw := make([]byte, t.scale.Size)
	err := t.dev.Read(t.scale.All(), raw)
	s := kernels.DecodeScale(raw)
	return &s, err
}

// Checkpoint brings the bytes into PyTorch's shapes.
func (s *Snapshot) Checkpoint() *Checkpoint {
	c := &Checkpoint{Info: s.Info, Nets: map[string]NetState{}}
	for _, n := range s.nets {
		weights := unpack(n.List, n.weights)
		maps.Copy(weights, unpack(n.Tracked, n.running))
		c.Nets[n.Net] = NetState{weights, unpack(n.List, n.m), unpack(n.List, n.v)}
	}
	e := s.Config.Element()
	c.PoolA, c.PoolB = poolPictures(e, s.pools[0], s.Config.InputNC), poolPictures(e, s.pools[1], s.Config.OutputNC)
	return c
}

// Checkpoint is a snapshot as a checkpoint; the caller fills in Data, Epoch and Next.
func (t *Trainer) Checkpoint() (*Checkpoint, error) {
	s, err := t.Snapshot()
	if err != nil {
		return nil, err
	}
	return s.Checkpoint(), nil
}

// poolPictures brings pictures of a type into the shape [C,H,W].
func poolPictures(e kernels.Element, pool [][]byte, channels int) (out [][]float32) {
	stride := kernels.Stride(channels)
	for _, raw := range pool {
		size := len(raw) / e.Size() / stride
		picture := make([]float32, channels*size)
		for i, v := range e.Decode(raw) {
			if c := i % stride; c < channels {
				picture[c*size+i/stride] = v
			}
		}
		out = append(out, picture)
	}
	return out
}

// restore writes a checkpoint to the device.
func (t *Trainer) restore(c *Checkpoint) error {
	for _, ps := range t.networks() {
		s, ok := c.Nets[ps.Net]
		if !ok {
			return fmt.Errorf("the checkpoint has no network %s", ps.Net)
		}
		if err := ps.uploadWeights(t.dev, s.Weights); err != nil {
			return err
		}
		for _, b := range []struct {
			mem   *vk.Mem
			state State
		}{{ps.M, s.M}, {ps.V, s.V}} {
			if b.state == nil { // weights alone: a fresh optimiser
				if err := t.dev.Zero(b.mem.All()); err != nil {
					return err
				}
				continue
			}
			if err := ps.upload(t.dev, b.mem, b.state); err != nil {
				return err
			}
		}
		if err := t.dev.Zero(ps.Grads.All()); err != nil {
			return err
		}
	}
	if err := t.resetGuard(c.LossScale); err != nil {
		return err
	}
	t.done = c.Step
	if c.LossScale != nil {
		t.scaling = *c.LossScale
	}
	for i, pool := range []struct {
		*kernels.Pool
		pictures [][]float32
		channels int
	}{{t.poolA, c.PoolA, c.Config.InputNC}, {t.poolB, c.PoolB, c.Config.OutputNC}} {
		t.stored[i] = len(pool.pictures)
		for j, picture := range pool.pictures {
			size, stride := len(picture)/pool.channels, kernels.Stride(pool.channels)
			image := make([]float32, size*stride)
			for k, v := range picture {
				image[k%size*stride+k/size] = v
			}
			if err := t.dev.Write(pool.Images()[j], t.Config.Element().Encode(image)); err != nil {
				return err
			}
		}
	}
	return nil
}
