// Command buffers that are submitted together, one submission each, with a fence on the last.

package vk

/*
#include "native.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

type commands struct {
	pool    vulkan.CommandPool
	buffers []vulkan.CommandBuffer
	fence   vulkan.Fence
	fences  []vulkan.Fence // the same, as the slice that waiting takes
}

// newCommands makes n command buffers, which debuggers know by a name.
func (d *Device) newCommands(name string, n int) (*commands, error) {
	c := &commands{}
	pool := &vulkan.CommandPoolCreateInfo{
		SType: vulkan.StructureTypeCommandPoolCreateInfo, QueueFamilyIndex: d.family,
		Flags: vulkan.CommandPoolCreateFlags(vulkan.CommandPoolCreateResetCommandBufferBit),
	}
	var p vulkan.CommandPool
	err := check("vkCreateCommandPool", vulkan.CreateCommandPool(d.handle, pool, nil, &p))
	pool.Free()
	if err != nil {
		return nil, err
	}
	c.pool = p
	alloc := &vulkan.CommandBufferAllocateInfo{
		SType: vulkan.StructureTypeCommandBufferAllocateInfo, CommandPool: p, Level: vulkan.CommandBufferLevelPrimary,
		CommandBufferCount: uint32(n),
	}
	c.buffers = make([]vulkan.CommandBuffer, n)
	err = check("vkAllocateCommandBuffers", vulkan.AllocateCommandBuffers(d.handle, alloc, c.buffers))
	alloc.Free()
	if err == nil {
		info := &vulkan.FenceCreateInfo{SType: vulkan.StructureTypeFenceCreateInfo}
		var f vulkan.Fence
		err = check("vkCreateFence", vulkan.CreateFence(d.handle, info, nil, &f))
		info.Free()
		c.fence, c.fences = f, []vulkan.Fence{f}
	}
	if err != nil {
		c.destroy(d)
		return nil, err
	}
	for i, b := range c.buffers {
		d.name(vulkan.ObjectTypeCommandBuffer, handle64(b), fmt.Sprintf("%s, part %d of %d", name, i+1, n))
	}
	return c, nil
}

func (c *commands) destroy(d *Device) {
	vulkan.DestroyFence(d.handle, c.fence, nil)
	vulkan.DestroyCommandPool(d.handle, c.pool, nil) // frees its buffers
}

// submit hands the buffers to the queue, each in a submission of its own so that none runs into a watchdog.
func (c *commands) submit(d *Device) error {
	for i := range c.buffers {
		var fence vulkan.Fence
		if i == len(c.buffers)-1 {
			fence = c.fence
		}
		if err := d.submit(c.buffers[i:i+1], fence); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for the last submission and readies the fence for the next.
func (c *commands) wait(d *Device) error {
	err := check("vkWaitForFences", vulkan.WaitForFences(d.handle, 1, c.fences, vulkan.True, uint64(d.Timeout)))
	if d.hung = errors.Is(err, ErrTimeout); d.hung {
		err = fmt.Errorf("%w: %s gave no answer for %v: give it less to do (--crop_size, --batch_size, --ngf), or more time (%s=1h)",
			err, d.Info.Name, d.Timeout, timeoutVariable)
	}
	if err != nil {
		return d.explain(err)
	}
	return check("vkResetFences", vulkan.ResetFences(d.handle, 1, c.fences))
}

// once records, submits and waits for one buffer.
func (c *commands) once(d *Device, record func(vulkan.CommandBuffer)) error {
	cmd := c.buffers[0]
	if err := begin(cmd, true); err != nil {
		return err
	}
	record(cmd)
	if err := end(cmd); err != nil {
		return err
	}
	if err := c.submit(d); err != nil {
		return err
	}
	return c.wait(d)
}

func begin(cmd vulkan.CommandBuffer, once bool) error {
	info := &vulkan.CommandBufferBeginInfo{SType: vulkan.StructureTypeCommandBufferBeginInfo}
	if once {
		info.Flags = vulkan.CommandBufferUsageFlags(vulkan.CommandBufferUsageOneTimeSubmitBit)
	}
	err := check("vkBeginCommandBuffer", vulkan.BeginCommandBuffer(cmd, info))
	info.Free()
	return err
}

func end(cmd vulkan.CommandBuffer) error {
	return check("vkEndCommandBuffer", vulkan.EndCommandBuffer(cmd))
}

// cmdBarrier orders all dispatches before it and after it. The last of what is submitted together orders transfers, too, and
// lets the host read: so whatever is submitted next finds nothing pending.
func cmdBarrier(cmd vulkan.CommandBuffer, last bool) {
	C.cv_cmd_barrier(unsafe.Pointer(cmd), cBool(last))
}

func cmdCopy(cmd vulkan.CommandBuffer, src vulkan.Buffer, srcOffset int, dst vulkan.Buffer, dstOffset, n int) {
	C.cv_cmd_copy(unsafe.Pointer(cmd), handle64(src), C.uint64_t(srcOffset), handle64(dst), C.uint64_t(dstOffset), C.uint64_t(n))
}
