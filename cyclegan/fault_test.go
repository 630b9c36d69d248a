// Disks that fail: every call of a save is made to fail once. The older checkpoint survives, nothing half written stays, and
// the next save succeeds.

package cyclegan

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cyclevk/cyclegan/atomicfile"
)

// unsynced is the disk without the waiting: no test takes the plug.
type unsynced struct{ atomicfile.FS }

type unsyncedFile struct{ atomicfile.File }

func (d unsynced) Create(path string) (atomicfile.File, error) {
	f, err := d.FS.Create(path)
	return unsyncedFile{f}, err
}

func (unsynced) SyncFolder(string) error { return nil }
func (unsyncedFile) Sync() error         { return nil }

var quick = unsynced{atomicfile.Disk}

// faulty fails the call number `at`, counted from 1, with an error.
type faulty struct {
	atomicfile.FS
	at, calls int
	err       error
	failed    string // the call that did
}

func (d *faulty) call(name string) error {
	if d.calls++; d.calls == d.at {
		d.failed = name
		return d.err
	}
	return nil
}

func (d *faulty) Create(path string) (atomicfile.File, error) {
	if err := d.call("create"); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(path)
	return &faultyFile{f, d}, err
}

func (d *faulty) Open(path string) (io.ReadCloser, error) {
	if err := d.call("open"); err != nil {
		return nil, err
	}
	return d.FS.Open(path)
}

func (d *faulty) Rename(from, to string) error {
	if err := d.call("rename"); err != nil {
		return err
	}
	return d.FS.Rename(from, to)
}

func (d *faulty) Remove(path string) error {
	if err := d.call("remove"); err != nil {
		return err
	}
	return d.FS.Remove(path)
}

func (d *faulty) SyncFolder(path string) error {
	if err := d.call("sync folder"); err != nil {
		return err
	}
	return d.FS.SyncFolder(path)
}

type faultyFile struct {
	atomicfile.File
	disk *faulty
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.disk.call("write"); err != nil {
		n, _ := f.File.Write(b[:len(b)/2]) // as a full disk does
		return n, err
	}
	return f.File.Write(b)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.call("sync"); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) Close() error { return errors.Join(f.disk.call("close"), f.File.Close()) }

func TestFailingDisk(t *testing.T) {
	failed := map[string]int{}
	faults := []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS}
	for at := 1; ; at++ {
		fault := faults[at%len(faults)]
		disk := &faulty{FS: quick, at: at, err: fault}
		r := &RunFolder{Path: t.TempDir(), disk: quick}
		for step := 1; step <= keepLast+2; step++ { // one for which pruning has something to do
			save(t, r, step)
		}
		r.disk = disk
		path, err := r.Save(made(t, 9))
		var pruned error
		if err == nil {
			pruned = r.Prune()
		}
		if disk.failed == "" {
			break // every call had its turn
		}
		failed[disk.failed]++
		what := fmt.Sprintf("call %d, %s, fails with %q", at, disk.failed, fault)
		if !errors.Is(errors.Join(err, pruned), fault) {
			t.Errorf("%s: save %v, prune %v", what, err, pruned)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error does not name the file: %v", what, err)
		}
		c, loadErr := Load(r.Path)
		if loadErr != nil || c.Step < keepLast+2 || !same(c, made(t, c.Step)) {
			t.Fatalf("%s: %v", what, loadErr)
		}
		// The name may be taken when only the folder's sync fails; it is never taken when the file's does.
		if err != nil && disk.failed != "sync folder" && (c.Step == 9 || len(glob(t, r.Path, "*.tmp")) > 0) {
			t.Errorf("%s: newest step %d, left behind: %v", what, c.Step, glob(t, r.Path, "*.tmp"))
		}
		if gone := len(glob(t, r.Path, "*"+Extension)); err != nil && gone < keepLast+2 {
			t.Errorf("%s: %d checkpoints left: pruned after a failed save", what, gone)
		}
		save(t, r, 10)
	}
	for _, call := range []string{"create", "write", "sync", "close", "open", "rename", "sync folder", "remove"} {
		if failed[call] == 0 {
			t.Errorf("no %s was made to fail", call)
		}
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRemovedFolder(t *testing.T) {
	r, err := CreateRun(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	save(t, r, 1)
	if err := os.RemoveAll(r.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save(made(t, 2)); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), r.Path) {
		t.Errorf("got %v", err)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root")
	}
	dir := t.TempDir()
	save(t, &RunFolder{Path: dir}, 1)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenRun(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}

func TestOneTrainerAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	r, err := CreateRun(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateRun(path); !errors.Is(err, errLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second new run: %v", err)
	}
	save(t, r, 1)
	if _, _, err := OpenRun(path); !errors.Is(err, errLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second run that continues: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r, c, err := OpenRun(path)
	if err != nil || c.Step != 1 {
		t.Fatalf("after the first has ended: %v", err)
	}
	r.Close()
}

// fullDisk has less room than it is asked for.
type fullDisk struct {
	atomicfile.FS
	free uint64
}

func (d fullDisk) Free(string) (uint64, error) { return d.free, nil }

func TestCheckSpace(t *testing.T) {
	c := made(t, 1)
	bytes, err := c.Config.CheckpointBytes()
	if err != nil {
		t.Fatal(err)
	}
	c.PoolB = c.PoolA // both full
	path := filepath.Join(t.TempDir(), FileName(1))
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors, _, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}
	data := 0
	for _, x := range tensors {
		data += x.Len()
	}
	if bytes != data || st.Size() < int64(bytes) {
		t.Errorf("%d bytes predicted, %d of data in a file of %d", bytes, data, st.Size())
	}
	r := &RunFolder{Path: "run", disk: fullDisk{atomicfile.Disk, 2*uint64(bytes) - 1}}
	if err := r.CheckSpace(bytes); err == nil || !strings.Contains(err.Error(), `"run"`) {
		t.Errorf("one byte less than twice the file: %v", err)
	}
	r.disk = fullDisk{atomicfile.Disk, 2 * uint64(bytes)}
	if err := r.CheckSpace(bytes); err != nil {
		t.Error(err)
	}
}

// TestLogOnFullDisk: a line that does not fit leaves nothing, and the next one that fits follows the last whole one.
func TestLogOnFullDisk(t *testing.T) {
	r, err := CreateRun(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	metrics := r.metrics.file
	for step := 1; step <= 3; step++ {
		r.metrics.file = metrics
		if step == 2 {
			r.metrics.file = full
		}
		if err := r.Log(Record{Step: step}); (step == 2) != errors.Is(err, syscall.ENOSPC) {
			t.Errorf("step %d: %v", step, err)
		}
	}
	full.Close()
	path := filepath.Join(r.Path, metricsFile)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if size, err := metricsUpTo(path, math.MaxInt, func(int, map[string]float32) {}); err != nil || size != st.Size() || size != r.metrics.size {
		t.Errorf("%d bytes of whole records in a file of %d, %d expected (%v)", size, st.Size(), r.metrics.size, err)
	}
}
