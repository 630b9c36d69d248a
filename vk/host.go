// Host-visible memory: mapped buffers, and the staging buffer that carries data to and from device memory.

package vk

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// hostBuffer is host-visible, coherent and mapped for its whole life.
type hostBuffer struct {
	buffer vulkan.Buffer
	memory vulkan.DeviceMemory
	bytes  []byte
}

// newHost makes a zeroed host buffer; one that the host reads prefers cached memory.
func (d *Device) newHost(size int, read bool) (*hostBuffer, error) {
	want := vulkan.MemoryPropertyHostVisibleBit | vulkan.MemoryPropertyHostCoherentBit
	var prefer vulkan.MemoryPropertyFlagBits
	if read {
		prefer = vulkan.MemoryPropertyHostCachedBit
	}
	buffer, memory, err := d.newBuffer(size, want, prefer)
	if err != nil {
		return nil, err
	}
	var p unsafe.Pointer
	if err := check("vkMapMemory", vulkan.MapMemory(d.handle, memory, 0, vulkan.DeviceSize(size), 0, &p)); err != nil {
		d.freeBuffer(buffer, memory)
		return nil, err
	}
	h := &hostBuffer{buffer: buffer, memory: memory, bytes: unsafe.Slice((*byte)(p), size)}
	clear(h.bytes)
	return h, nil
}

func (d *Device) freeHost(h *hostBuffer) {
	if h != nil {
		d.freeBuffer(h.buffer, h.memory) // freeing mapped memory unmaps it
	}
}

// stagingBytes is the size of one piece of a staged transfer.
const stagingBytes = 8 << 20

// staging copies between the host and arenas, outside of steps, a piece at a time and waiting for each.
type staging struct {
	*hostBuffer
	commands *commands
}

func (d *Device) stage() (*staging, error) {
	if d.staging == nil {
		h, err := d.newHost(stagingBytes, true)
		if err != nil {
			return nil, fmt.Errorf("staging buffer: %w", err)
		}
		c, err := d.newCommands(1)
		if err != nil {
			d.freeHost(h)
			return nil, err
		}
		d.staging = &staging{hostBuffer: h, commands: c}
	}
	return d.staging, nil
}

func (s *staging) destroy(d *Device) {
	s.commands.destroy(d)
	d.freeHost(s.hostBuffer)
}

// Write copies data into device memory at r and waits for it. len(data) is at most r.Bytes.
func (d *Device) Write(r Range, data []byte) error {
	return d.transfer(r, len(data), func(piece []byte, at int) { copy(piece, data[at:]) }, nil)
}

// Read copies device memory at r into data and waits for it. len(data) is at most r.Bytes.
func (d *Device) Read(r Range, data []byte) error {
	return d.transfer(r, len(data), nil, func(piece []byte, at int) { copy(data[at:], piece) })
}

// Zero clears r and waits for it.
func (d *Device) Zero(r Range) error {
	return d.transfer(r, r.Bytes, func(piece []byte, _ int) { clear(piece) }, nil)
}

func (d *Device) transfer(r Range, n int, put, get func(piece []byte, at int)) error {
	if n > r.Bytes || r.block == nil || r.block.buffer == nil {
		return fmt.Errorf("transfer of %d bytes: buffer %s has %d and must be allocated", n, r.Name, r.Bytes)
	}
	return d.copyPieces(r.block.buffer, r.offset+r.Offset, n, put, get)
}

// copyPieces moves n bytes at an offset of a device buffer through the staging buffer.
func (d *Device) copyPieces(buffer vulkan.Buffer, offset, n int, put, get func(piece []byte, at int)) error {
	s, err := d.stage()
	if err != nil {
		return err
	}
	for at := 0; at < n; at += stagingBytes {
		piece := s.bytes[:min(stagingBytes, n-at)]
		if put != nil {
			put(piece, at)
		}
		err := s.commands.once(d, func(cmd vulkan.CommandBuffer) {
			cmdBarrier(cmd, true, true)
			if put != nil {
				cmdCopy(cmd, s.buffer, 0, buffer, offset+at, len(piece))
			} else {
				cmdCopy(cmd, buffer, offset+at, s.buffer, 0, len(piece))
			}
			cmdBarrier(cmd, true, true)
		})
		if err != nil {
			return err
		}
		if get != nil {
			get(piece, at)
		}
	}
	return nil
}

// Fill writes one 32-bit word over the whole arena, guards and gaps too, and waits for it.
func (a *Arena) Fill(word uint32) error {
	for _, b := range a.blocks {
		put := func(piece []byte, _ int) {
			for i := 0; i+4 <= len(piece); i += 4 {
				binary.LittleEndian.PutUint32(piece[i:], word)
			}
		}
		if err := a.dev.copyPieces(b.buffer, 0, b.size, put, nil); err != nil {
			return fmt.Errorf("fill %s: %w", a.Name, err)
		}
	}
	return nil
}

// Strays returns the names of the buffers beside which bytes outside of every Mem no longer hold word, after a Fill(word).
func (a *Arena) Strays(word uint32) ([]string, error) {
	var stray []string
	for _, b := range a.blocks {
		owner := make([]*Mem, b.size/Alignment) // every Mem and guard is a whole number of these cells
		for _, m := range a.mems {
			if m.block == b {
				for c := m.offset / Alignment; c < (m.offset+align(m.Size))/Alignment; c++ {
					owner[c] = m
				}
			}
		}
		seen := map[*Mem]bool{}
		get := func(piece []byte, at int) {
			for i := 0; i+4 <= len(piece); i += 4 {
				if binary.LittleEndian.Uint32(piece[i:]) == word {
					continue
				}
				c := (at + i) / Alignment
				if m := owner[c]; m != nil && at+i < m.offset+m.Size {
					continue
				}
				if m := nearest(owner, c); m != nil && !seen[m] {
					seen[m] = true
					stray = append(stray, m.Name)
				}
			}
		}
		if err := a.dev.copyPieces(b.buffer, 0, b.size, nil, get); err != nil {
			return nil, err
		}
	}
	return stray, nil
}

func nearest(owner []*Mem, cell int) *Mem {
	for d := range owner {
		if i := cell - d; i >= 0 && owner[i] != nil {
			return owner[i]
		}
		if i := cell + d; i < len(owner) && owner[i] != nil {
			return owner[i]
		}
	}
	return nil
}
