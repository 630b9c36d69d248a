// The command live: the live window, which is a program of its own since only it needs window libraries, and its run without one.

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cmd/internal/live"
)

func liveCommand() *cli.Command {
	return &cli.Command{
		Name:        "live",
		Usage:       live.Usage,
		Description: live.Description,
		Flags:       live.Flags(),
		Action:      func(c *cli.Context) error { return live.Run(c, startWindow) },
	}
}

// startWindow runs the window's program with the same arguments, in the place of this one where the system can do that.
func startWindow(*cli.Context, *live.Options) error {
	program, err := findWindow()
	if err != nil {
		return app.BadInput(err)
	}
	return become(program, os.Args[2:])
}

// findWindow looks for the window's program beside this one, then in PATH.
func findWindow() (string, error) {
	name := "cyclegan-live"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", err
	}
	beside := filepath.Join(filepath.Dir(self), name)
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return beside, nil
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("the window is the program %s, which is neither beside this one nor in PATH: build it with ./build.sh live, or run without one: --headless", name)
	}
	return program, nil
}
