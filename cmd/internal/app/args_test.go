// The command line before it is parsed, of a program with commands and of one without.

package app

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

func TestArguments(t *testing.T) {
	flags := func() []cli.Flag {
		return []cli.Flag{
			&cli.IntFlag{Name: "crop_size"}, &cli.BoolFlag{Name: "no_flip"}, &cli.IntFlag{Name: "n_layers_D"}, &cli.Float64Flag{Name: "lr"},
			&cli.StringFlag{Name: "name"}, &cli.PathFlag{Name: "out"},
		}
	}
	for _, c := range []struct{ in, want []string }{ // of a command
		{[]string{"--crop-size", "64", "--no-flip"}, []string{"--crop_size=64", "--no_flip", "--"}},
		{[]string{"--n-layers-D=2", "-lr", "1e-4"}, []string{"--n_layers_D=2", "--lr=1e-4", "--"}},
		{[]string{"--name", "--a-b_c"}, []string{"--name=--a-b_c", "--"}}, // values stay as they are
		{[]string{"--name=x=y-z"}, []string{"--name=x=y-z", "--"}},
		{[]string{"a-b.png", "--out", "o", "c_d.png"}, []string{"--out=o", "--", "a-b.png", "c_d.png"}},
		{[]string{"--out", "o", "--", "--help", "-x"}, []string{"--out=o", "--", "--help", "-x"}},
		{[]string{"-"}, []string{"--", "-"}},
		{[]string{"-h"}, []string{"--help", "--"}},
		{[]string{"--cr", CompletionMark}, []string{"--cr", CompletionMark}},
	} {
		several := New(&cli.App{Name: "several", Writer: io.Discard, ErrWriter: io.Discard, Commands: []*cli.Command{{Name: "train", Flags: flags()}}})
		checkArguments(t, several, append([]string{"train"}, c.in...), append([]string{"train"}, c.want...))
		checkArguments(t, New(&cli.App{Name: "one", Writer: io.Discard, ErrWriter: io.Discard, Flags: flags()}), c.in, c.want)
	}
	for _, line := range [][]string{{"--version"}, nil} {
		checkArguments(t, New(&cli.App{Name: "several", Writer: io.Discard, Commands: []*cli.Command{{Name: "train"}}}), line, line)
	}
}

func checkArguments(t *testing.T, a *cli.App, in, want []string) {
	t.Helper()
	out, _, err := arguments(a, append([]string{a.Name}, in...))
	if err != nil {
		t.Errorf("%s %q: %v", a.Name, in, err)
		return
	}
	if diff := cmp.Diff(append([]string{a.Name}, want...), out); diff != "" {
		t.Errorf("%s %q (-want +got):\n%s", a.Name, in, diff)
	}
}

// TestRunOfOneAction: a program without commands refuses what one of several refuses, and names itself.
func TestRunOfOneAction(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--seed", "7"}, 0, ""},
		{[]string{"help"}, ExitBadInput, "one: unexpected argument \"help\"; `one --help` shows the usage\n"},
		{[]string{"--seeds", "7"}, ExitBadInput, "one: unknown option --seeds, did you mean --seed?; `one --help` lists all\n"},
		{[]string{"--seed", "many"}, ExitBadInput, "one: invalid value \"many\" for --seed: parse error\n"},
		{[]string{"--seed", "8"}, ExitBadInput, "one: option --name is missing; `one --help` has examples\n"},
		{[]string{"--seed", "9"}, ExitInterrupted, "one: interrupted\n"},
	} {
		var stderr strings.Builder
		one := New(&cli.App{
			Name: "one", Writer: io.Discard, ErrWriter: &stderr, Flags: []cli.Flag{&cli.IntFlag{Name: "seed"}, &cli.StringFlag{Name: "name"}},
			Action: func(c *cli.Context) error {
				switch c.Int("seed") {
				case 8:
					return Required(c, "name")
				case 9:
					return ErrInterrupted
				}
				return nil
			},
		})
		if code := Run(one, append([]string{"one"}, c.args...)); code != c.code || stderr.String() != c.want {
			t.Errorf("%q: exit code %d, %q; want %d, %q", c.args, code, stderr.String(), c.code, c.want)
		}
	}
}
