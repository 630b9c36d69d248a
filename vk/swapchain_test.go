// Presenting, to surfaces without a window where the driver has them: every picture is shown or said not to be, whatever the window does.

package vk

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	vulkan "github.com/vulkan-go/vulkan"

	"cyclevk/vk/vktest/headless"
)

// screen is a swapchain with pixels of its size.
type screen struct {
	*Swapchain
	t     testing.TB
	arena *Arena
	mem   *Mem
}

func newScreen(t *testing.T, w, h int) *screen {
	t.Helper()
	dev, s := surface(t)
	c, err := dev.NewSwapchain(s, w, h)
	must(t, err)
	x := &screen{Swapchain: c, t: t}
	x.pixels()
	t.Cleanup(func() {
		c.Close()
		x.arena.Free()
	})
	return x
}

// pixels makes pixels of the size that the swapchain has now.
func (x *screen) pixels() Range {
	x.t.Helper()
	if x.arena != nil {
		x.dev.idle()
		x.arena.Free()
	}
	w, h := x.Size()
	x.arena = x.dev.NewArena("pixels")
	x.mem = x.arena.Reserve("pixels", 4*w*h)
	must(x.t, x.arena.Allocate())
	return x.mem.All()
}

// show presents until a picture is shown.
func (x *screen) show() {
	x.t.Helper()
	for range 1000 {
		if shown, err := x.Present(x.mem.All()); err != nil || shown {
			must(x.t, err)
			return
		}
	}
	x.t.Fatal("no image is ever free")
}

func TestPresent(t *testing.T) {
	x := newScreen(t, 64, 48)
	p := newOps(t, x.dev.NewProgram("picture"))
	p.fill(x.mem.All(), 1)
	must(t, p.Build())
	defer p.Free()
	for range 20 { // no picture is waited for
		s, err := p.Acquire()
		must(t, err)
		must(t, p.Submit(s))
		x.show()
	}
	must(t, p.Drain())
	first, err := x.place(x.mem.All())
	must(t, err)
	second, err := x.place(x.pixels()) // elsewhere, be it at the same address: recorded again
	must(t, err)
	second.buffer, second.offset = first.buffer, first.offset
	if first == second {
		t.Error("what was recorded for a buffer that is gone would be replayed")
	}
	for range 5 {
		x.show()
	}
	for i, size := range [][2]int{{65, 48}, {0, 0}, {65, 48}, {1, 1}, {300, 200}} {
		must(t, x.Resize(size[0], size[1]))
		w, h := x.Size()
		if size[0] == 0 {
			if shown, err := x.Present(x.mem.All()); shown || err != nil || w != 0 || h != 0 {
				t.Errorf("minimised: %d x %d, %v, %v", w, h, shown, err)
			}
			continue
		}
		if s, err := x.surface.capabilities(x.dev.in.devices[x.dev.Info.Index].handle); err != nil || s.current[0] == anyExtent && (w != size[0] || h != size[1]) {
			t.Errorf("asked for %v, got %d x %d, %v", size, w, h, err)
		}
		handle := x.handle
		must(t, x.Resize(size[0], size[1]))
		if x.handle != handle {
			t.Errorf("size %d: made anew for nothing", i)
		}
		x.pixels()
		for range 5 {
			x.show()
		}
	}
}

func TestPresentMisuse(t *testing.T) {
	x := newScreen(t, 64, 48)
	w, h := x.Size()
	a := x.dev.NewArena("arena")
	m, none := a.Reserve("m", 4*w*h+512), x.dev.NewArena("none").Reserve("none", 4*w*h)
	must(t, a.Allocate())
	defer a.Free()
	for name, c := range map[string]struct {
		pixels Range
		want   string
	}{
		"too few":       {m.Slice(0, 4*w*h-4), fmt.Sprintf("%d bytes for %d x %d pixels, which take %d", 4*w*h-4, w, h, 4*w*h)},
		"too many":      {m.All(), fmt.Sprint(m.Size, " bytes for")},
		"past the end":  {m.Slice(1024, 4*w*h), "no such bytes"},
		"half words":    {m.Slice(2, 4*w*h), "not whole words"},
		"not allocated": {none.All(), "not allocated"},
		"nothing":       {Range{}, "no buffer"},
	} {
		if shown, err := x.Present(c.pixels); shown || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v, want %q", name, shown, err, c.want)
		}
	}
	x.show() // none of which harms what is right
	other, err := Open("")
	must(t, err)
	if _, err := other.NewSwapchain(x.surface, 64, 48); err == nil || !strings.Contains(err.Error(), "OpenPresenting") {
		t.Errorf("a device that does not present: %v", err)
	}
	must(t, other.Close())
}

// injectAt makes calls of one name look as if they had a result, until restored.
func injectAt(call string, result int32) (restore func()) {
	return Inject(func(c string, real int32) int32 {
		if c == call {
			return result
		}
		return real
	})
}

// TestWindowChanges injects what a window system may answer; whatever it was, Resize makes it good.
func TestWindowChanges(t *testing.T) {
	const acquire, present = "vkAcquireNextImageKHR", "vkQueuePresentKHR"
	x := newScreen(t, 64, 48)
	for _, c := range []struct {
		call   string
		result int32
		shown  bool
		cause  error
		text   string
	}{
		{acquire, Timeout, false, nil, ""},
		{acquire, resultNotReady, false, nil, ""},
		{acquire, Suboptimal, true, nil, ""},
		{present, Suboptimal, true, nil, ""},
		{acquire, OutOfDate, false, ErrOutOfDate, "VK_ERROR_OUT_OF_DATE_KHR"},
		{present, OutOfDate, false, ErrOutOfDate, "VK_ERROR_OUT_OF_DATE_KHR"},
		{acquire, SurfaceLost, false, ErrSurfaceLost, "open another"},
		{present, SurfaceLost, false, ErrSurfaceLost, "open another"},
		{acquire, DeviceLost, false, ErrDeviceLost, "dispatch"},
		{present, DeviceLost, false, ErrDeviceLost, "dispatch"},
		{"vkQueueSubmit", DeviceLost, false, ErrDeviceLost, "dispatch"},
	} {
		x.show()
		restore := injectAt(c.call, c.result)
		shown, err := x.Present(x.mem.All())
		restore()
		if shown != c.shown || !errors.Is(err, c.cause) || (err == nil) != (c.cause == nil) || c.cause != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s gives %d: %v, %v", c.call, c.result, shown, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), c.text) != 1 {
				t.Errorf("%s gives %d: %v", c.call, c.result, err)
			}
			if _, err := x.Present(x.mem.All()); !errors.Is(err, ErrOutOfDate) {
				t.Errorf("%s gave %d, and then: %v", c.call, c.result, err)
			}
		}
		if c.result == Timeout || c.result == resultNotReady { // in truth it was acquired
			x.stale = true
		}
		w, h := x.Size()
		must(t, x.Resize(64, 48))
		if w2, h2 := x.Size(); w != w2 || h != h2 {
			t.Errorf("%d x %d became %d x %d", w, h, w2, h2)
		}
		x.show()
	}
	for _, call := range []string{"vkGetPhysicalDeviceSurfaceCapabilitiesKHR", "vkGetPhysicalDeviceSurfaceFormatsKHR"} { // Resize may fail, and again
		x.stale = true
		restore := injectAt(call, SurfaceLost)
		for range 2 {
			if err := x.Resize(64, 48); !errors.Is(err, ErrSurfaceLost) || !strings.Contains(err.Error(), call) {
				t.Errorf("%s fails: %v", call, err)
			}
		}
		restore()
		must(t, x.Resize(64, 48))
		x.show()
	}
}

// TestFailingSwapchain makes each Vulkan call of a swapchain's life fail in turn.
func TestFailingSwapchain(t *testing.T) {
	if !child() {
		rerun(t, "TestFailingSwapchain", "CYCLEVK_VALIDATE=") // the layers report the objects of calls that were made to look as if they had failed
		return
	}
	surface(t)
	var calls []string
	steps := 0 // calls before all is closed, of which nothing is said
	life := func() error {
		s, err := NewSurface(headless.Create) // each time: a swapchain that looked as if it had not been made still holds it
		if err != nil {
			return err
		}
		dev, err := OpenPresenting("", s)
		if err != nil {
			return err
		}
		defer func() { _ = dev.Close() }()
		c, err := dev.NewSwapchain(s, 8, 8)
		if err != nil {
			return err
		}
		w, h := c.Size()
		a := dev.NewArena("pixels")
		m := a.Reserve("pixels", 4*w*h)
		defer a.Free()
		defer c.Close() // waits
		if err := a.Allocate(); err != nil {
			return err
		}
		for i := range 3 {
			if _, err := c.Present(m.All()); err != nil {
				return err
			}
			if i == 1 {
				c.stale = true
				if err := c.Resize(8, 8); err != nil {
					return err
				}
			}
		}
		steps = len(calls)
		return nil
	}
	restore := Inject(func(call string, result int32) int32 { calls = append(calls, call); return result })
	err := life()
	restore()
	must(t, err)
	t.Logf("%d calls", steps)
	for n, failing := range calls[:steps] {
		for result, cause := range map[int32]error{resultDeviceLost: ErrDeviceLost, resultSurfaceLost: ErrSurfaceLost} {
			restore := failAt(n, result)
			err := life()
			restore()
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), failing+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, call %d of %d, made to fail with %d: %v", failing, n, steps, result, err)
			}
		}
	}
}

func TestPresentingLeaksNothing(t *testing.T) {
	if !child() {
		rerun(t, "TestPresentingLeaksNothing", "CYCLEVK_VALIDATE=") // the layers keep records of their own
		return
	}
	if resident(t) == 0 {
		t.Skip("proc")
	}
	x := newScreen(t, 16, 16)
	side := 16
	for _, cycle := range []struct {
		name  string
		times int
		limit int // of bytes: a freed picture may still be resident
		run   func()
	}{
		{"present", 3000, 2 << 20, x.show},
		{"resize", 300, max(2<<20, 300*x.mem.Size/8), func() {
			side = 48 - side
			must(t, x.Resize(side, side))
			x.pixels()
			x.show()
		}},
	} {
		warm := func(times int) int {
			for range times {
				cycle.run()
			}
			debug.FreeOSMemory()
			return resident(t)
		}
		before := warm(cycle.times / 3)
		grown := warm(cycle.times) - before
		t.Logf("%d times %s: %+d bytes resident", cycle.times, cycle.name, grown)
		if grown > cycle.limit {
			t.Errorf("%d times %s: resident memory grows by %d bytes", cycle.times, cycle.name, grown)
		}
	}
	if allocs := testing.AllocsPerRun(50, x.show); allocs > 0 {
		t.Errorf("%v allocations a picture", allocs)
	}
}

// TestPixels runs the commands that fill an image of the window system on an image of its own, and reads it.
func TestPixels(t *testing.T) {
	in, err := openInstance()
	if err != nil {
		t.Skip(err)
	}
	list, err := Devices()
	must(t, err)
	info, err := Choose(list, "")
	must(t, err)
	if p := in.devices[info.Index]; !in.surfaces || !p.extensions[swapchainExtension] {
		t.Skip("swapchain")
	}
	dev, err := in.open(in.devices[info.Index], true)
	must(t, err)
	defer func() { must(t, dev.Close()) }()

	const w, h = 37, 23
	a := dev.NewArena("pixels")
	before, m := a.Reserve("before", 2048), a.Reserve("pixels", 4*w*h+512)
	must(t, a.Allocate())
	defer a.Free()
	data := make([]byte, 4*w*h)
	for i := range data {
		data[i] = byte(i*i>>3 ^ i)
	}
	must(t, dev.Write(before.All(), bytes.Repeat([]byte{1}, before.Size)))
	must(t, dev.Write(m.All(), bytes.Repeat([]byte{2}, m.Size)))
	must(t, dev.Write(m.Slice(260, len(data)), data))
	image, memory := newImage(t, dev, w, h)
	defer vulkan.FreeMemory(dev.handle, memory, nil)
	defer vulkan.DestroyImage(dev.handle, image, nil)

	c := &Swapchain{dev: dev, plan: chainPlan{w: w, h: h}}
	i := &chainImage{handle: handle64(image)}
	i.commands, err = dev.newCommands("window", 1)
	must(t, err)
	defer i.commands.destroy(dev)
	must(t, c.record(i, pixelPlace{buffer: m.block.buffer, offset: m.offset + 260}))
	must(t, i.commands.submit(dev))
	must(t, i.commands.wait(dev))
	if got := readImage(t, dev, image, w, h); !bytes.Equal(got, data) {
		t.Errorf("the image holds %v, want %v", got[:16], data[:16])
	}
}

// newImage makes an image that is copied to and from.
func newImage(t *testing.T, dev *Device, w, h uint32) (vulkan.Image, vulkan.DeviceMemory) {
	t.Helper()
	info := &vulkan.ImageCreateInfo{
		SType: vulkan.StructureTypeImageCreateInfo, ImageType: vulkan.ImageType2d, Format: bgra8, Extent: vulkan.Extent3D{Width: w, Height: h, Depth: 1},
		MipLevels: 1, ArrayLayers: 1, Samples: vulkan.SampleCount1Bit, Usage: vulkan.ImageUsageFlags(vulkan.ImageUsageTransferSrcBit | vulkan.ImageUsageTransferDstBit),
	}
	defer info.Free()
	var image vulkan.Image
	must(t, check("vkCreateImage", vulkan.CreateImage(dev.handle, info, nil, &image)))
	var req vulkan.MemoryRequirements
	vulkan.GetImageMemoryRequirements(dev.handle, image, &req)
	req.Deref()
	defer req.Free()
	kind, _ := dev.memoryType(req.MemoryTypeBits, vulkan.MemoryPropertyDeviceLocalBit, 0)
	alloc := &vulkan.MemoryAllocateInfo{SType: vulkan.StructureTypeMemoryAllocateInfo, AllocationSize: req.Size, MemoryTypeIndex: kind}
	defer alloc.Free()
	var memory vulkan.DeviceMemory
	must(t, check("vkAllocateMemory", vulkan.AllocateMemory(dev.handle, alloc, nil, &memory)))
	must(t, check("vkBindImageMemory", vulkan.BindImageMemory(dev.handle, image, memory, 0)))
	return image, memory
}

// readImage reads an image that is ready to be presented.
func readImage(t *testing.T, dev *Device, image vulkan.Image, w, h uint32) []byte {
	t.Helper()
	out, err := dev.newHost("image", int(4*w*h))
	must(t, err)
	defer dev.freeHost(out)
	c, err := dev.newCommands("read", 1)
	must(t, err)
	defer c.destroy(dev)
	const transfer = vulkan.PipelineStageFlags(vulkan.PipelineStageTransferBit)
	color := vulkan.ImageAspectFlags(vulkan.ImageAspectColorBit)
	withoutGarbage(func() { // the binding would free the slices too early
		must(t, c.once(dev, func(cmd vulkan.CommandBuffer) {
			vulkan.CmdPipelineBarrier(cmd, transfer, transfer, 0, 0, nil, 0, nil, 1, []vulkan.ImageMemoryBarrier{{
				SType: vulkan.StructureTypeImageMemoryBarrier, DstAccessMask: vulkan.AccessFlags(vulkan.AccessTransferReadBit),
				OldLayout: vulkan.ImageLayoutPresentSrc, NewLayout: vulkan.ImageLayoutTransferSrcOptimal,
				SrcQueueFamilyIndex: vulkan.QueueFamilyIgnored, DstQueueFamilyIndex: vulkan.QueueFamilyIgnored, Image: image,
				SubresourceRange: vulkan.ImageSubresourceRange{AspectMask: color, LevelCount: 1, LayerCount: 1},
			}})
			vulkan.CmdCopyImageToBuffer(cmd, image, vulkan.ImageLayoutTransferSrcOptimal, out.buffer, 1, []vulkan.BufferImageCopy{{
				ImageSubresource: vulkan.ImageSubresourceLayers{AspectMask: color, LayerCount: 1}, ImageExtent: vulkan.Extent3D{Width: w, Height: h, Depth: 1},
			}})
			cmdBarrier(cmd, true)
		}))
	})
	return bytes.Clone(out.bytes)
}
