// The lock on a run folder, which Windows releases when its process ends in any way: a file that nobody else may open.

package cyclegan

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// openLocked opens a file for one process alone; errLocked where another has it.
func openLocked(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const shared = 0
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, shared, nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}
