// Host-visible memory: mapped buffers, and the staging buffer that carries data to and from device memory.

package vk

import (
	"encoding/binary"
	"errors"
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

// newHost makes a zeroed host buffer. It prefers cached memory, without which the host reads a byte at a time over the bus.
func (d *Device) newHost(name string, size int) (*hostBuffer, error) {
	const want = vulkan.MemoryPropertyHostVisibleBit | vulkan.MemoryPropertyHostCoherentBit
	buffer, memory, err := d.newBuffer(name, size, want, vulkan.MemoryPropertyHostCachedBit)
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

// freeHost frees a host buffer; freeing mapped memory unmaps it.
func (d *Device) freeHost(h *hostBuffer) { d.freeBuffer(h.buffer, h.memory) }

// stagingBytes is the size of one piece of a staged transfer.
const stagingBytes = 8 << 20

// staging copies between the host and arenas, outside of steps, a piece at a time and waiting for each.
type staging struct {
	*hostBuffer
	commands *commands
}

// stage readies a transfer to or from a block.
func (d *Device) stage(b *block) (*staging, error) {
	if b == nil || b.buffer == nil {
		return nil, errors.New("not allocated")
	}
	if d.staging == nil {
		h, err := d.newHost("staging", stagingBytes)
		if err != nil {
			return nil, fmt.Errorf("staging buffer: %w", err)
		}
		c, err := d.newCommands("transfers", 1)
		if err != nil {
			d.freeHost(h)
			return nil, err
		}
		d.staging = &staging{hostBuffer: h, commands: c}
	}
	return d.staging, nil
}

// run records one transfer, after all that was submitted before and before all that will be, and waits for it.
func (s *staging) run(d *Device, record func(vulkan.CommandBuffer)) error {
	return s.commands.once(d, func(cmd vulkan.CommandBuffer) {
		record(cmd)
		cmdBarrier(cmd, true)
	})
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

// Zero clears r, whose offset and size are multiples of 4, and waits for it.
func (d *Device) Zero(r Range) error {
	err := r.check()
	if err == nil && (r.Offset|r.Bytes)%4 != 0 {
		err = errors.New("not whole words")
	}
	if err == nil {
		err = d.fill(r.block, r.offset+r.Offset, r.Bytes, 0)
	}
	if err != nil {
		return fmt.Errorf("zero %s: %w", r, err)
	}
	return nil
}

func (d *Device) transfer(r Range, n int, put, get func(piece []byte, at int)) error {
	err := r.check()
	if err == nil && n > r.Bytes {
		err = fmt.Errorf("%d bytes are too many", n)
	}
	if err == nil {
		err = d.copyPieces(r.block, r.offset+r.Offset, n, put, get)
	}
	if err != nil {
		return fmt.Errorf("transfer of %s: %w", r, err)
	}
	return nil
}

// copyPieces moves n bytes at an offset of a block through the staging buffer.
func (d *Device) copyPieces(b *block, offset, n int, put, get func(piece []byte, at int)) error {
	s, err := d.stage(b)
	for at := 0; at < n && err == nil; at += stagingBytes {
		piece := s.bytes[:min(stagingBytes, n-at)]
		if put != nil {
			put(piece, at)
		}
		err = s.run(d, func(cmd vulkan.CommandBuffer) {
			if put != nil {
				cmdCopy(cmd, s.buffer, 0, b.buffer, offset+at, len(piece))
			} else {
				cmdCopy(cmd, b.buffer, offset+at, s.buffer, 0, len(piece))
			}
		})
		if get != nil && err == nil {
			get(piece, at)
		}
	}
	return err
}

// fill writes a 32-bit word over n bytes at an offset of a block.
func (d *Device) fill(b *block, offset, n int, word uint32) error {
	s, err := d.stage(b)
	if err != nil {
		return err
	}
	return s.run(d, func(cmd vulkan.CommandBuffer) {
		vulkan.CmdFillBuffer(cmd, b.buffer, vulkan.DeviceSize(offset), vulkan.DeviceSize(n), word)
	})
}

// Fill writes one 32-bit word over the whole arena, guards and gaps too, and waits for it.
func (a *Arena) Fill(word uint32) error {
	for _, b := range a.blocks {
		if err := a.dev.fill(b, 0, b.size, word); err != nil {
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
					if owner[c] == nil || owner[c].offset+owner[c].Size < m.offset+m.Size { // the one that covers most of the cell
						owner[c] = m
					}
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
		if err := a.dev.copyPieces(b, 0, b.size, nil, get); err != nil {
			return nil, fmt.Errorf("read %s: %w", a.Name, err)
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
