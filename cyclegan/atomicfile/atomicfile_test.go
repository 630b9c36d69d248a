// A failed write leaves what was there, and nothing else.

package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	durable := func(path string, write func(io.Writer) error) error { return WriteDurable(Disk, path, write) }
	for _, f := range []func(string, func(io.Writer) error) error{Write, durable} {
		for _, text := range []string{"first", "second, longer", ""} {
			if err := f(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("the file is %q, %v; want %q", got, err, text)
			}
		}
	}
}

func TestKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := WriteDurable(Disk, path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half of the new"); err != nil {
			return err
		}
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("the file is now %q, %v", got, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

// damagedDisk drops the last byte of every write, and says nothing.
type damagedDisk struct{ FS }

type damagedFile struct{ File }

func (d damagedDisk) Create(path string) (File, error) {
	f, err := d.FS.Create(path)
	return damagedFile{f}, err
}

func (f damagedFile) Write(b []byte) (int, error) {
	_, err := f.File.Write(b[:len(b)-1])
	return len(b), err
}

func TestReadsBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	err := WriteDurable(damagedDisk{Disk}, path, func(w io.Writer) error { _, err := io.WriteString(w, "text"); return err })
	if !errors.Is(err, ErrReadBack) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestFree(t *testing.T) {
	dir := t.TempDir()
	if free, err := Disk.Free(dir); err != nil || free == 0 {
		t.Errorf("%d bytes free, %v", free, err)
	}
	if _, err := Disk.Free(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there has free space")
	}
}
