// Command cyclegan-live shows a camera, a video, a stream or the screen through a generator, in a window and in real time.
//
// It is a program of its own since GLFW, which only this package imports, cannot start where there is no window system. What needs no
// window it shares with `cyclegan live`, in cmd/internal/live.
package main

import (
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cmd/internal/live"
)

// Window systems want the process's first thread for their events.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(app.Run(app.New(&cli.App{
		Name: "cyclegan-live", Usage: live.Usage, Description: live.Description, Writer: os.Stdout, ErrWriter: os.Stderr,
		Flags:  live.Flags(),
		Action: func(c *cli.Context) error { return live.Run(c, show) },
	}), os.Args))
}
