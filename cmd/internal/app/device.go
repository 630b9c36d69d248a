// Opening a device: --device, --validate, and what the user's cache folder holds for it.

package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
)

// deviceOption is of each command that opens a device.
const deviceOption = "device"

// DeviceFlag is --device. New adds --validate to it.
func DeviceFlag() cli.Flag {
	return &cli.StringFlag{Name: deviceOption, Usage: "`DEVICE` by its index or a part of its name in the list of the command devices (default: the best)"}
}

// validateFlag goes with DeviceFlag.
func validateFlag() cli.Flag {
	return &cli.BoolFlag{
		Name: "validate", Usage: "turn the Vulkan validation layers on: whatever they say ends the command (slow)",
		Action: func(_ *cli.Context, on bool) error {
			if !on {
				return nil
			}
			return vk.Validate()
		},
	}
}

// CacheVariable is the environment variable that, set to "off", keeps compiled pipelines from being stored between runs.
const CacheVariable = "CYCLEVK_PIPELINE_CACHE"

// TuningVariable is the environment variable that, set to "off", makes commands do without what tune stored.
const TuningVariable = "CYCLEVK_TUNING"

// TuningFolder is where tunings are stored; empty where there is no such folder or none is wanted.
func TuningFolder() string {
	folder, err := os.UserCacheDir()
	if err != nil || os.Getenv(TuningVariable) == "off" {
		return ""
	}
	return filepath.Join(folder, "cyclevk")
}

// StoredTuning is what tune has stored for a device; nil where there is none or none is wanted.
func StoredTuning(device vk.DeviceInfo) vk.Tuning {
	folder := TuningFolder()
	if folder == "" {
		return nil
	}
	return vk.ReadTuning(folder, shaders.Hash(), device)
}

// WithDevice opens the device of --device for f, with what the user's cache folder holds for it.
func WithDevice(choice string, f func(*vk.Device) error, options ...vk.Option) error {
	return Opened(func() (*vk.Device, error) { return vk.Open(choice, options...) }, func(dev *vk.Device) error {
		UseCaches(dev)
		return f(dev)
	})
}

// WithBareDevice opens the device of --device for f.
func WithBareDevice(choice string, f func(*vk.Device) error, options ...vk.Option) error {
	return Opened(func() (*vk.Device, error) { return vk.Open(choice, options...) }, f)
}

// UseCaches gives a device what the user's cache folder holds for it: compiled pipelines, and what tune measured.
func UseCaches(dev *vk.Device) {
	if folder, err := os.UserCacheDir(); err == nil && os.Getenv(CacheVariable) != "off" {
		dev.CachePipelines(filepath.Join(folder, "cyclevk"), shaders.Hash())
	}
	dev.Tuning = StoredTuning(dev.Info)
}

// UseUnproven lets kernels use what the environment lists of what no driver has proven.
func UseUnproven() error {
	u, err := kernels.ParseUnproven(os.Getenv(kernels.UnprovenVariable))
	if err != nil {
		return BadInput(fmt.Errorf("%s=%w", kernels.UnprovenVariable, err))
	}
	kernels.Allow(u)
	return nil
}

// Opened runs f on the device that open returns. Closing it reports what the validation layers still hold.
func Opened(open func() (*vk.Device, error), f func(*vk.Device) error) (err error) {
	if err := UseUnproven(); err != nil {
		return err
	}
	dev, err := open()
	if err != nil {
		return err
	}
	defer func() {
		if errors.Is(err, vk.ErrOutOfDeviceMemory) && !IsBadInput(err) {
			err = BadInput(fmt.Errorf("%w: use smaller pictures, or another --device", err))
		}
		err = errors.Join(err, dev.Close())
	}()
	return f(dev)
}
