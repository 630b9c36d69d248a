//go:build !windows

// Free space, as POSIX systems tell it.

package atomicfile

import "syscall"

// free is the number of bytes that a user without privileges can still write to the disk of a folder.
func free(folder string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}
