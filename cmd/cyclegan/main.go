// Command cyclegan trains a CycleGAN on any Vulkan device and translates pictures with it.
//
// This file is the program's frame: the commands, how errors reach the user, and the exit codes.
package main

import (
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
)

func main() { os.Exit(app.Run(newApp(os.Stdout, os.Stderr), os.Args)) }

func newApp(stdout, stderr io.Writer) *cli.App {
	return app.New(&cli.App{
		Name:  "cyclegan",
		Usage: "train a CycleGAN on any Vulkan device, and translate pictures with it",
		Description: `Two folders of pictures that need not match, such as photographs of horses and of zebras, are enough.
Options keep the names of the official PyTorch implementation, written with _ or with -.

First steps, on drawn pictures whose true translation is known:
   cyclegan synth --out scenes --size 64 --train 200 --test 20
   cyclegan train --dataroot scenes --name scenes --load_size 64 --crop_size 64 --netG resnet_6blocks --ngf 16 --ndf 16 --max_steps 2000
   cyclegan eval --model checkpoints/scenes --dataroot scenes
   cyclegan translate --model checkpoints/scenes --direction AtoB --out dusk scenes/testA`,
		Writer: stdout, ErrWriter: stderr,
		Commands: []*cli.Command{
			trainCommand(), translateCommand(), liveCommand(), testCommand(), evalCommand(), exportCommand(), inspectCommand(), synthCommand(), benchCommand(),
			profileCommand(), tuneCommand(), selftestCommand(), devicesCommand(), completionCommand(),
		},
	})
}
