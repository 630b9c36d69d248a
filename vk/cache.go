// Compiled pipelines, kept between runs: some drivers take a minute to compile what a step needs. A cache must never be a reason to
// fail, nor to believe a damaged file: drivers look at the header of what they are given, and hardly at the rest.

package vk

// #include "native.h"
import "C"

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unsafe"
)

const (
	cacheExtension = ".pipelines"
	cacheMagic     = "cyclevk pipelines 1\n" // then a SHA-256 of identity and data, then the data as the driver gave them
	cacheHeader    = 32                      // bytes of data that hold no pipeline: VkPipelineCacheHeaderVersionOne
	maxCacheBytes  = 64 << 20                // of a file
	maxCacheFiles  = 8                       // of a folder; the ones written last stay
)

// pipelineCache is a VkPipelineCache and the file behind it.
type pipelineCache struct {
	handle   C.uint64_t
	path     string
	identity []byte // what data are good for: device, driver and key
	loaded   int    // bytes of data that it began with
}

// CachePipelines keeps compiled pipelines in a folder: what an earlier run left for this device, its driver and the key, such as a hash
// of the shaders, is used from now on, and Close writes what has been added. Files that are damaged, foreign or not readable are
// ignored and written anew, and a folder that cannot be written is left alone.
func (d *Device) CachePipelines(folder, key string) {
	if d.cache != nil {
		return
	}
	p := &d.in.devices[d.Info.Index]
	c := &pipelineCache{identity: fmt.Appendf(nil, "%q %q %x %x %x %q\n", d.Info.Name, d.Info.Driver, d.Info.VendorID, d.Info.DeviceID, p.cacheUUID, key)}
	c.path = filepath.Join(folder, fmt.Sprintf("%x%s", sha256.Sum256(c.identity), cacheExtension))
	data := c.unseal(readSmall(c.path))
	if !p.ownsCache(data) {
		data = nil
	}
	for _, data := range [][]byte{data, nil} { // without the data where the driver does not like them
		result := C.cv_create_cache(unsafe.Pointer(d.handle), unsafe.Pointer(unsafe.SliceData(data)), C.uint64_t(len(data)), &c.handle)
		if check("vkCreatePipelineCache", int32(result)) == nil {
			c.loaded, d.cache = len(data), c
			return
		}
	}
}

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
func (c *pipelineCache) seal(data []byte) []byte {
	sum := c.sum(data)
	return slices.Concat([]byte(cacheMagic), sum[:], data)
}

// unseal is the data in a file's content; nil where a bit of it is wrong or it is another device's.
func (c *pipelineCache) unseal(raw []byte) []byte {
	rest, ok := bytes.CutPrefix(raw, []byte(cacheMagic))
	if !ok || len(rest) < sha256.Size {
		return nil
	}
	data := rest[sha256.Size:]
	if sum := c.sum(data); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil
	}
	return data
}

func (c *pipelineCache) sum(data []byte) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat(c.identity, data))
}

// ownsCache reports whether the header of cache data names this device.
func (p *physical) ownsCache(data []byte) bool {
	if len(data) < cacheHeader {
		return false
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(data[4*i:]) }
	return word(0) >= cacheHeader && word(1) == 1 && word(2) == p.info.VendorID && word(3) == p.info.DeviceID &&
		bytes.Equal(data[16:cacheHeader], p.cacheUUID[:])
}

// closeCache writes the cache where it has grown, and frees it.
func (d *Device) closeCache() {
	if d.cache == nil {
		return
	}
	d.cache.keep(d.cacheData())
	C.cv_destroy_cache(unsafe.Pointer(d.handle), d.cache.handle)
	d.cache = nil
}

// keep writes data where they are more than was loaded. Drivers that keep pipelines elsewhere, as Mesa does, give a header alone.
func (c *pipelineCache) keep(data []byte) {
	if len(data) > max(c.loaded, cacheHeader) {
		c.write(c.seal(data))
	}
}

// cacheData is what the driver has in the cache; nil where it does not say.
func (d *Device) cacheData() []byte {
	var n C.uint64_t
	if check("vkGetPipelineCacheData", int32(C.cv_cache_data(unsafe.Pointer(d.handle), d.cache.handle, &n, nil))) != nil || n == 0 || n > maxCacheBytes/2 {
		return nil
	}
	data := make([]byte, n)
	if check("vkGetPipelineCacheData", int32(C.cv_cache_data(unsafe.Pointer(d.handle), d.cache.handle, &n, unsafe.Pointer(&data[0])))) != nil {
		return nil
	}
	return data[:n]
}

// write puts content in the place of the file, or leaves everything as it is.
func (c *pipelineCache) write(content []byte) {
	folder := filepath.Dir(c.path)
	if os.MkdirAll(folder, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(folder, "*"+cacheExtension+".tmp")
	if err != nil {
		return
	}
	_, err = f.Write(content)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), c.path) != nil {
		_ = os.Remove(f.Name())
		return
	}
	pruneCache(folder)
}

// pruneCache removes all but the newest files: those of old drivers and old shaders.
func pruneCache(folder string) {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+cacheExtension+"*")) // what a killed process left, too
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
