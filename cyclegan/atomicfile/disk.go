// The few calls to the file system on which safety rests, behind an interface, so that tests can make each of them fail and
// replay every state in which a crash may leave the disk.

package atomicfile

import (
	"io"
	"os"
	"runtime"
)

// FS is a file system.
type FS interface {
	Create(path string) (File, error)
	Open(path string) (io.ReadCloser, error)
	Rename(from, to string) error // replaces what is at to
	Remove(path string) error
	SyncFolder(path string) error // makes the names in a folder durable
	Free(folder string) (uint64, error)
}

// File is a file being written.
type File interface {
	io.WriteCloser
	Sync() error // makes the bytes durable
}

// Disk is the operating system's file system.
var Disk FS = disk{}

type disk struct{}

func (disk) Create(path string) (File, error)        { return os.Create(path) }
func (disk) Open(path string) (io.ReadCloser, error) { return os.Open(path) }
func (disk) Rename(from, to string) error            { return os.Rename(from, to) }
func (disk) Remove(path string) error                { return os.Remove(path) }
func (disk) Free(folder string) (uint64, error)      { return free(folder) }

// SyncFolder does nothing on Windows, which has no such call and needs none.
func (disk) SyncFolder(path string) error {
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
