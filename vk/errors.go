// Errors of the Vulkan layer: each names the call that failed, and the ones a caller acts upon can be told with errors.Is.

package vk

import (
	"errors"
	"fmt"
)

// What a caller may want to act upon; wrapped by every error that has this cause.
var (
	ErrDeviceLost        = errors.New("the device was lost (driver crash, reset or watchdog)")
	ErrOutOfDeviceMemory = errors.New("out of device memory")
	ErrTooLarge          = errors.New("more than the device allows")
	ErrUnsupported       = errors.New("not a feature of the device")
	ErrNoDriver          = errors.New("no Vulkan driver found: install your GPU's Vulkan driver, or Mesa's lavapipe (Debian and Ubuntu: apt install mesa-vulkan-drivers)")
	ErrNoLayers          = errors.New("no validation layers found: install them (Debian and Ubuntu: apt install vulkan-validationlayers; elsewhere they come with the Vulkan SDK)")
	ErrNoDevice          = errors.New("no such Vulkan device")
	ErrValidation        = errors.New("validation message")
	ErrTimeout           = errors.New("the device did not finish in time")
	ErrCannotPresent     = errors.New("cannot show pictures in this window")
	ErrOutOfDate         = errors.New("the window has changed")
	ErrSurfaceLost       = errors.New("the window cannot be drawn to any more: close it and open another")
)

// Error is a Vulkan call that did not succeed.
type Error struct {
	Call   string // the Vulkan entry point, such as "vkQueueSubmit"
	Result int32  // its VkResult
}

func (e *Error) Error() string {
	name, ok := resultNames[e.Result]
	if !ok {
		name = fmt.Sprintf("VkResult %d", e.Result)
	}
	return e.Call + ": " + name
}

// Unwrap lets errors.Is find the sentinel behind the result code.
func (e *Error) Unwrap() error {
	switch e.Result {
	case resultDeviceLost:
		return ErrDeviceLost
	case resultOutOfDeviceMemory:
		return ErrOutOfDeviceMemory
	case resultTimeout:
		return ErrTimeout
	case resultOutOfDate:
		return ErrOutOfDate
	case resultSurfaceLost:
		return ErrSurfaceLost
	}
	return nil
}

const (
	resultNotReady          = 1
	resultTimeout           = 2
	resultSuboptimal        = 1000001003
	resultOutOfDeviceMemory = -2
	resultDeviceLost        = -4
	resultSurfaceLost       = -1000000000
	resultOutOfDate         = -1000001004
)

var resultNames = map[int32]string{
	resultNotReady:          "VK_NOT_READY",
	resultTimeout:           "VK_TIMEOUT",
	-1:                      "VK_ERROR_OUT_OF_HOST_MEMORY",
	resultOutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
	-3:                      "VK_ERROR_INITIALIZATION_FAILED",
	resultDeviceLost:        "VK_ERROR_DEVICE_LOST",
	-5:                      "VK_ERROR_MEMORY_MAP_FAILED",
	-6:                      "VK_ERROR_LAYER_NOT_PRESENT",
	-7:                      "VK_ERROR_EXTENSION_NOT_PRESENT",
	-8:                      "VK_ERROR_FEATURE_NOT_PRESENT",
	-9:                      "VK_ERROR_INCOMPATIBLE_DRIVER",
	-10:                     "VK_ERROR_TOO_MANY_OBJECTS",
	-12:                     "VK_ERROR_FRAGMENTED_POOL",
	-13:                     "VK_ERROR_UNKNOWN",
	resultSuboptimal:        "VK_SUBOPTIMAL_KHR",
	resultSurfaceLost:       "VK_ERROR_SURFACE_LOST_KHR",
	-1000000001:             "VK_ERROR_NATIVE_WINDOW_IN_USE_KHR",
	resultOutOfDate:         "VK_ERROR_OUT_OF_DATE_KHR",
	-1000011001:             "VK_ERROR_VALIDATION_FAILED_EXT",
	-1000069000:             "VK_ERROR_OUT_OF_POOL_MEMORY",
}

// Results that tests inject.
const (
	DeviceLost        int32 = resultDeviceLost
	OutOfDeviceMemory int32 = resultOutOfDeviceMemory
	Timeout           int32 = resultTimeout
	OutOfDate         int32 = resultOutOfDate
	SurfaceLost       int32 = resultSurfaceLost
	Suboptimal        int32 = resultSuboptimal
)

// inject may replace the result of a Vulkan call by another.
var inject func(call string, result int32) int32

// Inject passes the result of every Vulkan call that has one through f, until restore is called: so tests, of this package and
// of those above it, see what a failing driver leads to. The call itself is made. It is not for use while another goroutine
// uses this package.
func Inject(f func(call string, result int32) int32) (restore func()) {
	inject = f
	return func() { inject = nil }
}

// check turns a result into an error that names its call; VK_SUCCESS is nil.
func check[R ~int32](call string, result R) error {
	if inject != nil {
		result = R(inject(call, int32(result)))
	}
	if result == 0 {
		return nil
	}
	return &Error{Call: call, Result: int32(result)}
}
