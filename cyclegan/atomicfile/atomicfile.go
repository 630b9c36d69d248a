// Package atomicfile writes files that are whole or not there at all.
package atomicfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// ErrReadBack is wrapped by the error about a file that the disk gives back other than it was written.
var ErrReadBack = errors.New("what was written reads back differently: the disk or its driver is damaged, use another one")

// Write calls write with a temporary file beside path and renames that file to path once everything is written. On an error
// the temporary file is removed and whatever was at path stays. The error names path.
func Write(path string, write func(io.Writer) error) error {
	temp, err := stage(Disk, path, write, nil)
	if err == nil {
		err = Disk.Rename(temp, path)
	}
	return named(Disk, path, temp, err)
}

// WriteDurable is Write for what must survive a loss of power: the bytes are on the disk, and were read back, before the file
// takes its name, and the name is on the disk when WriteDurable returns. A failed sync is never tried again on the same file:
// the system may have dropped the bytes that it could not write and report success the second time.
func WriteDurable(disk FS, path string, write func(io.Writer) error) error {
	sum := sha256.New()
	temp, err := stage(disk, path, write, sum)
	if err == nil {
		err = readBack(disk, temp, sum.Sum(nil))
	}
	if err == nil {
		err = disk.Rename(temp, path)
	}
	if err = named(disk, path, temp, err); err != nil {
		return err
	}
	if err = disk.SyncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// TempPattern matches the temporary files of Write and WriteDurable for paths that match a pattern: what a killed process
// leaves behind.
func TempPattern(pattern string) string { return pattern + ".*.tmp" }

// stage writes the temporary file. With a sum, which takes in every byte, the file is synced too.
func stage(disk FS, path string, write func(io.Writer) error, sum hash.Hash) (temp string, err error) {
	temp = fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	f, err := disk.Create(temp)
	if err != nil {
		return temp, err
	}
	var w io.Writer = f
	if sum != nil {
		w = io.MultiWriter(f, sum)
	}
	buffered := bufio.NewWriter(w)
	if err = write(buffered); err == nil {
		err = buffered.Flush()
	}
	if err == nil && sum != nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return temp, err
}

// readBack compares a file with the sum of what was written to it.
func readBack(disk FS, path string, want []byte) error {
	f, err := disk.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return ErrReadBack
	}
	return nil
}

// named removes the temporary file of a failed write and says which file was not written.
func named(disk FS, path, temp string, err error) error {
	if err == nil {
		return nil
	}
	_ = disk.Remove(temp) // the error at hand says more
	return fmt.Errorf("write %s: %w", path, err)
}
