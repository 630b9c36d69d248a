// Swapchains: how pixels in device memory get into a window. There is no drawing: the last shader writes a buffer of the window's size, and
// one copy brings it into an image of the window system.

package vk

// #include "native.h"
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// imageWait is how long Present waits for an image: less than a frame of a common screen.
const imageWait = 10 * time.Millisecond

// Swapchain shows pixels in a window. It belongs to the goroutine of its device.
type Swapchain struct {
	dev     *Device
	surface *Surface
	asked   [2]int // width and height that the window was said to have
	plan    chainPlan
	handle  C.uint64_t // 0 where the window has no pixels
	images  []chainImage
	free    vulkan.Semaphore // that the next image is acquired with
	index   C.uint32_t       // of the image acquired last
	stale   bool             // to be made again before anything is presented
}

// chainImage is an image of the window system, with what presents it.
type chainImage struct {
	handle   C.uint64_t
	commands *commands
	holds    pixelPlace       // what the commands copy
	pending  bool             // they were submitted and not waited for
	acquired vulkan.Semaphore // that they waited for
	copied   vulkan.Semaphore // that they signal and the window system waits for
}

// pixelPlace tells buffers of pixels apart. A freed buffer's handle may come back as that of another, hence the count.
type pixelPlace struct {
	buffer      vulkan.Buffer
	offset      int
	allocations int // of the device, so far
}

// NewSwapchain makes a swapchain for a framebuffer of w x h pixels. One of 0 x 0 is a minimised window, in which Present shows nothing.
// The device was opened with OpenPresenting.
func (d *Device) NewSwapchain(s *Surface, w, h int) (*Swapchain, error) {
	c := &Swapchain{dev: d, surface: s}
	err := errors.New("the device was not opened with OpenPresenting")
	if d.presents {
		var can bool
		if can, err = s.presents(d.in.devices[d.Info.Index].handle, int(d.family)); err == nil && !can {
			err = cannotPresent(d.Info, nil, nil)
		}
	}
	if err == nil {
		err = c.make(w, h) // the surface gets no name: Mesa 22.3 would write it over the surface
	}
	if err != nil {
		c.Close()
		return nil, c.explain("swapchain", err)
	}
	return c, nil
}

// Size is the width and height of a picture in pixels: those asked for, unless the window has others of its own.
func (c *Swapchain) Size() (w, h int) { return c.plan.w, c.plan.h }

// BGRA tells the order of the bytes of a pixel: blue, green, red, 255; else red, green, blue, 255.
func (c *Swapchain) BGRA() bool { return c.plan.format.format == bgra8 }

// Resize makes the swapchain anew for a framebuffer of w x h pixels, once the device has done all that it was given. It does nothing where
// nothing has changed, so that it may be called before every picture: not every window system tells Present of a new size.
func (c *Swapchain) Resize(w, h int) error {
	if !c.stale && c.asked == [2]int{w, h} && (c.handle != 0 || w*h == 0) {
		return nil
	}
	err := c.dev.settle()
	if err == nil {
		c.dev.idle() // the window system waits for semaphores, too
		err = c.make(w, h)
	}
	if err != nil {
		c.stale = true
		return c.explain("swapchain", err)
	}
	return nil
}

// make replaces what there is by a swapchain for w x h pixels. The device has nothing to do.
func (c *Swapchain) make(w, h int) error {
	d := c.dev
	c.freeImages()
	old := c.handle
	defer func() { C.cv_destroy_swapchain(unsafe.Pointer(d.handle), old) }()
	c.handle, c.asked, c.stale, c.plan = 0, [2]int{w, h}, false, chainPlan{format: c.plan.format}
	s, err := c.surface.read(d.in.devices[d.Info.Index].handle)
	if err != nil {
		return err
	}
	plan, err := s.plan(w, h)
	if err != nil {
		return fmt.Errorf("%s %w: %w", d.Info.Name, ErrCannotPresent, err)
	}
	if c.plan = plan; plan.w == 0 {
		return nil
	}
	var handle C.uint64_t
	if err := check("vkCreateSwapchainKHR", C.cv_create_swapchain(unsafe.Pointer(d.handle), c.surface.handle, c.plan.c(), old, &handle)); err != nil {
		return err
	}
	c.handle = handle
	d.name(vulkan.ObjectTypeSwapchain, c.handle, "window")
	images, err := twice("vkGetSwapchainImagesKHR", func(n *C.uint32_t, list *C.uint64_t) C.int32_t {
		return C.cv_swapchain_images(unsafe.Pointer(d.handle), c.handle, n, list)
	})
	if err != nil {
		return err
	}
	if c.free, err = d.newSemaphore("window, acquired"); err != nil {
		return err
	}
	for n, image := range images {
		c.images = append(c.images, chainImage{handle: image})
		i, name := &c.images[n], fmt.Sprintf("window image %d of %d", n+1, len(images))
		d.name(vulkan.ObjectTypeImage, image, name)
		if i.acquired, err = d.newSemaphore(name + ", acquired"); err != nil {
			return err
		}
		if i.copied, err = d.newSemaphore(name + ", copied"); err != nil {
			return err
		}
		if i.commands, err = d.newCommands(name, 1); err != nil {
			return err
		}
	}
	return d.messages()
}

// freeImages frees all but the swapchain.
func (c *Swapchain) freeImages() {
	for _, i := range c.images {
		vulkan.DestroySemaphore(c.dev.handle, i.acquired, nil)
		vulkan.DestroySemaphore(c.dev.handle, i.copied, nil)
		if i.commands != nil {
			i.commands.destroy(c.dev)
		}
	}
	vulkan.DestroySemaphore(c.dev.handle, c.free, nil)
	c.images, c.free = nil, nil
}

// Close waits for the device and frees the swapchain; its surface and its device are closed after it.
func (c *Swapchain) Close() {
	if c.handle != 0 && !c.dev.hung {
		_ = c.dev.settle() // which finds out whether the device hangs; a lost one frees all the same
	}
	if c.dev.idle() {
		c.freeImages()
		C.cv_destroy_swapchain(unsafe.Pointer(c.dev.handle), c.handle)
		c.handle = 0
	}
}

// Present copies w*h pixels of 4 bytes, rows from top to bottom, into the next image, after all that was submitted before, and shows it.
// It waits a moment for an image at most: shown is false where none was free (a picture that is to stay is presented again), as it is in a
// window without pixels. The error wraps ErrOutOfDate where the window is not what it was: call Resize and present again. The pixels are in
// use until what is submitted next has been waited for, or Resize or Close was called.
func (c *Swapchain) Present(pixels Range) (shown bool, err error) {
	switch {
	case c.stale:
		return false, ErrOutOfDate
	case c.handle == 0:
		return false, nil
	}
	place, err := c.place(pixels)
	if err != nil {
		return false, fmt.Errorf("present %s: %w", pixels, err)
	}
	shown, err = c.acquire()
	if shown {
		if err = c.fill(place); err == nil {
			err = c.present()
		}
		shown = err == nil
	}
	if err != nil {
		c.stale = true // semaphores may be left in any state
		return false, c.explain("present", err)
	}
	return shown, c.dev.messages()
}

// place holds pixels against the image and says where they are.
func (c *Swapchain) place(pixels Range) (pixelPlace, error) {
	b, offset, err := pixels.place()
	switch want := 4 * c.plan.w * c.plan.h; {
	case err != nil:
		return pixelPlace{}, err
	case pixels.Bytes != want:
		return pixelPlace{}, fmt.Errorf("%d bytes for %d x %d pixels, which take %d", pixels.Bytes, c.plan.w, c.plan.h, want)
	case offset%4 != 0:
		return pixelPlace{}, errors.New("not whole words")
	}
	return pixelPlace{b.buffer, offset, c.dev.allocs}, nil
}

// acquire gets the next image, if one is free.
func (c *Swapchain) acquire() (bool, error) {
	const call = "vkAcquireNextImageKHR"
	err := check(call, C.cv_acquire(unsafe.Pointer(c.dev.handle), c.handle, C.uint64_t(imageWait), handle64(c.free), &c.index))
	switch resultOf(err) {
	case resultSuboptimal: // said again when it is presented
		return true, nil
	case resultTimeout, resultNotReady:
		return false, nil
	}
	return err == nil, err
}

// fill copies pixels into the acquired image. The image's semaphore of the last time is free again once its commands have ended: it takes
// the place of the one that this time's image was acquired with.
func (c *Swapchain) fill(place pixelPlace) error {
	i := &c.images[c.index]
	if i.pending {
		if err := i.commands.wait(c.dev); err != nil {
			return err
		}
		i.pending = false
	}
	i.acquired, c.free = c.free, i.acquired
	if i.holds != place {
		if err := c.record(i, place); err != nil {
			return err
		}
	}
	if err := c.dev.submitBetween(i.commands.buffers, i.acquired, i.copied, i.commands.fence); err != nil {
		return err
	}
	i.pending = true
	return nil
}

// record writes the commands of an image, which are replayed as long as the pixels stay in one place.
func (c *Swapchain) record(i *chainImage, place pixelPlace) error {
	i.holds = pixelPlace{}
	cmd := i.commands.buffers[0]
	if err := begin(cmd, false); err != nil {
		return err
	}
	C.cv_cmd_show(unsafe.Pointer(cmd), handle64(place.buffer), C.uint64_t(place.offset), i.handle, C.uint32_t(c.plan.w), C.uint32_t(c.plan.h))
	cmdBarrier(cmd, true) // what comes next may write the pixels
	if err := end(cmd); err != nil {
		return err
	}
	i.holds = place
	return nil
}

// present shows the acquired image.
func (c *Swapchain) present() error {
	err := check("vkQueuePresentKHR", C.cv_present(unsafe.Pointer(c.dev.queue), c.handle, c.index, handle64(c.images[c.index].copied)))
	if resultOf(err) != resultSuboptimal {
		return err
	}
	// It was shown, but not as well as it could be. Only another size is a reason to make the swapchain anew.
	s, err := c.surface.capabilities(c.dev.in.devices[c.dev.Info.Index].handle)
	if err == nil {
		w, h := s.extent(c.asked[0], c.asked[1])
		c.stale = w != c.plan.w || h != c.plan.h
	}
	return err
}

// explain says what failed, and adds to the result of a call of the window system what is known.
func (c *Swapchain) explain(what string, err error) error {
	if errors.Is(err, ErrSurfaceLost) {
		return fmt.Errorf("%s: %w (%w)", what, ErrSurfaceLost, err)
	}
	if e, bare := err.(*Error); bare {
		err = c.dev.explain(e)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// newSemaphore makes a semaphore that debuggers know by a name.
func (d *Device) newSemaphore(name string) (vulkan.Semaphore, error) {
	info := &vulkan.SemaphoreCreateInfo{SType: vulkan.StructureTypeSemaphoreCreateInfo}
	var s vulkan.Semaphore
	err := check("vkCreateSemaphore", vulkan.CreateSemaphore(d.handle, info, nil, &s))
	info.Free()
	if err != nil {
		return nil, err
	}
	d.name(vulkan.ObjectTypeSemaphore, handle64(s), name)
	return s, nil
}

// resultOf is the result behind an error of check; 0 for nil.
func resultOf(err error) int32 {
	if err == nil {
		return 0 // and allocates nothing
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Result
	}
	return 0
}
