// Facts about the networks and the schedule, as cyclegan's paper and official code have them.

package cyclegan

import (
	"strings"
	"testing"
)

// TestParameterCounts: those of the official networks.
func TestParameterCounts(t *testing.T) {
	for name, want := range map[string][3]int{ // instance, batch and no norm
		"resnet_9blocks": {11378179, 11383427, 11372931},
		"resnet_6blocks": {7837699, 7841411, 7833987},
		"unet_256":       {54409603, 54413955, 54404099},
		"unet_128":       {41825667, 41828995, 41821187},
		"basic":          {2764737, 2765633, 2763841},
		"pixel":          {8705, 8832, 8576},
	} {
		for i, norm := range []string{NormInstance, NormBatch, NormNone} {
			c := DefaultConfig()
			c.Norm = norm
			var n *Network
			if strings.Contains(name, "net_") {
				c.NetG = name
				spec, err := c.GeneratorSpec("G_A")
				if err != nil {
					t.Fatal(err)
				}
				n = NewGenerator("G_A", spec)
			} else {
				c.NetD = name
				n = NewDiscriminator("D_A", c.DiscriminatorSpec("D_A"))
			}
			if got := n.Params.Count(); got != want[i] {
				t.Errorf("%s, norm %s: %d parameters, want %d", name, norm, got, want[i])
			}
		}
	}
}

// TestKeys: the official state dict's keys of a generator with 9 blocks.
func TestKeys(t *testing.T) {
	var keys []string
	for _, p := range NewGenerator("G_A", GeneratorSpec{In: 3, Out: 3, NGF: 4, Blocks: 9}).Params.List {
		keys = append(keys, p.Name)
	}
	all := strings.Join(keys, " ")
	for _, want := range []string{
		"model.1.weight", "model.4.bias", "model.7.weight", "model.10.conv_block.1.weight", "model.18.conv_block.5.bias",
		"model.19.weight", "model.22.bias", "model.26.weight", "model.26.bias",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no key %s in %s", want, all)
		}
	}
	if len(keys) != 2*(3+18+3) {
		t.Errorf("%d keys", len(keys))
	}
}

// TestPatchSize: a PatchGAN makes 30x30 logits of 256x256 pixels, and its receptive field is 16, 34, 70, 142, 286 for 1 to 5 layers.
func TestPatchSize(t *testing.T) {
	n := 256
	for _, m := range NewDiscriminator("D_A", DiscriminatorSpec{In: 3, NDF: 64, Layers: 3}).body {
		n = m.(*layer).conv.OutSize(n)
	}
	if n != 30 {
		t.Errorf("%d logits a side, want 30", n)
	}
	for i, want := range []int{16, 34, 70, 142, 286} {
		field, layers := 1, NewDiscriminator("D_A", DiscriminatorSpec{In: 3, NDF: 4, Layers: i + 1}).body
		for j := len(layers) - 1; j >= 0; j-- {
			stride := 1 // from the sizes alone: a stride of 2 halves a large picture
			if layers[j].(*layer).conv.OutSize(1000) < 600 {
				stride = 2
			}
			field = (field-1)*stride + 4
		}
		if field != want {
			t.Errorf("n_layers %d: receptive field %d, want %d", i+1, field, want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := DefaultConfig()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"--netG":              func(c *Config) { c.NetG = "unet_100" },
		"--netG \"unet_16\"":  func(c *Config) { c.NetG = "unet_16" },
		"--netD":              func(c *Config) { c.NetD = "patch" },
		"--norm":              func(c *Config) { c.Norm = "layer" },
		"--init_type":         func(c *Config) { c.InitType = "uniform" },
		"--upsample":          func(c *Config) { c.Upsample = "bilinear" },
		"--upsample resize":   func(c *Config) { c.NetG, c.Upsample = "unet_256", UpsampleResize },
		"multiple of 256":     func(c *Config) { c.NetG, c.CropSize = "unet_256", 128 },
		"--gan_mode":          func(c *Config) { c.GANMode = "hinge" },
		"--cycle_loss":        func(c *Config) { c.CycleLoss = "l2" },
		"--lr_policy":         func(c *Config) { c.LRPolicy = "exponential" },
		"--n_epochs":          func(c *Config) { c.LRPolicy, c.Epochs = "cosine", 0 },
		"--lr_decay_iters":    func(c *Config) { c.LRDecayIters = 0 },
		"--input_nc 2":        func(c *Config) { c.InputNC = 2 },
		"--output_nc 5":       func(c *Config) { c.OutputNC = 5 },
		"--lambda_identity 0": func(c *Config) { c.InputNC = 1 },
		"--accumulate 0":      func(c *Config) { c.Accumulate = 0 },
		"--ngf 0":             func(c *Config) { c.NGF = 0 },
		"--bits 12":           func(c *Config) { c.Bits = 12 },
		"of 30x64":            func(c *Config) { c.Height, c.Width = 64, 30 },
		"of 64x20: a disc":    func(c *Config) { c.Height, c.Width = 20, 64 },
		"--crop_size 30":      func(c *Config) { c.CropSize = 30 },
		"at least 24":         func(c *Config) { c.CropSize = 16 },
		"--batch_size -1":     func(c *Config) { c.BatchSize = -1 },
		"--lr":                func(c *Config) { c.LR = -1 },
		"--lambda_identity":   func(c *Config) { c.LambdaIdentity = -0.5 },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}
