// Package atomicfile writes files that are whole or not there at all.
package atomicfile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Write calls write with a temporary file beside path and renames that file to path once everything is written. On an error
// the temporary file is removed and whatever was at path stays. The error names path.
func Write(path string, write func(io.Writer) error) error {
	return replace(path, write, false)
}

// WriteDurable is Write for what must survive a loss of power: the bytes are on the disk before the file takes its name, and
// the name is when WriteDurable returns.
func WriteDurable(path string, write func(io.Writer) error) error {
	return replace(path, write, true)
}

func replace(path string, write func(io.Writer) error, durable bool) (err error) {
	temp := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	f, err := os.Create(temp)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(temp)
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	buffered := bufio.NewWriter(f)
	if err = write(buffered); err != nil {
		return err
	}
	if err = buffered.Flush(); err != nil {
		return err
	}
	if durable {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(temp, path); err != nil || !durable {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename in a folder durable. Windows has no such call and needs none.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
