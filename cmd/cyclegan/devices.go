// The command devices: what could train here.

package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
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
CYCLEVK_MEMORY is the most MiB of device memory that a command may take, and so what a smaller device would do.
CYCLEVK_TIMEOUT (10m) is how long a device may take for one piece of work. Compiled pipelines are stored in the user's cache
folder, under cyclevk, unless CYCLEVK_PIPELINE_CACHE is "off", and so is what the command tune measured (CYCLEVK_TUNING).
CYCLEVK_MATRICES lists kinds of cooperative matrices to use though no driver has proven their kernels: bf16, workgroup.
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

func listDevices(c *cli.Context) error {
	if err := app.UseUnproven(); err != nil {
		return err
	}
	devices, err := vk.Devices()
	if err != nil {
		return err
	}
	chosen, wrongChoice := vk.Choose(devices, "") // CYCLEVK_DEVICE may name none: the list is then what the user needs
	list := make([]deviceEntry, len(devices))
	for i, d := range devices {
		list[i] = deviceEntry{d.Index, d.Name, d.Type.String(), d.Driver, d.API, d.Memory, len(app.StoredTuning(d)), wrongChoice == nil && d.Index == chosen.Index, nil}
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
