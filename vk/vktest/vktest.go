// Package vktest opens devices for the tests of other packages.
package vktest

import (
	"errors"
	"testing"

	"cyclevk/vk"
)

// Device opens the device that the environment chooses, and reports validation messages when the test ends. Where there is no
// driver, the test is skipped.
func Device(t testing.TB) *vk.Device {
	t.Helper()
	dev, err := vk.Open("")
	if errors.Is(err, vk.ErrNoDriver) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}
