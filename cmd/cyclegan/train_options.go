// The options of the command train, under their official names, and what they say together.

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train a CycleGAN on two folders of pictures, DATAROOT/trainA and DATAROOT/trainB, or on pairs in DATAROOT/train",
		Description: `The run folder CHECKPOINTS_DIR/NAME gets checkpoints (at the start and the end, every --save_latest_freq steps, at the
end of every --save_epoch_freq-th epoch, and when interrupted: Ctrl-C finishes the step and saves; a second one ends at
once), the losses in loss_log.txt and metrics.jsonl, and grids of sample pictures under web/images. The last three
checkpoints are kept, those of --save_epoch_freq, and one over an hour old. Options keep their official names and defaults,
written with _ or with -; the same --seed gives the same bits.

--continue_train goes on from the newest checkpoint that is whole, to the same bits as if the run had not been interrupted.
Networks, losses and the treatment of pictures come from the checkpoint. --n_epochs, --n_epochs_decay and --max_steps may
change, and all that leaves the numbers alone, and --low_memory, which leaves them alone but for rounding; any other value, and other
pictures, are refused. Where the folder holds no
checkpoint but the official latest_net_{G_A,G_B,D_A,D_B}.pth, or those of another --epoch, training starts from those: the
networks are what the weights tell, the optimiser is fresh.

With --dataset_mode aligned each picture in DATAROOT/train holds A in its left half and B in its right one; both are cropped
and flipped alike. With --preprocess scale_width or none training takes the size that the pictures have then, which must be
the same for all.

--low_memory takes a step in a fraction of the device memory, for a tenth more work, to the same gradients but for rounding: one
generator's pass after the other, and the image pools in the computer's memory. profile train --count_only says what a step takes.

Pictures of an epoch that do not fill a last step, of --batch_size times --accumulate, are left out. --max_steps ends a
training early and leaves the learning rate's schedule, which follows the epochs, as it is.

--gan_mode wgangp is what the official CycleGAN makes of it: critic means, to which it never adds the gradient penalty.

--precision fp16 holds what the networks compute, and its gradients, in 16 bits. Losses hand on their gradients times a scale, so that
small ones do not vanish; a step in which they overflow moves no weight and halves the scale. bf16 has the range of fp32 and needs
none, at the price of digits. Sizes of pictures are multiples of 8 then.

--lr_policy plateau follows the generators' mean loss of an epoch, for which the official code puts 0; cosine rises again
after --n_epochs, as there. --precision, --winograd, --tune, --cycle_loss, --accumulate, --low_memory and --gan_mode vanilla_minmax are not official.

Tiles of the convolutions are chosen by a model of the device, so that the first step waits for nothing. --tune measures them before it, as
the command tune does and with what that stores, which takes minutes and changes no bit.

Examples:
   cyclegan train --dataroot datasets/horse2zebra --name horse2zebra
   cyclegan train --dataroot pictures --name small --load_size 143 --crop_size 128 --netG resnet_6blocks --ngf 32
   cyclegan train --dataroot pictures --name quick --max_steps 1000 --device radeon --seed 1
   cyclegan train --dataroot pictures --name eights --batch_size 2 --accumulate 4 --lr_policy cosine --n_epochs_decay 0
   cyclegan train --dataroot datasets/horse2zebra --name half --precision fp16
   cyclegan train --dataroot pictures --name large --load_size 572 --crop_size 512 --low_memory
   cyclegan train --dataroot datasets/facades --name facades --dataset_mode aligned --direction BtoA
   cyclegan train --dataroot datasets/horse2zebra --name horse2zebra --continue_train`,
		Flags:  trainFlags(),
		Action: train,
	}
}

// choice is an option of which only some of the official values are there.
type choice struct {
	name, category string
	values         []string // the default first
	usage          string
}

var trainChoices = []choice{
	{"dataset_mode", "pictures", []string{"unaligned", "aligned"}, "two folders of pictures, or one of pairs side by side"},
	{"direction", "pictures", []string{"AtoB", "BtoA"}, "with BtoA, trainB (or the right half) holds domain A and trainA domain B"},
	{"exif_orientation", "pictures", []string{string(data.Upright), string(data.AsStored)}, "what becomes of the orientation that cameras note; the official code ignores it"},
	{"preprocess", "pictures", []string{"resize_and_crop", "crop", "scale_width", "scale_width_and_crop", "none"}, "how a picture becomes a training picture"},
	{"model", "networks", []string{"cycle_gan"}, "the method"},
	{"netD", "networks", []string{"basic", "n_layers", "pixel"}, "discriminator: basic is n_layers with --n_layers_D 3, pixel judges each pixel alone"},
	{"norm", "networks", []string{cyclegan.NormInstance, cyclegan.NormBatch, cyclegan.NormNone}, "normalisation"},
	{"init_type", "networks", []string{cyclegan.InitNormal, cyclegan.InitXavier, cyclegan.InitKaiming, cyclegan.InitOrthogonal}, "distribution of the first weights"},
	{"upsample", "networks", []string{cyclegan.UpsampleTransposed, cyclegan.UpsampleResize}, "how a resnet generator enlarges: transposed convolutions, as the " +
		"official one does; or nearest neighbours and a convolution, which leaves no checkerboard"},
	{"precision", "networks", []string{"fp32", "fp16", "bf16"}, "numbers between layers; weights, sums and losses are fp32 in any case. fp16 and bf16 take half the memory and give slightly other pictures"},
	{"gan_mode", "losses", []string{"lsgan", "vanilla", "vanilla_minmax", "wgangp"}, "adversarial loss: least squares, cross-entropy, its min-max form, critic means"},
	{"cycle_loss", "losses", []string{"l1", "gan"}, "what judges reconstructions: their distance, or one more discriminator a domain"},
	{"lr_policy", "schedule", []string{"linear", "step", "plateau", "cosine"}, "how the learning rate falls"},
}

func trainFlags() []cli.Flag {
	d := cyclegan.DefaultConfig()
	flags := []cli.Flag{
		&cli.PathFlag{Name: "dataroot", Category: "pictures", Usage: "`FOLDER` that holds trainA and trainB, or train (required)"},
		&cli.IntFlag{Name: "load_size", Category: "pictures", Value: 286, Usage: "scale pictures to this side, or width, in `PIXELS`"},
		&cli.IntFlag{Name: "crop_size", Category: "pictures", Value: d.CropSize, Usage: "side of a training picture in `PIXELS`, a multiple of 4 for resnet generators, of N for unet_N"},
		&cli.IntFlag{Name: "bits", Category: "pictures", Value: d.Bits, Usage: "`BITS` of a sample, 8 or 16: with 16, pictures of 16 bits are trained on as they are"},
		&cli.BoolFlag{Name: "no_flip", Category: "pictures", Usage: "do not mirror pictures at random"},
		&cli.BoolFlag{Name: "serial_batches", Category: "pictures", Usage: "take pictures in order, not at random"},
		&cli.IntFlag{Name: "max_dataset_size", Category: "pictures", Usage: "use at most `NUMBER` pictures of a folder (0: all)"},
		&cli.IntFlag{Name: "num_threads", Category: "pictures", Value: 4, Usage: "`NUMBER` of threads that decode pictures"},

		&cli.StringFlag{Name: "netG", Category: "networks", Value: d.NetG, Usage: "`GENERATOR`: resnet_9blocks, resnet_6blocks or any resnet_Nblocks; unet_256, unet_128 or any unet_N with a power of two from 32"},
		&cli.IntFlag{Name: "input_nc", Category: "networks", Value: d.InputNC, Usage: "`CHANNELS` of domain A: 1 (grey), 3 or 4 (with alpha); other ones than --output_nc need --lambda_identity 0"},
		&cli.IntFlag{Name: "output_nc", Category: "networks", Value: d.OutputNC, Usage: "`CHANNELS` of domain B"},
		&cli.IntFlag{Name: "ngf", Category: "networks", Value: d.NGF, Usage: "`CHANNELS` after a generator's first convolution"},
		&cli.IntFlag{Name: "ndf", Category: "networks", Value: d.NDF, Usage: "`CHANNELS` after a discriminator's first convolution"},
		&cli.IntFlag{Name: "n_layers_D", Category: "networks", Value: d.LayersD, Usage: "`LAYERS` of the discriminator; another number than 3 implies --netD n_layers"},
		&cli.BoolFlag{Name: "no_dropout", Category: "networks", Value: true, Usage: "no dropout in the generators, as is CycleGAN's default; --no_dropout=false drops half of the values in residual blocks or middle levels"},
		&cli.Float64Flag{Name: "init_gain", Category: "networks", Value: d.InitGain, Usage: "`SCALE` of the first weights: of normal the standard deviation, of xavier and orthogonal the gain; kaiming has none"},

		&cli.Float64Flag{Name: "lambda_A", Category: "losses", Value: d.LambdaA, Usage: "`WEIGHT` of the cycle A to B to A (0: none)"},
		&cli.Float64Flag{Name: "lambda_B", Category: "losses", Value: d.LambdaB, Usage: "`WEIGHT` of the cycle B to A to B (0: none)"},
		&cli.Float64Flag{Name: "lambda_identity", Category: "losses", Value: d.LambdaIdentity, Usage: "`WEIGHT` of the identity loss, as a part of the cycle's (0: none)"},
		&cli.IntFlag{Name: "pool_size", Category: "losses", Value: d.PoolSize, Usage: "`NUMBER` of earlier translations that the discriminators see again"},

		&cli.IntFlag{Name: "batch_size", Category: "schedule", Value: d.BatchSize, Usage: "`NUMBER` of pictures of each domain in a batch"},
		&cli.IntFlag{Name: "accumulate", Category: "schedule", Value: d.Accumulate, Usage: "take a step on the mean gradient of so many `BATCHES`, in the memory of one"},
		&cli.BoolFlag{Name: "low_memory", Category: "schedule", Usage: "take steps in less device memory, for a tenth more work"},
		&cli.Float64Flag{Name: "lr", Category: "schedule", Value: d.LR, Usage: "Adam's first learning `RATE`"},
		&cli.Float64Flag{Name: "beta1", Category: "schedule", Value: d.Beta1, Usage: "Adam's `BETA1`"},
		&cli.IntFlag{Name: "n_epochs", Category: "schedule", Value: d.Epochs, Usage: "`EPOCHS` at the first learning rate; with cosine, until it is 0"},
		&cli.IntFlag{Name: "n_epochs_decay", Category: "schedule", Value: d.EpochsDecay, Usage: "`EPOCHS` after them, in which linear lets it fall to zero"},
		&cli.IntFlag{Name: "lr_decay_iters", Category: "schedule", Value: d.LRDecayIters, Usage: "`EPOCHS` after which step lets it fall to a tenth"},
		&cli.IntFlag{Name: "epoch_count", Category: "schedule", Value: d.EpochCount, Usage: "`NUMBER` of the first epoch"},
		&cli.IntFlag{Name: "max_steps", Category: "schedule", Usage: "end after so many `STEPS` (0: after the last epoch)"},
		&cli.Uint64Flag{Name: "seed", Category: "schedule", Usage: "`NUMBER` that decides all random numbers"},

		&cli.StringFlag{Name: "name", Category: "output", Value: "experiment_name", Usage: "`NAME` of the run"},
		&cli.PathFlag{Name: "checkpoints_dir", Category: "output", Value: "./checkpoints", Usage: "`FOLDER` for the folders of runs"},
		&cli.IntFlag{Name: "print_freq", Category: "output", Value: 100, Usage: "log the losses every so many `STEPS`"},
		&cli.IntFlag{Name: "display_freq", Category: "output", Value: 400, Usage: "write a grid of sample pictures every so many `STEPS`"},
		&cli.IntFlag{Name: "save_latest_freq", Category: "output", Value: 5000, Usage: "save every so many `STEPS`"},
		&cli.IntFlag{Name: "save_epoch_freq", Category: "output", Value: 5, Usage: "save every so many `EPOCHS`, and keep these (0: never)"},
		&cli.BoolFlag{Name: "continue_train", Category: "output", Usage: "go on from the newest checkpoint of the run, or from official weights there"},
		&cli.StringFlag{Name: "epoch", Category: "output", Value: cyclegan.Latest, Usage: "`EPOCH` of the official weights that --continue_train takes, a number or latest"},

		winogradFlag("speed"),
		tuneFlag("speed"),
		app.DeviceFlag(),
	}
	for _, c := range trainChoices {
		flags = append(flags, &cli.StringFlag{Name: c.name, Category: c.category, Value: c.values[0], Usage: c.usage + ": `" + strings.Join(c.values, "|") + "`"})
	}
	return flags
}

// trainOptions is what the command line of train says.
type trainOptions struct {
	config         cyclegan.Config
	data           data.Options
	runPath        string // of the run folder
	device         string
	tune           bool
	maxSteps       int // 0: no limit
	printFreq      int // in steps
	displayFreq    int
	saveLatestFreq int
	saveEpochFreq  int // in epochs; 0: never
	effective      []cyclegan.Option
}

// runPath is the run folder that the command line names.
func runPath(c *cli.Context) string {
	return filepath.Join(c.Path("checkpoints_dir"), c.String("name"))
}

// checkName refuses the name of a run that would lead out of the folder of runs.
func checkName(name string) error {
	if !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("--name %q: use a name within --checkpoints_dir", name)
	}
	return nil
}

// readTrainOptions refuses what cannot be used, with the option's name and the cure.
func readTrainOptions(c *cli.Context) (*trainOptions, error) {
	if err := app.Required(c, "dataroot", "name"); err != nil {
		return nil, err
	}
	if err := checkName(c.String("name")); err != nil {
		return nil, app.BadInput(err)
	}
	for _, o := range trainChoices {
		if !slices.Contains(o.values, c.String(o.name)) {
			return nil, app.BadInput(fmt.Errorf("--%s %q: use %s", o.name, c.String(o.name), strings.Join(o.values, ", ")))
		}
	}
	for _, name := range []string{"print_freq", "display_freq", "save_latest_freq"} {
		if c.Int(name) < 1 {
			return nil, app.BadInput(fmt.Errorf("--%s %d: use a number of steps from 1", name, c.Int(name)))
		}
	}
	if c.Int("max_steps") < 0 {
		return nil, app.BadInput(fmt.Errorf("--max_steps %d: use a number of steps, or 0 for no limit", c.Int("max_steps")))
	}
	if c.Int("save_epoch_freq") < 0 {
		return nil, app.BadInput(fmt.Errorf("--save_epoch_freq %d: use a number of epochs, or 0 for never", c.Int("save_epoch_freq")))
	}
	netD, err := discriminator(c)
	if err != nil {
		return nil, app.BadInput(err)
	}

	o := &trainOptions{
		config: cyclegan.Config{
			InputNC: c.Int("input_nc"), OutputNC: c.Int("output_nc"), NetG: c.String("netG"), NGF: c.Int("ngf"), NDF: c.Int("ndf"), NetD: netD, LayersD: c.Int("n_layers_D"),
			Norm: c.String("norm"), NoDropout: c.Bool("no_dropout"), Upsample: c.String("upsample"), InitType: c.String("init_type"),
			InitGain: c.Float64("init_gain"), CropSize: c.Int("crop_size"), Bits: c.Int("bits"), BatchSize: c.Int("batch_size"), Accumulate: c.Int("accumulate"), LowMemory: c.Bool("low_memory"),
			GANMode: c.String("gan_mode"), CycleLoss: c.String("cycle_loss"), LambdaA: c.Float64("lambda_A"), LambdaB: c.Float64("lambda_B"),
			LambdaIdentity: c.Float64("lambda_identity"), LR: c.Float64("lr"), Beta1: c.Float64("beta1"), PoolSize: c.Int("pool_size"),
			LRPolicy: c.String("lr_policy"), LRDecayIters: c.Int("lr_decay_iters"), Epochs: c.Int("n_epochs"), EpochsDecay: c.Int("n_epochs_decay"), EpochCount: c.Int("epoch_count"), Seed: c.Uint64("seed"), Precision: c.String("precision"),
			Winograd: c.Bool("winograd"),
		},
		data: data.Options{
			Mode: c.String("dataset_mode"), Root: c.Path("dataroot"), Phase: "train", Direction: c.String("direction"),
			ChannelsA: c.Int("input_nc"), ChannelsB: c.Int("output_nc"), Bits: c.Int("bits"),
			Orientation: data.Orientation(c.String("exif_orientation")), LoadSize: c.Int("load_size"),
			CropSize: c.Int("crop_size"), Preprocess: c.String("preprocess"), NoFlip: c.Bool("no_flip"),
			SerialBatches: c.Bool("serial_batches"), MaxDatasetSize: c.Int("max_dataset_size"), NumThreads: c.Int("num_threads"),
			Seed: c.Uint64("seed"),
		},
		runPath: runPath(c),
		device:  c.String("device"), tune: c.Bool("tune"), maxSteps: c.Int("max_steps"), printFreq: c.Int("print_freq"), displayFreq: c.Int("display_freq"),
		saveLatestFreq: c.Int("save_latest_freq"), saveEpochFreq: c.Int("save_epoch_freq"),
		effective: effectiveOptions(c),
	}
	if err := o.config.Validate(); err != nil {
		return nil, app.BadInput(err)
	}
	if o.tune {
		if err := checkTuningFolder(); err != nil {
			return nil, err
		}
	}
	if o.lastEpoch() < o.config.EpochCount {
		return nil, app.BadInput(fmt.Errorf("--epoch_count %d: --n_epochs %d and --n_epochs_decay %d leave no such epoch",
			o.config.EpochCount, o.config.Epochs, o.config.EpochsDecay))
	}
	return o, nil
}

// lastEpoch is the number of the last epoch.
func (o *trainOptions) lastEpoch() int { return o.config.Epochs + o.config.EpochsDecay }

// discriminator joins --netD and --n_layers_D.
func discriminator(c *cli.Context) (string, error) {
	const basic = 3
	name, layers := c.String("netD"), c.Int("n_layers_D")
	if name != "basic" || layers == basic {
		return name, nil
	}
	if c.IsSet("netD") {
		return "", fmt.Errorf("--netD basic has %d layers, --n_layers_D %d needs --netD n_layers", basic, layers)
	}
	return "n_layers", nil
}

// effectiveOptions are all options of the command in the order of their names, with their values and defaults.
func effectiveOptions(c *cli.Context) []cyclegan.Option {
	var list []cyclegan.Option
	for _, f := range trainFlags() {
		name := f.Names()[0]
		list = append(list, cyclegan.Option{Name: name, Value: fmt.Sprint(c.Value(name)), Default: defaultValue(f)})
	}
	slices.SortFunc(list, func(a, b cyclegan.Option) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// defaultValue is an option's value where it is not given.
func defaultValue(f cli.Flag) string {
	if b, ok := f.(*cli.BoolFlag); ok {
		return fmt.Sprint(b.Value)
	}
	return f.(cli.DocGenerationFlag).GetValue()
}
