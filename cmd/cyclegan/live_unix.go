// Starting the window's program where a process can become another: signals, terminal and exit code are then its own.

//go:build !windows

package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
)

func become(program string, args []string) error {
	err := syscall.Exec(program, slices.Concat([]string{program}, args), os.Environ())
	return fmt.Errorf("%s: %w", program, err)
}
