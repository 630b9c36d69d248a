// Files in the user's cache folder that are good for one device with one driver alone: compiled pipelines, and what was measured.
// They must never be a reason to fail: what is damaged, foreign or not readable is as good as not there.

package vk

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	sealMagic     = "cyclevk cache 1\n" // then a SHA-256 of identity and data, then the data
	maxCacheBytes = 64 << 20            // of a file
	maxCacheFiles = 8                   // of an extension in a folder; the ones written last stay
)

// sealedFile is the place of such a file.
type sealedFile struct {
	path     string
	identity []byte // what its data are good for
}

// sealed is the file for the device and a key in a folder.
func (i DeviceInfo) sealed(folder, extension, key string) sealedFile {
	identity := fmt.Appendf(nil, "%q %q %x %x %q %q\n", i.Name, i.Driver, i.VendorID, i.DeviceID, extension, key)
	return sealedFile{filepath.Join(folder, fmt.Sprintf("%x%s", sha256.Sum256(identity), extension)), identity}
}

// read is the data; nil where there are none.
func (s sealedFile) read() []byte { return s.unseal(readSmall(s.path)) }

// readSmall reads a regular file of at most maxCacheBytes; nil for anything else.
func readSmall(path string) []byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxCacheBytes+1))
	if err != nil || len(raw) > maxCacheBytes {
		return nil
	}
	return raw
}

// seal is the content of a file with data.
func (s sealedFile) seal(data []byte) []byte {
	sum := s.sum(data)
	return slices.Concat([]byte(sealMagic), sum[:], data)
}

// unseal is the data in a file's content; nil where a bit of it is wrong or it is another device's.
func (s sealedFile) unseal(raw []byte) []byte {
	rest, ok := bytes.CutPrefix(raw, []byte(sealMagic))
	if !ok || len(rest) < sha256.Size {
		return nil
	}
	data := rest[sha256.Size:]
	if sum := s.sum(data); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil
	}
	return data
}

func (s sealedFile) sum(data []byte) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat(s.identity, data))
}

// write puts data in the place of the file, or leaves everything as it is.
func (s sealedFile) write(data []byte) error {
	folder, extension := filepath.Dir(s.path), filepath.Ext(s.path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, "*"+extension+".tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(s.seal(data))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	pruneCache(folder, extension)
	return nil
}

// pruneCache removes all but the newest files: those of old drivers and old shaders.
func pruneCache(folder, extension string) {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+extension+"*")) // what a killed process left, too
	if err != nil || len(paths) <= maxCacheFiles {
		return
	}
	age := map[string]fs.FileInfo{}
	paths = slices.DeleteFunc(paths, func(p string) bool {
		age[p], err = os.Lstat(p)
		return err != nil
	})
	slices.SortFunc(paths, func(a, b string) int { return age[b].ModTime().Compare(age[a].ModTime()) })
	for _, p := range paths[min(maxCacheFiles, len(paths)):] {
		_ = os.Remove(p)
	}
}
