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

	"cyclevk/cyclegan"
	"cyclevk/shaders"
	"cyclevk/vk"
)

// mayChange are the options in a checkpoint that a continued run may give other values: they decide only how long it goes on.
var mayChange = []string{"n_epochs", "n_epochs_decay"}

// openRun opens the run folder and takes the options from its newest checkpoint.
func (t *training) openRun(c *cli.Context) (err error) {
	if err := required(c, "dataroot", "name"); err != nil {
		return err
	}
	if t.folder, t.from, err = cyclegan.OpenRun(runPath(c)); err != nil {
		return err
	}
	warnOfDamage(t.stderr, c.Command.Name, t.from)
	if err := adoptOptions(c, t.from); err != nil {
		t.folder.Close()
		return err
	}
	t.newest = cyclegan.Saved{Step: t.from.Step, Path: t.from.Path}
	return nil
}

// adoptOptions gives every option that the command line leaves out the checkpoint's value. Checkpoints name them as the
// command line does.
func adoptOptions(c *cli.Context, from *cyclegan.Checkpoint) error {
	saved := map[string]json.RawMessage{}
	for _, part := range []any{from.Config, from.Data} {
		text, err := json.Marshal(part)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &saved); err != nil { // adds to what is there
			return err
		}
	}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		value, ok := saved[name]
		if !ok {
			continue
		}
		if !c.IsSet(name) {
			if err := c.Set(name, strings.Trim(string(value), `"`)); err != nil {
				return fmt.Errorf("checkpoint %s: --%s: %w", from.Path, name, err)
			}
			continue
		}
		given, err := json.Marshal(c.Value(name))
		if err != nil {
			return err
		}
		if string(given) != string(value) && !slices.Contains(mayChange, name) {
			return fmt.Errorf("--%s %s: the run was started with %s (%s): leave the option out, or start another run under another --name",
				name, given, value, filepath.Base(from.Path))
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
	if len(changed) > 0 {
		fmt.Fprintf(t.stderr, "cyclegan train: another since the checkpoint: %s: the run goes on, with slightly other rounding\n", strings.Join(changed, ", "))
	}
}
