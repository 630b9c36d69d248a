// What train says of a recipe that is not the official default.

package main

import (
	"fmt"
	"slices"
	"strings"

	"cyclevk/cyclegan"
	"cyclevk/kernels"
)

// remark is a line of the announcement.
type remark struct{ what, text string }

// unusual are the remarks on networks, losses and schedule.
func unusual(c *cyclegan.Config) (list []remark) {
	add := func(what, format string, args ...any) {
		list = append(list, remark{what, fmt.Sprintf(format, args...)})
	}
	switch c.Norm {
	case cyclegan.NormBatch:
		add("norm", "batch: pictures are normalised by the statistics of their batch")
	case cyclegan.NormNone:
		add("norm", "none")
	}
	if !c.NoDropout {
		add("dropout", "half of the values, in the generators' middle layers")
	}
	if c.Upsample == cyclegan.UpsampleResize {
		add("upsampling", "nearest neighbours and a convolution; the official networks have transposed convolutions")
	}
	switch c.Element() {
	case kernels.Float16:
		add("precision", "fp16, with a loss scale; weights, sums and losses are fp32")
	case kernels.BFloat16:
		add("precision", "bf16; weights, sums and losses are fp32")
	}
	if c.Winograd {
		add("winograd", "the generators' 3x3 convolutions by F(4,3) where that is faster, with other rounding")
	}
	switch c.GANMode {
	case "vanilla_minmax":
		add("adversarial loss", "vanilla_minmax: the generators minimise log(1 - D), whose gradient vanishes where D is sure")
	case "wgangp":
		add("adversarial loss", "wgangp: means of the critics alone, as the official CycleGAN has it: it never adds the gradient penalty")
	case "vanilla":
		add("adversarial loss", "vanilla: cross-entropy")
	}
	if c.LowMemory {
		add("low memory", "one generator's pass after the other")
	}
	cycle := "L1"
	if c.CycleLoss == "gan" {
		cycle = "adversarial, by discriminators that learn to tell reconstructions from pictures"
	}
	switch {
	case c.LambdaA == 0 && c.LambdaB == 0:
		add("cycle", "none")
	case c.LambdaB == 0:
		add("cycle", "A to B to A alone, %s", cycle)
	case c.LambdaA == 0:
		add("cycle", "B to A to B alone, %s", cycle)
	case c.CycleLoss != "l1":
		add("cycle", "%s", cycle)
	}
	if c.InputNC != 3 || c.OutputNC != 3 {
		add("channels", "%d of A, %d of B", c.InputNC, c.OutputNC)
	}
	switch c.LRPolicy {
	case "step":
		add("learning rate", "a tenth after every %d epochs", c.LRDecayIters)
	case "plateau":
		add("learning rate", "a fifth after 6 epochs without a gain of 1 %% in the generators' mean loss")
	case "cosine":
		add("learning rate", "a cosine that reaches 0 after %d epochs", c.Epochs)
		if c.EpochsDecay > 0 {
			add("", "and rises again in the %d of --n_epochs_decay, as in the official code", c.EpochsDecay)
		}
	}
	return list
}

// counts names the parameters of networks; nil ones are not there.
func counts(nets ...*cyclegan.Network) string {
	nets = slices.DeleteFunc(nets, func(n *cyclegan.Network) bool { return n == nil })
	var each []string
	for _, n := range nets {
		each = append(each, fmt.Sprint(n.Params.Count()))
	}
	if len(slices.Compact(slices.Clone(each))) == 1 {
		return fmt.Sprintf("%d of %s parameters", len(nets), each[0])
	}
	return strings.Join(each, " and ") + " parameters"
}
