// A failed write leaves what was there, and nothing else.

package atomicfile

import (
	"bytes"
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

// damagedDisk changes what is written, and says nothing.
type damagedDisk struct {
	FS
	damage func([]byte) []byte
}

type damagedFile struct {
	File
	damage func([]byte) []byte
}

func (d damagedDisk) Create(path string) (File, error) {
	f, err := d.FS.Create(path)
	return damagedFile{f, d.damage}, err
}

func (f damagedFile) Write(b []byte) (int, error) {
	_, err := f.File.Write(f.damage(bytes.Clone(b)))
	return len(b), err
}

func TestReadsBack(t *testing.T) {
	text := strings.Repeat("text", 1<<17) // more than is compared at once
	write := func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	for name, damage := range map[string]func(b []byte) []byte{
		"a byte too few":  func(b []byte) []byte { return b[:len(b)-1] },
		"a byte too many": func(b []byte) []byte { return append(b, 0) },
		"a bit":           func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"all":             func([]byte) []byte { return nil },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		if err := WriteDurable(damagedDisk{Disk, damage}, path, write); !errors.Is(err, ErrReadBack) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v", name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: left behind: %v %v", name, entries, err)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteDurable(damagedDisk{Disk, func(b []byte) []byte { return b }}, path, write); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("%d bytes were written, %v", len(got), err)
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
