// A training on a driver that fails: every Vulkan call from opening the device to closing it is made to fail, and each time the
// error names the call, everything can be closed, and the same process can train on a new device.

package cyclegan

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// life opens a device, trains 3 steps, makes a checkpoint and closes everything.
func life() (err error) {
	dev, err := vk.Open("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	c := tiny()
	tr, err := NewTrainer(dev, c)
	if err != nil {
		return err
	}
	defer tr.Close()
	if err := tr.Start(nil); err != nil {
		return err
	}
	for i := range uint64(3) {
		b := randomBatch(c, i)
		if _, err := tr.Step(b, c.LR); err != nil {
			return err
		}
	}
	_, err = tr.Checkpoint()
	return err
}

// TestFailingDriver fails the first and the last call of each kind, and with CYCLEVK_LONG=1 every call in both ways.
func TestFailingDriver(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // reports the objects of calls that were made to look as if they had failed
	}
	_ = vktest.Device(t)
	var calls []string
	defer vk.Inject(func(call string, result int32) int32 { calls = append(calls, call); return result })()
	if err := life(); err != nil {
		t.Fatal(err)
	}
	first, last := map[string]int{}, map[string]int{}
	for n, call := range calls {
		if _, seen := first[call]; !seen {
			first[call] = n
		}
		last[call] = n
	}
	tried, long := 0, os.Getenv("CYCLEVK_LONG") == "1"
	for n, call := range calls {
		for result, cause := range map[int32]error{vk.DeviceLost: vk.ErrDeviceLost, vk.OutOfDeviceMemory: vk.ErrOutOfDeviceMemory} {
			if !long && n != map[int32]int{vk.DeviceLost: first[call], vk.OutOfDeviceMemory: last[call]}[result] {
				continue
			}
			tried++
			at := n
			vk.Inject(func(_ string, real int32) int32 {
				if at--; at == -1 {
					return result
				}
				return real
			})
			err := inTime(t, life)
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), call+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, call %d of %d, made to fail with %d: %v", call, n, len(calls), result, err)
			}
		}
		if long && n%10 == 0 || n == len(calls)-1 {
			vk.Inject(nil)
			if err := inTime(t, life); err != nil {
				t.Errorf("after a failed %s: %v", call, err)
			}
		}
	}
	t.Logf("%d failures of %d kinds of call, %d calls in all", tried, len(first), len(calls))
}

// inTime ends the test where f hangs.
func inTime(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("a failed call leads to a hang")
		return nil
	}
}
