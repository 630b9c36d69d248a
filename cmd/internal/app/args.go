// The command line before it is parsed: official names in either spelling, options in any place, and no unknown ones.

package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// CompletionMark is what the parser takes as the last argument from a shell that asks for completions.
const CompletionMark = "--generate-bash-completion"

// arguments brings a command line into the form that the parser takes: option names with _ as they are declared, and options
// before operands. It refuses unknown commands and options, with the nearest name. The name is that of the command, for
// messages.
func arguments(a *cli.App, args []string) (out []string, name string, err error) {
	name = a.Name
	a.Setup()
	if len(args) < 2 || args[len(args)-1] == CompletionMark {
		return args, name, nil
	}
	flags, before := a.Flags, args[:1]
	if len(a.Commands) > 0 {
		if first := args[1]; strings.HasPrefix(first, "-") {
			_, err := findOption(flags, name, first)
			return args, name, err
		}
		cmd := a.Command(args[1])
		if cmd == nil {
			return nil, name, BadInput(fmt.Errorf("unknown command %q%s; `%s --help` lists them", args[1], Nearest(args[1], commandNames(a)), name))
		}
		flags, before = append(slices.Clone(cmd.Flags), cli.HelpFlag), args[:2]
		name += " " + cmd.Name
	}
	options, operands, err := split(flags, name, args[len(before):])
	if err != nil {
		return nil, name, err
	}
	return slices.Concat(before, options, []string{"--"}, operands), name, nil
}

// split sorts the arguments of a command.
func split(flags []cli.Flag, name string, args []string) (options, operands []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return options, append(operands, args[i+1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			operands = append(operands, arg)
			continue
		}
		option, err := findOption(flags, name, arg)
		if err != nil {
			return nil, nil, err
		}
		_, value, given := strings.Cut(arg, "=")
		if takesValue(option) && !given {
			if i++; i == len(args) {
				return nil, nil, BadInput(fmt.Errorf("option %s needs a value", arg))
			}
			value, given = args[i], true
		}
		arg = "--" + option.Names()[0]
		if given {
			arg += "=" + value
		}
		options = append(options, arg)
	}
	return options, operands, nil
}

// findOption is the option that an argument such as "--crop-size=64" names.
func findOption(flags []cli.Flag, command, arg string) (cli.Flag, error) {
	written, _, _ := strings.Cut(arg, "=")
	name := strings.ReplaceAll(strings.TrimLeft(written, "-"), "-", "_")
	var names []string
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f, nil
		}
		names = append(names, "--"+f.Names()[0])
	}
	return nil, BadInput(fmt.Errorf("unknown option %s%s; `%s --help` lists all", written, Nearest("--"+name, names), command))
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func commandNames(a *cli.App) (names []string) {
	for _, c := range a.Commands {
		names = append(names, c.Name)
	}
	return names
}

// Nearest is a hint at the name that was probably meant: at most a quarter of it mistyped.
func Nearest(name string, names []string) string {
	distance := func(candidate string) int { return smetrics.WagnerFischer(name, candidate, 1, 1, 1) }
	best := slices.MinFunc(names, func(a, b string) int { return distance(a) - distance(b) })
	if distance(best) > 1+len(name)/4 {
		return ""
	}
	return fmt.Sprintf(", did you mean %s?", best)
}
