// The networks of a CycleGAN on a device.

package cyclegan

import (
	"fmt"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// Model is the networks, the optimiser's state and the image pools of one training run.
type Model struct {
	Config Config
	GA, GB *Network // A to B and B to A
	DA, DB *Network // judge pictures of B and of A

	// Judge reconstructions of A and of B where the cycle's loss is adversarial, else nil.
	DCycleA, DCycleB *Network

	params       []*Params // of all networks, in a fixed order
	losses       []string  // names of the losses in the order in which they are logged
	dev          *vk.Device
	arena        *vk.Arena
	pools        *vk.Arena     // of the image pools: the host's memory, since a step touches an image or two of them
	poolA, poolB *kernels.Pool // of fake_A and of fake_B
	guard        *vk.Mem       // see guard.go
	scale        *vk.Mem       // state of the loss scale; nil in fp32
}

// newModel lays out the networks of a valid configuration, and image pools for pictures of h x w, and declares their memory.
func newModel(dev *vk.Device, c Config, h, w int) (*Model, error) {
	m := &Model{Config: c, dev: dev, arena: dev.NewArena("weights and optimiser")}
	if err := m.layout(); err != nil {
		return nil, err
	}
	e := c.Element()
	for _, ps := range m.networks() {
		ps.Element = e
		ps.reserve(m.arena, true)
	}
	m.pools = dev.NewArena("image pools")
	m.pools.Host = true
	m.poolA = kernels.ReservePool(m.pools, dev, e, "pool of fake_A", c.PoolSize, h, w, c.InputNC)
	m.poolB = kernels.ReservePool(m.pools, dev, e, "pool of fake_B", c.PoolSize, h, w, c.OutputNC)
	m.guard = m.arena.Reserve("guard", m.guardBytes())
	if e != kernels.Float32 {
		m.scale = m.arena.Reserve("loss scale", kernels.ScaleBytes)
	}
	return m, nil
}

// arenas are the model's.
func (m *Model) arenas() []*vk.Arena { return []*vk.Arena{m.arena, m.pools} }

// layout makes the networks that the configuration names, without memory.
func (m *Model) layout() error {
	c := &m.Config
	if err := c.Validate(); err != nil {
		return err
	}
	a, err := c.GeneratorSpec("G_A")
	if err != nil {
		return err
	}
	a.Winograd = c.Winograd
	m.GA, m.GB = NewGenerator("G_A", a), NewGenerator("G_B", a.reversed())
	m.DA = NewDiscriminator("D_A", c.DiscriminatorSpec("D_A"))
	m.DB = NewDiscriminator("D_B", c.DiscriminatorSpec("D_B"))
	m.losses = []string{"D_A", "G_A", "cycle_A", "idt_A", "D_B", "G_B", "cycle_B", "idt_B"}
	for _, cycle := range []struct {
		name   string
		weight float64
		judge  **Network
	}{{"D_cycle_A", c.LambdaA, &m.DCycleA}, {"D_cycle_B", c.LambdaB, &m.DCycleB}} {
		if c.CycleLoss == "gan" && cycle.weight > 0 {
			*cycle.judge = NewDiscriminator(cycle.name, c.DiscriminatorSpec(cycle.name))
			m.losses = append(m.losses, cycle.name)
		}
	}
	for _, n := range []*Network{m.GA, m.GB, m.DA, m.DB, m.DCycleA, m.DCycleB} {
		if n != nil {
			m.params = append(m.params, n.Params)
		}
	}
	return nil
}

// networks are the parameters of all networks, in a fixed order.
func (m *Model) networks() []*Params { return m.params }

// initialise draws new weights and clears the optimiser's state and the guard.
func (m *Model) initialise() error {
	for _, ps := range m.networks() {
		if err := ps.uploadWeights(m.dev, ps.InitState(m.Config.Seed, m.Config.InitType, m.Config.InitGain)); err != nil {
			return err
		}
		for _, buffer := range []*vk.Mem{ps.Grads, ps.M, ps.V} {
			if err := m.dev.Zero(buffer.All()); err != nil {
				return fmt.Errorf("%s: %w", ps.Net, err)
			}
		}
	}
	return m.resetGuard(nil)
}
