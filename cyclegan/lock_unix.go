//go:build !windows

// The lock on a run folder, which the kernel releases when its process ends in any way.

package cyclegan

import (
	"errors"
	"os"
	"syscall"
)

// openLocked opens a file for one process alone; errLocked where another has it.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, err
	}
	return f, nil
}
