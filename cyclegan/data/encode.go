// Writing pictures so that a reader never meets half of one.

package data

import (
	"bufio"
	"fmt"
	"image/png"
	"io"
	"os"
)

// EncodePNG writes m to path as an 8-bit RGB PNG, whole or not at all.
func EncodePNG(path string, m *Image) error {
	return WriteAtomic(path, func(w io.Writer) error { return png.Encode(w, m.RGBA()) })
}

// WriteAtomic calls write with a temporary file beside path and renames that file to
// path once everything is written. On an error the temporary file is removed and
// whatever was at path stays.
func WriteAtomic(path string, write func(io.Writer) error) (err error) {
	temp := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	f, err := os.Create(temp)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temp)
			err = fmt.Errorf("data: writing %q: %w", path, err)
		}
	}()
	buffered := bufio.NewWriter(f)
	if err = write(buffered); err != nil {
		return err
	}
	if err = buffered.Flush(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
