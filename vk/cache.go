// Compiled pipelines, kept between runs: some drivers take a minute to compile what a step needs. A cache must never be a reason to
// fail, nor to believe a damaged file: drivers look at the header of what they are given, and hardly at the rest.

package vk

// #include "native.h"
import "C"

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unsafe"
)

// cacheHeader is the bytes of a cache's data that hold no pipeline: VkPipelineCacheHeaderVersionOne.
const cacheHeader = 32

// pipelineCache is a VkPipelineCache and the file behind it, with the data as the driver gave them.
type pipelineCache struct {
	sealedFile
	handle C.uint64_t
	loaded int // bytes of data that it began with
}

// CachePipelines keeps compiled pipelines in a folder: what an earlier run left for this device, its driver and the key, such as a hash
// of the shaders, is used from now on, and Close writes what has been added. Files that are damaged, foreign or not readable are
// ignored and written anew, and a folder that cannot be written is left alone.
func (d *Device) CachePipelines(folder, key string) {
	if d.cache != nil {
		return
	}
	p := &d.in.devices[d.Info.Index]
	c := &pipelineCache{sealedFile: d.Info.sealed(folder, ".pipelines", fmt.Sprintf("%x %q", p.cacheUUID, key))}
	data := c.read()
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
		_ = c.write(data) // a cache is no reason to fail
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
