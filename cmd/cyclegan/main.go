// Command cyclegan trains a CycleGAN on any Vulkan device and translates pictures with it.
//
// This file is the program's frame: the commands, how errors reach the user, and the exit codes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"cyclevk/vk"
)

const version = "0.1.0"

// Exit codes. 1 is any other failure.
const (
	exitBadInput    = 2   // an option, a file or a folder that cannot be used, or no driver
	exitInterrupted = 130 // as shells report SIGINT
)

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) }

// run is the program: it prints at most one line of error and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	args, name, err := arguments(app, args)
	if err == nil {
		err = app.Run(args)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "%s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", "; "))
	return exitCode(err)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:    "cyclegan",
		Usage:   "train a CycleGAN on any Vulkan device, and translate pictures with it",
		Version: version,
		Description: `Two folders of pictures that need not match, such as photographs of horses and of zebras, are enough.
Options keep the names of the official PyTorch implementation, written with _ or with -.

First steps, on drawn pictures whose true translation is known:
   cyclegan synth --out scenes --size 64 --train 200 --test 20
   cyclegan train --dataroot scenes --name scenes --load_size 64 --crop_size 64 --netG resnet_6blocks --ngf 16 --ndf 16 --max_steps 2000
   cyclegan eval --model checkpoints/scenes --dataroot scenes
   cyclegan translate --model checkpoints/scenes --direction AtoB --out dusk scenes/testA`,
		Writer: stdout, ErrWriter: stderr,
		EnableBashCompletion: true,
		ExitErrHandler:       func(*cli.Context, error) {}, // run reports
		Commands: []*cli.Command{
			trainCommand(), translateCommand(), testCommand(), evalCommand(), exportCommand(), inspectCommand(), synthCommand(), benchCommand(),
			profileCommand(), tuneCommand(), selftestCommand(), devicesCommand(), completionCommand(),
		},
	}
	for _, c := range app.Commands {
		if slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == deviceOption }) {
			c.Flags = append(c.Flags, validateFlag())
		}
		c.HideHelpCommand = true // or an operand called "help" would be one
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error {
			return badInput{errors.New(strings.ReplaceAll(err.Error(), "for flag -", "for --"))}
		}
		if c.ArgsUsage == "" {
			c.Before = noOperands
		}
	}
	return app
}

func noOperands(c *cli.Context) error {
	if c.Args().Present() {
		return badInput{fmt.Errorf("unexpected argument %q; `cyclegan %s --help` shows the usage", c.Args().First(), c.Command.Name)}
	}
	return nil
}

// required refuses a command line that lacks one of its options, or leaves it empty.
func required(c *cli.Context, options ...string) error {
	for _, o := range options {
		if c.String(o) == "" {
			return badInput{fmt.Errorf("option --%s is missing; `cyclegan %s --help` has examples", o, c.Command.Name)}
		}
	}
	return nil
}

// badInput marks an error that lies in what the user gave.
type badInput struct{ error }

func (b badInput) Unwrap() error { return b.error }

// asBadInput marks err; nil stays nil.
func asBadInput(err error) error {
	if err == nil {
		return nil
	}
	return badInput{err}
}

// errInterrupted ends a command that SIGINT or SIGTERM stopped.
var errInterrupted = errors.New("interrupted")

func exitCode(err error) int {
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &badInput{}), errors.Is(err, vk.ErrNoDriver), errors.Is(err, vk.ErrNoDevice), errors.Is(err, vk.ErrNoLayers):
		return exitBadInput
	}
	return 1
}

// interruptible returns a context that the first SIGINT or SIGTERM cancels; the second ends the program at once.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
