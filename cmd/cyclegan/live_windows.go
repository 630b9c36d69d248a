// Starting the window's program on Windows, as a child, whose exit code becomes this program's. Ctrl-C reaches both: the child
// ends, and this program waits for it.

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
)

func become(program string, args []string) error {
	signal.Ignore(os.Interrupt)
	child := exec.Command(program, args...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := child.Run()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) {
		os.Exit(exit.ExitCode()) // it has said why
	}
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
