// The command completion: scripts that let a shell ask this program for the names that fit.

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
)

// Each script runs the words typed so far with app.CompletionMark behind them; where nothing comes back, files are offered.
var completionScripts = map[string]string{
	"bash": `_cyclegan() {
  local word=${COMP_WORDS[COMP_CWORD]} words
  words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  if [[ $word == -* ]]; then words+=("$word"); fi
  mapfile -t COMPREPLY < <(compgen -W "$("${words[@]}" ` + app.CompletionMark + ` 2>/dev/null)" -- "$word")
}
complete -o default -F _cyclegan cyclegan
`,
	"zsh": `#compdef cyclegan
_cyclegan() {
  local -a typed found
  typed=("${(@)words[1,CURRENT-1]}")
  if [[ $words[CURRENT] == -* ]]; then typed+=("$words[CURRENT]"); fi
  found=("${(@f)$("${(@)typed}" ` + app.CompletionMark + ` 2>/dev/null)}")
  if [[ -n $found[1] ]]; then compadd -a found; else _files; fi
}
compdef _cyclegan cyclegan
`,
	"fish": `function __cyclegan
  set -l typed (commandline -opc)
  set -l word (commandline -ct)
  if string match -q -- '-*' $word; set -a typed $word; end
  $typed ` + app.CompletionMark + ` 2>/dev/null
end
complete -c cyclegan -a '(__cyclegan)'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName cyclegan -ScriptBlock {
  param($word, $line, $cursor)
  $typed = @($line.CommandElements | ForEach-Object { $_.ToString() })
  if ($word -and -not $word.StartsWith('-')) { $typed = @($typed | Select-Object -SkipLast 1) }
  $program, $rest = $typed
  & $program @rest ` + app.CompletionMark + ` 2>$null | Where-Object { $_ -like "$word*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}

func completionCommand() *cli.Command {
	shells := slices.Sorted(maps.Keys(completionScripts))
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script that completes commands and options in a shell",
		ArgsUsage: "bash|zsh|fish|powershell",
		Description: `Examples:
   eval "$(cyclegan completion bash)"                                      (in ~/.bashrc)
   eval "$(cyclegan completion zsh)"                                       (in ~/.zshrc, after compinit)
   cyclegan completion fish > ~/.config/fish/completions/cyclegan.fish
   cyclegan completion powershell | Out-String | Invoke-Expression        (in $PROFILE)`,
		Action: func(c *cli.Context) error {
			script, ok := completionScripts[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return app.BadInput(fmt.Errorf("shell %q: use one of %v", strings.Join(c.Args().Slice(), " "), shells))
			}
			_, err := fmt.Fprint(c.App.Writer, script)
			return err
		},
		BashComplete: func(c *cli.Context) {
			for _, s := range shells {
				fmt.Fprintln(c.App.Writer, s)
			}
		},
	}
}
