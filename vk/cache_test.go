// The pipeline cache: what was written is read, by the same device alone, and no damage to its files is ever noticed. The drivers of
// Debian give caches without content, so that files of a made-up content are written here.

package vk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// madeUp is cache data as this device's driver could give them.
func madeUp(d *Device, bytes int) []byte {
	p := &d.in.devices[d.Info.Index]
	data := toBytes([]uint32{cacheHeader, 1, p.info.VendorID, p.info.DeviceID})
	data = append(data, p.cacheUUID[:]...)
	for len(data) < bytes {
		data = append(data, byte(len(data)))
	}
	return data
}

// loads opens the cache in a folder, uses it, and returns how many bytes it began with and its path.
func loads(t *testing.T, dev *Device, folder, key string) (int, string) {
	t.Helper()
	dev.CachePipelines(folder, key)
	if dev.cache == nil {
		t.Fatal("no cache")
	}
	c := *dev.cache
	dev.closeCache()
	return c.loaded, c.path
}

func TestPipelineCache(t *testing.T) {
	dev, folder := open(t), filepath.Join(t.TempDir(), "new", "folder")
	dev.CachePipelines(folder, "key")
	c := dev.cache
	dev.CachePipelines(folder, "another") // the first counts
	if dev.cache != c {
		t.Error("two caches")
	}
	p := newOps(t, dev.NewProgram("cached"))
	out := p.Host("out", 256)
	p.fill(out.All(), 7)
	must(t, p.Build())
	must(t, p.Run())
	m := model{}
	m.fill(out.All(), 7)
	if got := toWords(p.Slot(0).Bytes(out)); !slices.Equal(got, m[out]) {
		t.Error("a cached pipeline computes something else")
	}
	p.Free()

	c.keep(madeUp(dev, cacheHeader))
	if _, err := os.Stat(folder); err == nil {
		t.Error("a header alone was written")
	}
	c.keep(madeUp(dev, 300))
	dev.closeCache()
	if n, path := loads(t, dev, folder, "key"); n != 300 || path != c.path {
		t.Errorf("%d bytes of %s were loaded, want 300 of %s", n, path, c.path)
	}
	if n, path := loads(t, dev, folder, "other shaders"); n != 0 || path == c.path {
		t.Errorf("with another key %d bytes of %s were loaded", n, path)
	}
	content, err := os.ReadFile(c.path)
	must(t, err)
	c.loaded = 300
	c.keep(append(madeUp(dev, 299), 9))
	if same, err := os.ReadFile(c.path); err != nil || !bytes.Equal(same, content) {
		t.Error("a cache that did not grow was written")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

func TestDamagedPipelineCache(t *testing.T) {
	dev, folder := open(t), t.TempDir()
	_, path := loads(t, dev, folder, "key")
	dev.CachePipelines(folder, "key")
	c := dev.cache
	defer dev.closeCache()
	good := c.seal(madeUp(dev, 300))
	is := func(what string, want int) {
		t.Helper()
		other := *dev
		other.cache, other.pipelines = nil, nil
		if n, _ := loads(t, &other, folder, "key"); n != want {
			t.Errorf("%s: %d bytes were loaded, want %d", what, n, want)
		}
	}
	put := func(content []byte) { must(t, os.WriteFile(path, content, 0o600)) }
	put(good)
	is("undamaged", 300)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		put(bad)
		is(fmt.Sprintf("byte %d changed", i), 0)
		put(good[:i])
		is(fmt.Sprintf("cut to %d bytes", i), 0)
	}
	put(append(bytes.Clone(good), 0))
	is("a byte too many", 0)
	for i := 4; i < cacheHeader; i++ { // of another device or driver; the first word may be any from 32 on
		data := madeUp(dev, 300)
		data[i] ^= 0x80
		put(c.seal(data))
		is(fmt.Sprintf("header byte %d changed, and sealed", i), 0)
	}
	put(c.seal(madeUp(dev, 300)[:20]))
	is("a short header, sealed", 0)
	must(t, os.Truncate(path, maxCacheBytes+1))
	is("too large", 0)

	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o755))
	is("a folder in its place", 0)
	c.keep(madeUp(dev, 400)) // cannot replace it
	must(t, os.Remove(path))
	must(t, os.Symlink(path, path))
	is("a link to itself", 0)
	c.keep(madeUp(dev, 400))
	is("the link replaced", 400)
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

func TestPipelineCacheStaysSmall(t *testing.T) {
	dev, folder := open(t), t.TempDir()
	for i := range maxCacheFiles + 3 {
		dev.CachePipelines(folder, fmt.Sprint("key ", i))
		dev.cache.keep(madeUp(dev, 100))
		old := time.Now().Add(time.Duration(i-100) * time.Hour)
		must(t, os.Chtimes(dev.cache.path, old, old))
		dev.closeCache()
	}
	must(t, os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o600)) // not ours
	pruneCache(folder, ".pipelines")
	for i := range maxCacheFiles + 3 {
		n, _ := loads(t, dev, folder, fmt.Sprint("key ", i))
		if want := map[bool]int{false: 0, true: 100}[i >= 3]; n != want {
			t.Errorf("file %d of %d: %d bytes are there, want %d", i, maxCacheFiles+3, n, want)
		}
	}
	if entries, _ := os.ReadDir(folder); len(entries) != maxCacheFiles+1 {
		t.Errorf("%d files", len(entries))
	}
}

// TestFailingPipelineCache: a driver or a folder that refuses costs the cache and nothing else.
func TestFailingPipelineCache(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // reports what a call made that was made to look as if it had failed
	}
	dev := open(t)
	restore := Inject(func(call string, result int32) int32 {
		if call == "vkCreatePipelineCache" {
			return OutOfDeviceMemory
		}
		return result
	})
	dev.CachePipelines(t.TempDir(), "key")
	restore()
	if dev.cache != nil {
		t.Error("a cache that the driver refused")
	}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, folder := range []string{filepath.Join(file, "folder"), "nul\x00"} {
		dev.CachePipelines(folder, "key")
		dev.cache.keep(madeUp(dev, 100))
		dev.closeCache()
	}
	defer Inject(func(call string, result int32) int32 {
		if call == "vkGetPipelineCacheData" {
			return DeviceLost
		}
		return result
	})()
	loads(t, dev, t.TempDir(), "key")
}
