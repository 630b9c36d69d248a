// The command devices: what could train here.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"cyclevk/shaders"
	"cyclevk/vk"
)

// deviceEntry is a device as `devices --json` prints it.
type deviceEntry struct {
	Index  int    `json:"index"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Driver string `json:"driver"`
	API    string `json:"api"`
	Memory int    `json:"memory_bytes"`
	Tuned  int    `json:"tuned_passes"` // that tune found to be faster with other tiles
	Chosen bool   `json:"chosen"`
	Facts  []fact `json:"facts,omitempty"` // with --verbose
}

func devicesCommand() *cli.Command {
	return &cli.Command{
		Name:  "devices",
		Usage: "list the Vulkan devices, and mark the one that is used where none is named",
		Description: `The best device is chosen: a discrete GPU before an integrated one, before a virtual one, before a CPU.
--device of the other commands takes an index or a part of a name, and so does the environment variable CYCLEVK_DEVICE.
CYCLEVK_TIMEOUT (10m) is how long a device may take for one piece of work. Compiled pipelines are stored in the user's cache
folder, under cyclevk, unless CYCLEVK_PIPELINE_CACHE is "off", and so is what the command tune measured (CYCLEVK_TUNING).
--verbose says what each device has that the shaders could use, what of it is used, and why the rest is not.
CYCLEVK_DEBUG=1 names buffers, pipelines and dispatches for debuggers and in the error of a lost device.

Examples:
   cyclegan devices
   cyclegan devices --verbose
   cyclegan devices --json
   CYCLEVK_DEVICE=radeon cyclegan devices`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "verbose", Usage: "say of each device what it can do and what of that is used"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: listDevices,
	}
}

// deviceOption is of each command that opens a device.
const deviceOption = "device"

func deviceFlag() cli.Flag {
	return &cli.StringFlag{Name: deviceOption, Usage: "`DEVICE` by its index or a part of its name in the list of the command devices (default: the best)"}
}

// validateFlag goes with deviceFlag.
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

// cacheVariable is the environment variable that, set to "off", keeps compiled pipelines from being stored between runs.
const cacheVariable = "CYCLEVK_PIPELINE_CACHE"

// withDevice opens the device of --device for f, with what the user's cache folder holds for it.
func withDevice(choice string, f func(*vk.Device) error) error {
	return withBareDevice(choice, func(dev *vk.Device) error {
		if folder, err := os.UserCacheDir(); err == nil && os.Getenv(cacheVariable) != "off" {
			dev.CachePipelines(filepath.Join(folder, "cyclevk"), shaders.Hash())
		}
		dev.Tuning = storedTuning(dev.Info)
		return f(dev)
	})
}

// withBareDevice opens the device of --device for f. Closing it reports what the validation layers still hold.
func withBareDevice(choice string, f func(*vk.Device) error) (err error) {
	dev, err := vk.Open(choice)
	if err != nil {
		return err
	}
	defer func() {
		if errors.Is(err, vk.ErrOutOfDeviceMemory) && !errors.As(err, &badInput{}) {
			err = badInput{fmt.Errorf("%w: use smaller pictures, or another --device", err)}
		}
		err = errors.Join(err, dev.Close())
	}()
	return f(dev)
}

func listDevices(c *cli.Context) error {
	devices, err := vk.Devices()
	if err != nil {
		return err
	}
	chosen, wrongChoice := vk.Choose(devices, "") // CYCLEVK_DEVICE may name none: the list is then what the user needs
	list := make([]deviceEntry, len(devices))
	for i, d := range devices {
		list[i] = deviceEntry{d.Index, d.Name, d.Type.String(), d.Driver, d.API, d.Memory, len(storedTuning(d)), wrongChoice == nil && d.Index == chosen.Index, nil}
		if c.Bool("verbose") {
			list[i].Facts = append(deviceFacts(d), devicePaths(d)...)
		}
	}
	if c.Bool("json") {
		encoder := json.NewEncoder(c.App.Writer)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(list); err != nil {
			return err
		}
		return wrongChoice
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tindex\tname\ttype\tdriver\tVulkan\tmemory\ttuned passes")
	for _, d := range list {
		mark := ""
		if d.Chosen {
			mark = "*"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\n", mark, d.Index, d.Name, d.Type, d.Driver, d.API, byteSize(d.Memory), d.Tuned)
	}
	for _, d := range list {
		if len(d.Facts) > 0 {
			fmt.Fprintf(w, "\n%d: %s\n", d.Index, d.Name)
		}
		for _, f := range d.Facts {
			fmt.Fprintf(w, "  %s\t%s\n", f.What, f.Is)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return wrongChoice
}

// byteSize writes a number of bytes for people.
func byteSize(n int) string {
	const mib = 1 << 20
	if n < 1024*mib {
		return fmt.Sprintf("%.1f MiB", float64(n)/mib)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1024*mib))
}
