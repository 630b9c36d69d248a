// What a training run is made of: the networks, the losses and the optimiser, by their official option names.

package cyclegan

import (
	"fmt"
	"regexp"
	"strconv"

	"cyclevk/kernels"
)

// Config is everything that decides the numbers of a training run but the pictures. The json names are the official options.
type Config struct {
	InputNC  int     `json:"input_nc"`   // channels of A
	OutputNC int     `json:"output_nc"`  // channels of B
	NetG     string  `json:"netG"`       // resnet_Nblocks
	NGF      int     `json:"ngf"`        // generator channels after its first convolution
	NDF      int     `json:"ndf"`        // the same of the discriminator
	LayersD  int     `json:"n_layers_D"` // 3: a PatchGAN of 70x70
	InitGain float64 `json:"init_gain"`  // standard deviation of the first weights

	CropSize  int `json:"crop_size"`  // side of a training picture in pixels, a multiple of 4
	BatchSize int `json:"batch_size"` // pictures of each domain in a step

	GANMode        string  `json:"gan_mode"`        // lsgan, vanilla
	LambdaA        float64 `json:"lambda_A"`        // weight of the cycle A → B → A
	LambdaB        float64 `json:"lambda_B"`        // weight of the cycle B → A → B
	LambdaIdentity float64 `json:"lambda_identity"` // weight of the identity loss as a part of the cycle's; 0 leaves it out

	LR       float64 `json:"lr"`
	Beta1    float64 `json:"beta1"`
	PoolSize int     `json:"pool_size"` // pictures in each image pool; 0 for none

	Epochs      int `json:"n_epochs"`       // epochs at the first learning rate
	EpochsDecay int `json:"n_epochs_decay"` // epochs in which it falls linearly to zero
	EpochCount  int `json:"epoch_count"`    // number of the first epoch

	Seed uint64 `json:"seed"`
}

// DefaultConfig is the official default of every option.
func DefaultConfig() Config {
	return Config{
		InputNC: 3, OutputNC: 3, NetG: "resnet_9blocks", NGF: 64, NDF: 64, LayersD: 3, InitGain: 0.02,
		CropSize: 256, BatchSize: 1, GANMode: "lsgan", LambdaA: 10, LambdaB: 10, LambdaIdentity: 0.5,
		LR: 0.0002, Beta1: 0.5, PoolSize: 50, Epochs: 100, EpochsDecay: 100, EpochCount: 1,
	}
}

// Adam's constants that the official code does not let one choose.
const (
	beta2   = 0.999
	adamEps = 1e-8
)

var netG = regexp.MustCompile(`^resnet_([1-9][0-9]?)blocks$`)

// Blocks is the number of residual blocks that NetG names.
func (c *Config) Blocks() (int, error) {
	m := netG.FindStringSubmatch(c.NetG)
	if m == nil {
		return 0, fmt.Errorf("--netG %q: use resnet_9blocks, resnet_6blocks or any resnet_Nblocks", c.NetG)
	}
	return strconv.Atoi(m[1])
}

// GeneratorSpec describes "G_A", which translates A to B, or "G_B".
func (c *Config) GeneratorSpec(net string) (GeneratorSpec, error) {
	blocks, err := c.Blocks()
	s := GeneratorSpec{In: c.InputNC, Out: c.OutputNC, NGF: c.NGF, Blocks: blocks}
	if net == "G_B" {
		s = s.reversed()
	}
	return s, err
}

// DiscriminatorSpec describes "D_A", which judges pictures of B, or "D_B".
func (c *Config) DiscriminatorSpec(net string) DiscriminatorSpec {
	s := DiscriminatorSpec{In: c.OutputNC, NDF: c.NDF, Layers: c.LayersD}
	if net == "D_B" {
		s.In = c.InputNC
	}
	return s
}

// Validate names the first option whose value cannot be used.
func (c *Config) Validate() error {
	if _, err := c.Blocks(); err != nil {
		return err
	}
	if mode, err := kernels.ParseGANMode(c.GANMode); err != nil || mode != kernels.LSGAN && mode != kernels.Vanilla {
		return fmt.Errorf("--gan_mode %q: use lsgan or vanilla", c.GANMode)
	}
	for _, o := range []struct {
		name      string
		v, lo, hi int
	}{
		{"input_nc", c.InputNC, 3, 3},
		{"output_nc", c.OutputNC, 3, 3},
		{"ngf", c.NGF, 1, 1024},
		{"ndf", c.NDF, 1, 1024},
		{"n_layers_D", c.LayersD, 1, 6},
		{"crop_size", c.CropSize, 8, 8192},
		{"batch_size", c.BatchSize, 1, 1024},
		{"pool_size", c.PoolSize, 0, 10000},
		{"n_epochs", c.Epochs, 0, 1 << 30},
		{"n_epochs_decay", c.EpochsDecay, 0, 1 << 30},
		{"epoch_count", c.EpochCount, 1, 1 << 30},
	} {
		if o.v < o.lo || o.v > o.hi {
			return fmt.Errorf("--%s %d: use a value from %d to %d", o.name, o.v, o.lo, o.hi)
		}
	}
	for _, o := range []struct {
		name  string
		v, hi float64
	}{
		{"lambda_A", c.LambdaA, 1e6},
		{"lambda_B", c.LambdaB, 1e6},
		{"lambda_identity", c.LambdaIdentity, 1e6},
		{"lr", c.LR, 1},
		{"init_gain", c.InitGain, 100},
		{"beta1", c.Beta1, 0.999999},
	} {
		if !(o.v >= 0 && o.v <= o.hi) { // NaN is refused too
			return fmt.Errorf("--%s %g: use a value from 0 to %g", o.name, o.v, o.hi)
		}
	}
	if c.CropSize%4 != 0 {
		return fmt.Errorf("--crop_size %d: the generator halves a picture twice, use a multiple of 4", c.CropSize)
	}
	if least := NewDiscriminator("D", DiscriminatorSpec{In: 3, NDF: 1, Layers: c.LayersD}).Least; c.CropSize < least {
		return fmt.Errorf("--crop_size %d: a discriminator with --n_layers_D %d needs at least %d pixels", c.CropSize, c.LayersD, (least+3)&^3)
	}
	return nil
}

// LRFactor is the linear policy: what the learning rate is multiplied by in an epoch, numbered from EpochCount.
// The official schedule with 100 + 100 epochs: 1 up to epoch 100, 100/101 in epoch 101, 1/101 in epoch 200.
func (c *Config) LRFactor(epoch int) float64 {
	t := epoch - c.EpochCount // scheduler steps so far
	return max(0, 1-float64(max(0, t+c.EpochCount-c.Epochs))/float64(c.EpochsDecay+1))
}
