// Package atomicfile writes files that are whole or not there at all.
package atomicfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// ErrReadBack is wrapped by the error about a file that the disk gives back other than it was written.
var ErrReadBack = errors.New("what was written reads back differently: the disk or its driver is damaged, use another one")

// Write calls write with a temporary file beside path and renames that file to path once everything is written. On an error
// the temporary file is removed and whatever was at path stays. The error names path.
func Write(path string, write func(io.Writer) error) error {
	temp, err := stage(Disk, path, write, false)
	if err == nil {
		err = Disk.Rename(temp, path)
	}
	return named(Disk, path, temp, err)
}

// WriteDurable is Write for what must survive a loss of power: the bytes are on the disk, and were read back, before the file
// takes its name, and the name is on the disk when WriteDurable returns. write is called a second time for the comparison, and
// must write the same. A failed sync is never tried again on the same file: the system may have dropped the bytes that it could
// not write and report success the second time.
func WriteDurable(disk FS, path string, write func(io.Writer) error) error {
	temp, err := stage(disk, path, write, true)
	if err == nil {
		err = readBack(disk, temp, write)
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

// stage writes the temporary file, to the disk itself where sync is set.
func stage(disk FS, path string, write func(io.Writer) error, sync bool) (temp string, err error) {
	temp = fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	f, err := disk.Create(temp)
	if err != nil {
		return temp, err
	}
	buffered := bufio.NewWriter(f)
	if err = write(buffered); err == nil {
		err = buffered.Flush()
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return temp, err
}

// readBack compares a file with what write writes.
func readBack(disk FS, path string, write func(io.Writer) error) error {
	f, err := disk.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c := &comparison{file: f, part: make([]byte, 1<<18)}
	if err := write(c); err != nil {
		return err
	}
	switch n, err := io.ReadFull(f, c.part[:1]); {
	case n > 0:
		return ErrReadBack
	case err != io.EOF:
		return err
	}
	return nil
}

// comparison takes what should be in a file, and fails where it is not.
type comparison struct {
	file io.Reader
	part []byte
}

func (c *comparison) Write(b []byte) (int, error) {
	for part := range slices.Chunk(b, len(c.part)) {
		n, err := io.ReadFull(c.file, c.part[:len(part)])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return 0, err
		}
		if !bytes.Equal(c.part[:n], part) {
			return 0, ErrReadBack
		}
	}
	return len(b), nil
}

// named removes the temporary file of a failed write and says which file was not written.
func named(disk FS, path, temp string, err error) error {
	if err == nil {
		return nil
	}
	_ = disk.Remove(temp) // the error at hand says more
	return fmt.Errorf("write %s: %w", path, err)
}
