// Opening surfaces, and devices that can or cannot present to them: each that fails says why and what to do.

package vk

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	vulkan "github.com/vulkan-go/vulkan"

	"cyclevk/vk/vktest/headless"
)

// windowless makes TestMain ask for no surfaces.
const windowless = "CYCLEVK_TEST_WINDOWLESS=1"

// TestMain asks for surfaces before any test opens the instance: without a window or, where no driver has these, for their name alone.
func TestMain(m *testing.M) {
	if !slices.Contains(os.Environ(), windowless) && UseInstanceExtensions(headless.Extensions()...) != nil {
		_ = UseInstanceExtensions(surfaceExtension)
	}
	os.Exit(m.Run())
}

// surface makes a surface without a window, and a device that presents to it.
func surface(t *testing.T) (*Device, *Surface) {
	t.Helper()
	if _, err := openInstance(); err != nil {
		t.Skip(err)
	}
	if !slices.Contains(windowExtensions.names, headless.Extensions()[1]) {
		t.Skip("headless")
	}
	s, err := NewSurface(headless.Create)
	must(t, err)
	dev, err := OpenPresenting("", s)
	if err != nil {
		s.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return dev, s
}

func TestInstanceExtensions(t *testing.T) {
	if !child() {
		rerun(t, "TestInstanceExtensions", windowless)
		return
	}
	if err := UseInstanceExtensions("VK_KHR_no_such", surfaceExtension, "VK_KHR_nor_this"); !errors.Is(err, ErrNoDriver) &&
		(!errors.Is(err, ErrCannotPresent) || !strings.Contains(err.Error(), "VK_KHR_no_such, VK_KHR_nor_this: install")) {
		t.Errorf("extensions that are not there: %v", err)
	}
	if _, err := Devices(); err != nil {
		t.Skip(err)
	}
	for name, err := range map[string]error{
		"too late to ask": UseInstanceExtensions(surfaceExtension),
		"never asked for": func() error { _, err := NewSurface(headless.Create); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), surfaceExtension) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, UseInstanceExtensions()) // nothing is never too late
}

func TestNewSurface(t *testing.T) {
	_, s := surface(t)
	must(t, UseInstanceExtensions(headless.Extensions()...)) // once more is no harm
	other, err := NewSurface(headless.Create)
	must(t, err)
	defer other.Close()
	if s.handle == 0 || other.handle == 0 || s.handle == other.handle {
		t.Errorf("surfaces %#x and %#x", s.handle, other.handle)
	}
	cause := errors.New("no display")
	if _, err := NewSurface(func(any) (uintptr, error) { return 0, cause }); !errors.Is(err, cause) || !strings.Contains(err.Error(), "window") {
		t.Errorf("a window that cannot be opened: %v", err)
	}
}

func TestOpenPresenting(t *testing.T) {
	dev, s := surface(t)
	if got := dev.Info.Queue; got != int(dev.family) || dev.Info.Limits.TimestampBits > 0 && dev.ticks == 0 {
		t.Errorf("queue family %d, %d of which is used", got, dev.family)
	}
	if _, err := OpenPresenting("no such device", s); !errors.Is(err, ErrNoDevice) {
		t.Errorf("a device that is not there: %v", err)
	}
	defer injectAt("vkGetPhysicalDeviceSurfaceSupportKHR", -13)()
	_, err := OpenPresenting("", s)
	for _, want := range []string{dev.Info.Name + " cannot show", "--headless", "vkGetPhysicalDeviceSurfaceSupportKHR: VK_ERROR_UNKNOWN"} {
		if !errors.Is(err, ErrCannotPresent) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := dev.NewSwapchain(s, 8, 8); err == nil {
		t.Error("a swapchain on a device that cannot tell whether it presents")
	}
}

// TestPresentingFamily: the usual queue if it presents, else another that computes.
func TestPresentingFamily(t *testing.T) {
	const graphics, compute = vulkan.QueueGraphicsBit, vulkan.QueueComputeBit
	for name, c := range map[string]struct {
		flags    []vulkan.QueueFlagBits
		presents []bool
		want     int
	}{
		"the usual one":    {[]vulkan.QueueFlagBits{compute, graphics | compute}, []bool{true, true}, 1},
		"another":          {[]vulkan.QueueFlagBits{compute, graphics | compute}, []bool{true, false}, 0},
		"one that draws":   {[]vulkan.QueueFlagBits{graphics | compute, compute, graphics | compute}, []bool{false, true, true}, 2},
		"none":             {[]vulkan.QueueFlagBits{compute, graphics}, []bool{false, true}, -1},
		"nothing presents": {[]vulkan.QueueFlagBits{compute, graphics | compute}, []bool{false, false}, -1},
	} {
		var families []family
		for _, f := range c.flags {
			families = append(families, family{flags: f})
		}
		if got := presentingFamily(families, chooseFamily(families), c.presents); got != c.want {
			t.Errorf("%s: family %d, want %d", name, got, c.want)
		}
	}
}

// TestCannotPresent: the error names the devices that can.
func TestCannotPresent(t *testing.T) {
	one := DeviceInfo{Name: "one"}
	for _, c := range []struct {
		able []DeviceInfo
		want string
	}{
		{nil, "one cannot show pictures in this window: use no window (--headless)"},
		{[]DeviceInfo{{Index: 2, Name: "two"}, {Index: 3, Name: "three"}}, "one cannot show pictures in this window: use --device 2 (two), or --device 3 (three), or no window (--headless)"},
	} {
		if err := cannotPresent(one, c.able, nil); err.Error() != c.want || !errors.Is(err, ErrCannotPresent) {
			t.Error(err)
		}
	}
}
