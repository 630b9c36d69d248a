// Package app is the frame that the programs share: how a command line is read, how errors reach the user, the exit codes, and
// how a device and a model are opened.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"cyclevk/vk"
)

// Version is that of all programs.
const Version = "0.1.0"

// Exit codes. 1 is any other failure.
const (
	ExitBadInput    = 2   // an option, a file or a folder that cannot be used, no driver, or pictures too large for the device
	ExitInterrupted = 130 // as shells report SIGINT
)

// Run is a program that New made: it prints at most one line of error and returns the exit code.
func Run(a *cli.App, args []string) int {
	args, name, err := arguments(a, args)
	if err == nil {
		err = a.Run(args)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(a.ErrWriter, "%s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", "; "))
	return ExitCode(err)
}

// New gives a program, of commands or of one action, what all have.
func New(a *cli.App) *cli.App {
	a.Version = Version
	a.EnableBashCompletion = true
	a.DisableSliceFlagSeparator = true              // a path may hold a comma
	a.ExitErrHandler = func(*cli.Context, error) {} // Run reports
	a.OnUsageError = usageError
	if a.Flags = withValidate(a.Flags); len(a.Commands) == 0 {
		a.HideHelpCommand = true // or an operand called "help" would be one
		if a.ArgsUsage == "" {
			a.ArgsUsage, a.Before = " ", noOperands
		}
	}
	for _, c := range a.Commands {
		c.Flags = withValidate(c.Flags)
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		if c.ArgsUsage == "" {
			c.Before = noOperands
		}
	}
	return a
}

// withValidate adds --validate to --device.
func withValidate(flags []cli.Flag) []cli.Flag {
	if slices.ContainsFunc(flags, func(f cli.Flag) bool { return f.Names()[0] == deviceOption }) {
		return append(flags, validateFlag())
	}
	return flags
}

func usageError(_ *cli.Context, err error, _ bool) error {
	return BadInput(errors.New(strings.ReplaceAll(err.Error(), "for flag -", "for --")))
}

// Name is what messages call the command that runs: that of the program, with that of its command where it has several.
func Name(c *cli.Context) string {
	if len(c.App.Commands) == 0 {
		return c.App.Name
	}
	return c.App.Name + " " + c.Command.Name
}

// Say prints a line about the command that runs, which goes on.
func Say(c *cli.Context, format string, args ...any) {
	fmt.Fprintf(c.App.ErrWriter, "%s: %s\n", Name(c), fmt.Sprintf(format, args...))
}

func noOperands(c *cli.Context) error {
	if c.Args().Present() {
		return BadInput(fmt.Errorf("unexpected argument %q; `%s --help` shows the usage", c.Args().First(), Name(c)))
	}
	return nil
}

// Required refuses a command line that lacks one of its options, or leaves it empty.
func Required(c *cli.Context, options ...string) error {
	for _, o := range options {
		if c.String(o) == "" {
			return BadInput(fmt.Errorf("option --%s is missing; `%s --help` has examples", o, Name(c)))
		}
	}
	return nil
}

// badInput marks an error that lies in what the user gave.
type badInput struct{ error }

func (b badInput) Unwrap() error { return b.error }

// BadInput marks an error that lies in what the user gave; nil stays nil.
func BadInput(err error) error {
	if err == nil {
		return nil
	}
	return badInput{err}
}

// IsBadInput tells whether an error is marked so.
func IsBadInput(err error) bool { return errors.As(err, &badInput{}) }

// ErrInterrupted ends a command that SIGINT or SIGTERM stopped.
var ErrInterrupted = errors.New("interrupted")

// ExitCode is the one for an error.
func ExitCode(err error) int {
	switch {
	case errors.Is(err, ErrInterrupted):
		return ExitInterrupted
	case IsBadInput(err), errors.Is(err, vk.ErrTooLarge), errors.Is(err, vk.ErrNoDriver), errors.Is(err, vk.ErrNoDevice), errors.Is(err, vk.ErrNoLayers):
		return ExitBadInput
	}
	return 1
}

// Interruptible returns a context that the first SIGINT, SIGTERM or, where nohup does not want it ignored, SIGHUP cancels; the second
// ends the program at once.
func Interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(parent, signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
