// Finding the pictures of a domain, and judging all of them by their headers before
// training starts.

package data

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// extensions of the files that are taken for pictures, in lower case. The content
// decides the format.
var extensions = []string{".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}

// maxBadPercent is how many unreadable pictures of a folder are skipped and counted;
// with more, something is wrong that training should not hide.
const maxBadPercent = 1

// picture is a file with a readable header.
type picture struct {
	path string
	w, h int // once upright
}

// folder is one folder of pictures.
type folder struct {
	path     string
	pictures []picture
	listed   int      // files found, good or bad
	animated []string // paths of pictures of which only the first frame is used

	mu  sync.Mutex
	bad map[string]error // by path; grows when pixels turn out to be damaged
}

// openFolder lists a folder and reads every header, on as many workers as asked.
func openFolder(path string, o *Options) (*folder, error) {
	paths, err := listPictures(path)
	if err != nil {
		return nil, err
	}
	if limit := o.MaxDatasetSize; limit > 0 && len(paths) > limit {
		paths = paths[:limit]
	}
	heads, errs := make([]header, len(paths)), make([]error, len(paths))
	var next atomic.Int64
	var group sync.WaitGroup
	for range o.NumThreads {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(paths); i = int(next.Add(1)) - 1 {
				heads[i], errs[i] = decodeHeader(paths[i], o.Orientation)
			}
		})
	}
	group.Wait()

	f := &folder{path: path, listed: len(paths), bad: make(map[string]error)}
	var first error
	for i, path := range paths {
		if errs[i] != nil {
			f.bad[path] = errs[i]
			if first == nil {
				first = errs[i]
			}
			continue
		}
		if heads[i].animated {
			f.animated = append(f.animated, path)
		}
		w, h := heads[i].size()
		f.pictures = append(f.pictures, picture{path, w, h})
	}
	return f, f.tolerate(first)
}

// report notes a picture that could not be used, and returns an error once there are
// too many of them.
func (f *folder) report(path string, err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad[path] = err
	return f.tolerate(err)
}

// tolerate returns an error that names one bad picture where there are too many. The
// caller holds mu, or the only reference.
func (f *folder) tolerate(example error) error {
	if !f.tooMany(len(f.bad)) {
		return nil
	}
	return fmt.Errorf("data: folder %q: %d of %d pictures cannot be read, more than %d %%: repair or remove them, the first is %w",
		f.path, len(f.bad), f.listed, maxBadPercent, example)
}

func (f *folder) tooMany(bad int) bool { return bad*100 > f.listed*maxBadPercent }

// skipped returns why each bad picture was left out, ordered by path.
func (f *folder) skipped() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var reasons []error
	for _, path := range slices.Sorted(maps.Keys(f.bad)) {
		reasons = append(reasons, f.bad[path])
	}
	return reasons
}

// listPictures returns the picture files in a folder and its sub-folders, sorted by
// path. Links to folders are followed, each folder once, so that a loop ends. Hidden
// files are no pictures: archives from some systems hold "._x.jpg" beside "x.jpg".
func listPictures(folder string) ([]string, error) {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("data: folder %q does not exist: create it with the pictures of that domain, or correct dataroot", folder)
	case err != nil:
		return nil, fmt.Errorf("data: folder %q cannot be read: %w", folder, err)
	case !info.IsDir():
		return nil, fmt.Errorf("data: %q is not a folder: correct dataroot", folder)
	}
	var paths []string
	seen := make(map[string]bool)
	var walk func(dir string) error
	walk = func(dir string) error {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return fmt.Errorf("data: folder %q cannot be read: %w", dir, err)
		}
		if seen[real] {
			return nil
		}
		seen[real] = true
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("data: folder %q cannot be read: %w", dir, err)
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if isFolder(path, e) {
				if err := walk(path); err != nil {
					return err
				}
			} else if IsPicture(e.Name()) {
				paths = append(paths, path)
			}
		}
		return nil
	}
	if err := walk(folder); err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("data: folder %q holds no pictures (%s): put some there, or correct dataroot",
			folder, strings.Join(extensions, " "))
	}
	slices.Sort(paths)
	return paths, nil
}

// isFolder tells whether a directory entry is a folder or a link to one.
func isFolder(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// IsPicture tells by its name whether a file is taken for a picture.
func IsPicture(name string) bool {
	name = filepath.Base(name)
	return !strings.HasPrefix(name, ".") && slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}
