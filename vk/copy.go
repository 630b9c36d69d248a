// Copies within device memory, and waiting for all that the device was given.

package vk

import (
	"errors"
	"fmt"

	vulkan "github.com/vulkan-go/vulkan"
)

// Copy copies device memory from src to dst, which have the same size and no byte in common, between what was submitted before and what
// will be. It waits for the copy before it, but not for this one: its failure may show in a later call.
func (d *Device) Copy(dst, src Range) error {
	to, at, err := dst.place()
	if err != nil {
		return fmt.Errorf("copy to %s: %w", dst, err)
	}
	from, start, err := src.place()
	switch {
	case err != nil:
	case dst.Bytes != src.Bytes:
		err = errors.New("sizes differ")
	case to == from && start < at+dst.Bytes && at < start+src.Bytes:
		err = errors.New("they overlap")
	default:
		err = d.later(func(cmd vulkan.CommandBuffer) {
			cmdCopy(cmd, from.buffer, start, to.buffer, at, src.Bytes)
			cmdBarrier(cmd, true)
		})
	}
	if err != nil {
		return fmt.Errorf("copy of %s to %s: %w", src, dst, err)
	}
	return nil
}

// later submits one buffer, once the last was waited for.
func (d *Device) later(record func(vulkan.CommandBuffer)) error {
	if err := d.copied(); err != nil {
		return err
	}
	if d.copies == nil {
		c, err := d.newCommands("copies", 1)
		if err != nil {
			return err
		}
		d.copies = c
	}
	cmd := d.copies.buffers[0]
	if err := begin(cmd, true); err != nil {
		return err
	}
	record(cmd)
	if err := end(cmd); err != nil {
		return err
	}
	if err := d.copies.submit(d); err != nil {
		return err
	}
	d.copying = true
	return d.messages()
}

// copied waits for the last copy.
func (d *Device) copied() error {
	if !d.copying {
		return nil
	}
	d.copying = false
	return d.copies.wait(d)
}

// settle waits, no longer than for any submission, until the device has done all that it was given.
func (d *Device) settle() error {
	err := d.later(func(vulkan.CommandBuffer) {})
	if err == nil {
		err = d.copied()
	}
	return err
}
