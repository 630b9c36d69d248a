// What a training run is made of: the networks, the losses and the optimiser, by their official option names.

package cyclegan

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cyclevk/kernels"
)

// Config is everything that decides the numbers of a training run but the pictures. The json names are the official options.
type Config struct {
	InputNC   int     `json:"input_nc"`   // channels of A
	OutputNC  int     `json:"output_nc"`  // channels of B
	NetG      string  `json:"netG"`       // resnet_Nblocks, unet_N
	NetD      string  `json:"netD"`       // basic, n_layers: a PatchGAN of LayersD layers, which is 3 in basic; pixel
	NGF       int     `json:"ngf"`        // generator channels after its first convolution
	NDF       int     `json:"ndf"`        // the same of the discriminator
	LayersD   int     `json:"n_layers_D"` // 3: a PatchGAN of 70x70
	Norm      string  `json:"norm"`       // instance, batch, none
	NoDropout bool    `json:"no_dropout"` // no dropout in the generators
	Upsample  string  `json:"upsample"`   // of a ResNet generator: transposed, resize
	InitType  string  `json:"init_type"`  // normal, xavier, kaiming, orthogonal
	InitGain  float64 `json:"init_gain"`  // scale of the first weights, in normal their standard deviation

	CropSize   int `json:"crop_size"`        // side of a training picture in pixels, a multiple of what the generators take
	Height     int `json:"height,omitempty"` // of a training picture that is no square of CropSize; else 0
	Width      int `json:"width,omitempty"`
	Bits       int `json:"bits"`       // of a sample of a picture, 8 or 16; not an official option
	BatchSize  int `json:"batch_size"` // pictures of each domain in a micro-batch
	Accumulate int `json:"accumulate"` // micro-batches in a step; not an official option

	// LowMemory takes a step in far less memory, for a tenth more work: see direction.go. The losses and gradients are the same but for
	// the order of sums. Not an official option.
	LowMemory bool `json:"low_memory,omitempty"`

	GANMode        string  `json:"gan_mode"`        // lsgan, vanilla, vanilla_minmax, wgangp
	CycleLoss      string  `json:"cycle_loss"`      // l1, or gan: a discriminator for reconstructions; not an official option
	LambdaA        float64 `json:"lambda_A"`        // weight of the cycle A → B → A; 0 leaves it out
	LambdaB        float64 `json:"lambda_B"`        // weight of the cycle B → A → B; 0 leaves it out
	LambdaIdentity float64 `json:"lambda_identity"` // weight of the identity loss as a part of the cycle's; 0 leaves it out

	LR       float64 `json:"lr"`
	Beta1    float64 `json:"beta1"`
	PoolSize int     `json:"pool_size"` // pictures in each image pool; 0 for none

	LRPolicy     string `json:"lr_policy"`      // linear, step, plateau, cosine: see Schedule
	LRDecayIters int    `json:"lr_decay_iters"` // step: epochs until the rate falls
	Epochs       int    `json:"n_epochs"`       // epochs at the first learning rate; cosine: until it is 0
	EpochsDecay  int    `json:"n_epochs_decay"` // epochs after them; linear: in which it falls to zero
	EpochCount   int    `json:"epoch_count"`    // number of the first epoch

	Seed uint64 `json:"seed"`

	Precision string `json:"precision"` // of what the networks compute: fp32, fp16, bf16; not an official option
	Winograd  bool   `json:"winograd"`  // the generators' 3x3 convolutions by F(4,3): faster, with other rounding; not an official option
}

// DefaultConfig is the official default of every option.
func DefaultConfig() Config {
	return Config{
		InputNC: 3, OutputNC: 3, NetG: "resnet_9blocks", NetD: "basic", NGF: 64, NDF: 64, LayersD: 3,
		Norm: NormInstance, NoDropout: true, Upsample: UpsampleTransposed, InitType: InitNormal, InitGain: 0.02,
		CropSize: 256, Bits: 8, BatchSize: 1, Accumulate: 1, GANMode: "lsgan", CycleLoss: "l1", LambdaA: 10, LambdaB: 10, LambdaIdentity: 0.5,
		LR: 0.0002, Beta1: 0.5, PoolSize: 50, LRPolicy: "linear", LRDecayIters: 50, Epochs: 100, EpochsDecay: 100, EpochCount: 1,
		Precision: kernels.Float32.String(),
	}
}

// Size is the height and width of a training picture.
func (c *Config) Size() (h, w int) {
	if c.Height == 0 || c.Width == 0 {
		return c.CropSize, c.CropSize
	}
	return c.Height, c.Width
}

// StepSize is the number of pictures of each domain in a step.
func (c *Config) StepSize() int { return c.BatchSize * c.Accumulate }

// Element is Precision as kernels know it.
func (c *Config) Element() kernels.Element {
	e, _ := kernels.ParseElement(c.Precision) // Validate has looked
	return e
}

// netPixel is the official name of the discriminator that judges each pixel alone.
const netPixel = "pixel"

// Adam's constants that the official code does not let one choose.
const (
	beta2   = 0.999
	adamEps = 1e-8
)

var (
	netResnet = regexp.MustCompile(`^resnet_([1-9][0-9]?)blocks$`)
	netUnet   = regexp.MustCompile(`^unet_([1-9][0-9]{1,3})$`)
)

// GeneratorSpec describes "G_A", which translates A to B, or "G_B", without Winograd: that is for training, and translations are exact
// however a model was trained.
func (c *Config) GeneratorSpec(net string) (GeneratorSpec, error) {
	s := GeneratorSpec{In: c.InputNC, Out: c.OutputNC, NGF: c.NGF, Norm: c.Norm, Dropout: !c.NoDropout, Upsample: c.Upsample}
	if m := netResnet.FindStringSubmatch(c.NetG); m != nil {
		s.Blocks, _ = strconv.Atoi(m[1])
	} else if m := netUnet.FindStringSubmatch(c.NetG); m != nil {
		if side, _ := strconv.Atoi(m[1]); side >= 32 && side&(side-1) == 0 {
			s.Downs = bits.Len(uint(side)) - 1
		}
	}
	if s.Blocks == 0 && s.Downs == 0 {
		return s, fmt.Errorf("--netG %q: use resnet_9blocks, resnet_6blocks or any resnet_Nblocks, unet_256, unet_128 or any unet_N "+
			"with a power of two from 32 to 4096", c.NetG)
	}
	if net == "G_B" {
		s = s.reversed()
	}
	return s, nil
}

// DiscriminatorSpec describes "D_A" or "D_cycle_B", which judge pictures of B, or "D_B" or "D_cycle_A".
func (c *Config) DiscriminatorSpec(net string) DiscriminatorSpec {
	s := DiscriminatorSpec{In: c.OutputNC, NDF: c.NDF, Layers: c.LayersD, Norm: c.Norm}
	if net == "D_B" || net == "D_cycle_A" {
		s.In = c.InputNC
	}
	if c.NetD == netPixel {
		s.Layers = 0
	}
	return s
}

// Validate names the first option whose value cannot be used.
func (c *Config) Validate() error {
	generator, err := c.GeneratorSpec("G_A")
	if err != nil {
		return err
	}
	if err := c.checkNetworks(generator); err != nil {
		return err
	}
	if err := c.checkRecipe(); err != nil {
		return err
	}
	for _, o := range []struct {
		name      string
		v, lo, hi int
	}{
		{"ngf", c.NGF, 1, 1024},
		{"ndf", c.NDF, 1, 1024},
		{"n_layers_D", c.LayersD, 1, 6},
		{"crop_size", c.CropSize, 8, 8192},
		{"batch_size", c.BatchSize, 1, 1024},
		{"accumulate", c.Accumulate, 1, 64},
		{"pool_size", c.PoolSize, 0, 10000},
		{"lr_decay_iters", c.LRDecayIters, 1, 1 << 30},
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
	if _, err := kernels.ParseElement(c.Precision); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if c.Bits != 8 && c.Bits != 16 {
		return fmt.Errorf("--bits %d: use 8 or 16", c.Bits)
	}
	return c.checkSizes(generator)
}

// checkSizes looks at the size of training pictures, from which every network has to make something. Where they are no squares
// of CropSize, it follows from the data.
func (c *Config) checkSizes(generator GeneratorSpec) error {
	h, w := c.Size()
	what := fmt.Sprintf("--crop_size %d", c.CropSize)
	if h != c.CropSize || w != c.CropSize {
		what = fmt.Sprintf("training pictures of %dx%d", w, h)
	}
	multiple, least := generator.Sizes()
	if h%multiple != 0 || w%multiple != 0 || min(h, w) < least || max(h, w) > 8192 {
		return fmt.Errorf("%s: use a multiple of %d from %d to 8192, since %s halves a picture so often", what, multiple, least, c.NetG)
	}
	if h*w%32 != 0 && c.Element() != kernels.Float32 { // each of a batch's pictures begins where it can be bound
		return fmt.Errorf("%s with --precision %s: use a multiple of 8", what, c.Precision)
	}
	discriminator := c.DiscriminatorSpec("D_A")
	discriminator.NDF = 1
	if least := NewDiscriminator("D_A", discriminator).Least; min(h, w) < least {
		return fmt.Errorf("%s: a discriminator with --n_layers_D %d needs at least %d pixels",
			what, c.LayersD, (least+multiple-1)/multiple*multiple)
	}
	return nil
}

// checkNetworks looks at the options of networks that are names.
func (c *Config) checkNetworks(generator GeneratorSpec) error {
	for _, o := range []struct {
		name, v string
		values  []string
	}{
		{"netD", c.NetD, []string{"basic", "n_layers", netPixel}},
		{"norm", c.Norm, []string{NormInstance, NormBatch, NormNone}},
		{"init_type", c.InitType, []string{InitNormal, InitXavier, InitKaiming, InitOrthogonal}},
		{"upsample", c.Upsample, []string{UpsampleTransposed, UpsampleResize}},
	} {
		if !slices.Contains(o.values, o.v) {
			return fmt.Errorf("--%s %q: use %s", o.name, o.v, strings.Join(o.values, ", "))
		}
	}
	if generator.Downs > 0 && c.Upsample != UpsampleTransposed {
		return fmt.Errorf("--upsample %s with --netG %s: resize convolutions are there for resnet generators", c.Upsample, c.NetG)
	}
	return nil
}

// The values of options that are names.
var (
	cycleLosses = []string{"l1", "gan"}
	lrPolicies  = []string{"linear", "step", "plateau", "cosine"}
)

// checkRecipe looks at the losses and the schedule.
func (c *Config) checkRecipe() error {
	if _, err := kernels.ParseGANMode(c.GANMode); err != nil {
		return fmt.Errorf("--%w", err)
	}
	for _, o := range []struct {
		name, v string
		values  []string
	}{{"cycle_loss", c.CycleLoss, cycleLosses}, {"lr_policy", c.LRPolicy, lrPolicies}} {
		if !slices.Contains(o.values, o.v) {
			return fmt.Errorf("--%s %q: use %s", o.name, o.v, strings.Join(o.values, ", "))
		}
	}
	for _, o := range []struct {
		name string
		v    int
	}{{"input_nc", c.InputNC}, {"output_nc", c.OutputNC}} {
		if o.v != 1 && o.v != 3 && o.v != 4 {
			return fmt.Errorf("--%s %d: use 1 (grey), 3 (colour) or 4 (colour and alpha)", o.name, o.v)
		}
	}
	if c.InputNC != c.OutputNC && c.LambdaIdentity != 0 {
		return fmt.Errorf("--input_nc %d and --output_nc %d: the identity loss compares pictures of one kind, use --lambda_identity 0", c.InputNC, c.OutputNC)
	}
	if c.LRPolicy == "cosine" && c.Epochs == 0 {
		return fmt.Errorf("--lr_policy cosine: the rate falls over --n_epochs, which is 0: use a number from 1")
	}
	return nil
}
