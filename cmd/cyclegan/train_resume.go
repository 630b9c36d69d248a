// train --continue_train: the newest valid checkpoint decides the networks and how pictures are read, and what the command line
// says against it is refused by name.

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/shaders"
	"cyclevk/vk"
)

// mayChange are the options in a checkpoint that a continued run may give other values: they decide only how long it goes on, and in
// which order sums are taken.
var mayChange = []string{"n_epochs", "n_epochs_decay", "low_memory"}

// openRun opens the run folder and takes the options from its newest checkpoint.
func (t *training) openRun(c *cli.Context) (err error) {
	if err := app.Required(c, "dataroot", "name"); err != nil {
		return err
	}
	if t.weights, err = cyclegan.LoadOfficial(runPath(c), c.String("epoch")); err != nil || t.weights != nil {
		if err == nil {
			err = t.adoptNetworks(c)
		}
		return err
	}
	if c.String("epoch") != cyclegan.Latest {
		return fmt.Errorf("--epoch %s: %s holds no %[1]s_net_G_A.pth and so on, and a run of this program goes on from its newest checkpoint: leave the option out",
			c.String("epoch"), runPath(c))
	}
	if t.folder, t.from, err = cyclegan.OpenRun(runPath(c)); err != nil {
		return err
	}
	app.WarnOfDamage(c, t.from)
	saved, err := optionsOf(t.from.Config, t.from.Data)
	if err == nil {
		err = adoptOptions(c, saved, "the run was started with", filepath.Base(t.from.Path))
	}
	if err != nil {
		t.folder.Close()
		return err
	}
	t.newest = cyclegan.Saved{Step: t.from.Step, Path: t.from.Path}
	return nil
}

// adoptNetworks takes the options that weights tell, and says what was found.
func (t *training) adoptNetworks(c *cli.Context) error {
	all, err := optionsOf(t.weights.Config)
	if err != nil {
		return err
	}
	networks := []string{"input_nc", "output_nc", "netG", "ngf", "ndf", "norm", "upsample"}
	if t.weights.Config.NetD == "pixel" || c.String("netD") == "pixel" {
		networks = append(networks, "netD")
	}
	if t.weights.Config.NetD != "pixel" {
		networks = append(networks, "n_layers_D") // which basic and n_layers follow from
	}
	if strings.HasPrefix(t.weights.Config.NetG, "resnet") {
		networks = append(networks, "no_dropout") // of a U-Net's dropout its weights say nothing
	}
	told := map[string]json.RawMessage{}
	for _, name := range networks {
		told[name] = all[name]
	}
	if err := adoptOptions(c, told, "the weights there are of networks with", t.weights.Path); err != nil {
		return err
	}
	app.SayNotes(c, t.weights)
	return nil
}

// optionsOf are options and their values in JSON, by the names of the command line.
func optionsOf(parts ...any) (map[string]json.RawMessage, error) {
	options := map[string]json.RawMessage{}
	for _, part := range parts {
		text, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &options); err != nil { // adds to what is there
			return nil, err
		}
	}
	return options, nil
}

// adoptOptions gives every option that the command line leaves out its saved value, and refuses another one; because and where
// say in the error whence the saved value comes.
func adoptOptions(c *cli.Context, saved map[string]json.RawMessage, because, where string) error {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		value, ok := saved[name]
		if !ok {
			continue
		}
		if !c.IsSet(name) {
			if err := c.Set(name, strings.Trim(string(value), `"`)); err != nil {
				return fmt.Errorf("%s: --%s: %w", where, name, err)
			}
			continue
		}
		given, err := json.Marshal(c.Value(name))
		if err != nil {
			return err
		}
		if string(given) != string(value) && !slices.Contains(mayChange, name) {
			return fmt.Errorf("--%s %s: %s %s (%s): leave the option out, or start another run under another --name",
				name, given, because, value, where)
		}
	}
	return nil
}

// checkManifest refuses to go on with other pictures: the order of an epoch, and so the place in it, follows from their number
// and names. The folder itself may have moved.
func (t *training) checkManifest() error {
	if t.from == nil || t.from.Data.Manifest == t.set.Fingerprint() {
		return nil
	}
	return fmt.Errorf("--dataroot %s: its pictures (%d of A, %d of B) are not those that the run was started with (%d and %d; names and sizes count): "+
		"bring them back, or start another run under another --name", t.data.Root, t.set.SizeA(), t.set.SizeB(), t.from.Data.SizeA, t.from.Data.SizeB)
}

// warnOfChanges says why the bits may be others than those of a run that was not interrupted.
func (t *training) warnOfChanges(device vk.DeviceInfo) {
	if t.from == nil {
		return
	}
	var changed []string
	for _, c := range []struct{ what, then, now string }{
		{"the device", t.from.Device, device.Name}, {"the driver", t.from.Driver, device.Driver}, {"the program's shaders", t.from.Shaders, shaders.Hash()},
	} {
		if c.then != c.now {
			changed = append(changed, fmt.Sprintf("%s (%.40s, now %.40s)", c.what, c.then, c.now))
		}
	}
	if then, now := t.from.Config.LowMemory, t.config.LowMemory; then != now {
		changed = append(changed, fmt.Sprintf("--low_memory (%v, now %v)", then, now))
	}
	if len(changed) > 0 {
		fmt.Fprintf(t.stderr, "cyclegan train: another since the checkpoint: %s: the run goes on, with slightly other rounding\n", strings.Join(changed, ", "))
	}
}
