// A crash simulator: the calls of a sequence of saves are recorded, and every state is built in which a loss of power between
// any two of them may leave the disk. From each a checkpoint must be read, and at most the one being written may be lost.
//
// The model of the disk is POSIX's, which promises little: bytes written since a file's last sync may all be there, none, a
// part, or a part and zeros behind it; of the changes of names since the folder's last sync, each may have happened or not,
// whatever became of the others. A rename happens as a whole.

package cyclegan

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cyclevk/cyclegan/atomicfile"
)

// call is one recorded call, by the names of files in the folder.
type call struct {
	kind string // create, write, sync, rename, remove, sync folder; saved marks the end of a save
	name string
	to   string // of a rename
	file int    // of create, write, sync and rename: numbered as they were created
	data []byte
	step int // of saved
}

// recorder passes calls on to the disk and notes them.
type recorder struct {
	atomicfile.FS
	calls  []call
	files  int
	noSync bool // files are not synced: a fault that the simulator must find
}

type recordedFile struct {
	atomicfile.File
	r      *recorder
	number int
}

func (r *recorder) Create(path string) (atomicfile.File, error) {
	f, err := r.FS.Create(path)
	r.files++
	r.calls = append(r.calls, call{kind: "create", name: filepath.Base(path), file: r.files})
	return &recordedFile{f, r, r.files}, err
}

func (r *recorder) Rename(from, to string) error {
	r.calls = append(r.calls, call{kind: "rename", name: filepath.Base(from), to: filepath.Base(to)})
	return r.FS.Rename(from, to)
}

func (r *recorder) Remove(path string) error {
	r.calls = append(r.calls, call{kind: "remove", name: filepath.Base(path)})
	return r.FS.Remove(path)
}

func (r *recorder) SyncFolder(path string) error {
	r.calls = append(r.calls, call{kind: "sync folder"})
	return r.FS.SyncFolder(path)
}

func (f *recordedFile) Write(b []byte) (int, error) {
	f.r.calls = append(f.r.calls, call{kind: "write", file: f.number, data: slices.Clone(b)})
	return f.File.Write(b)
}

func (f *recordedFile) Sync() error {
	if !f.r.noSync {
		f.r.calls = append(f.r.calls, call{kind: "sync", file: f.number})
	}
	return f.File.Sync()
}

// content is a file's bytes: those that are safe, and those written since.
type content struct{ safe, pending []byte }

// crashed is the folder at a crash: names that are safe, and changes since.
type crashed struct {
	names   map[string]int
	changes []call
	files   map[int]*content
	step    int // of the last save that had ended
}

// crash replays the calls before it.
func crash(calls []call) *crashed {
	d := &crashed{names: map[string]int{}, files: map[int]*content{}}
	for _, c := range calls {
		switch c.kind {
		case "create":
			d.files[c.file] = &content{}
			d.changes = append(d.changes, c)
		case "write":
			f := d.files[c.file]
			f.pending = append(f.pending, c.data...)
		case "sync":
			f := d.files[c.file]
			f.safe, f.pending = append(f.safe, f.pending...), nil
		case "rename", "remove":
			d.changes = append(d.changes, c)
		case "sync folder":
			d.names, d.changes = d.after(1<<len(d.changes)-1), nil
		case "saved":
			d.step = c.step
		}
	}
	return d
}

// after is the folder's names where the changes of a set happened. A name stands for what it stood for while running.
func (d *crashed) after(set int) map[string]int {
	running, onDisk := maps.Clone(d.names), maps.Clone(d.names)
	for i, c := range d.changes {
		if c.kind == "rename" {
			c.file = running[c.name]
		}
		c.change(running)
		if set&(1<<i) != 0 {
			c.change(onDisk)
		}
	}
	return onDisk
}

// change applies a call to the names of a folder.
func (c call) change(names map[string]int) {
	switch c.kind {
	case "create":
		names[c.name] = c.file
	case "rename":
		delete(names, c.name)
		names[c.to] = c.file
	case "remove":
		delete(names, c.name)
	}
}

// The fates of bytes that were not synced.
var fates = []func(f *content) []byte{
	func(f *content) []byte { return f.safe },
	func(f *content) []byte { return slices.Concat(f.safe, f.pending) },
	func(f *content) []byte { return slices.Concat(f.safe, f.pending[:len(f.pending)/2]) }, // torn
	func(f *content) []byte {
		half := len(f.pending) / 2
		return slices.Concat(f.safe, f.pending[:half], make([]byte, len(f.pending)-half))
	},
}

// states calls check with a folder for every state of the disk after every number of calls, and returns how many there were.
// The folder holds a state only during the call; step is that of the last save that had ended.
func states(t *testing.T, calls []call, check func(folder string, step int)) int {
	t.Helper()
	folder, seen := t.TempDir(), map[string]bool{}
	for n := range len(calls) + 1 {
		d := crash(calls[:n])
		for set := range 1 << len(d.changes) {
			names := d.after(set)
			for fate, bytes := range fates {
				key := fmt.Sprintln(d.step, fate)
				unsynced := false
				for _, name := range slices.Sorted(maps.Keys(names)) {
					f := d.files[names[name]]
					unsynced = unsynced || len(f.pending) > 0
					key += fmt.Sprintln(name, names[name], len(f.safe), len(f.pending))
				}
				if fate > 0 && !unsynced || seen[key] {
					continue
				}
				seen[key] = true
				for name, file := range names {
					if err := os.WriteFile(filepath.Join(folder, name), bytes(d.files[file]), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				check(folder, d.step)
				for name := range names {
					if err := os.Remove(filepath.Join(folder, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	return len(seen)
}

// lost saves and prunes through a recorder and counts the states from which what had been saved cannot be read.
func lost(t *testing.T, disk *recorder) (bad, all int) {
	t.Helper()
	r := &RunFolder{Path: t.TempDir(), disk: disk}
	const saves = keepLast + 4
	for step := 1; step <= saves; step++ {
		save(t, r, step)
		disk.calls = append(disk.calls, call{kind: "saved", step: step})
		if err := r.Prune(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.ContainsFunc(disk.calls, func(c call) bool { return c.kind == "remove" }) {
		t.Fatal("nothing was pruned")
	}
	all = states(t, disk.calls, func(folder string, step int) {
		c, err := Load(folder)
		if step > 0 && (err != nil || c.Step < step || !same(c, made(t, c.Step))) {
			bad++
		}
	})
	return bad, all
}

func TestEveryCrash(t *testing.T) {
	bad, all := lost(t, &recorder{FS: quick})
	t.Logf("%d states of the disk, %d unreadable or without the last checkpoint saved", all, bad)
	if bad > 0 {
		t.Errorf("%d of %d states lose a checkpoint", bad, all)
	}
	if bad, _ := lost(t, &recorder{FS: quick, noSync: true}); bad == 0 {
		t.Error("the simulator does not notice that files are not synced")
	}
}
