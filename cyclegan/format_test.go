// Checkpoints of every version of the format are read for ever: one golden file a version.

package cyclegan

import (
	"os"
	"path/filepath"
	"testing"

	"cyclevk/vk/vktest"
)

// TestOldFormats: testdata/checkpoint-v1 is tiny()'s third step, as CYCLEVK_GOLDEN=1 writes it for the version of the day.
func TestOldFormats(t *testing.T) {
	const path = "testdata/checkpoint-v1" + Extension
	if os.Getenv("CYCLEVK_GOLDEN") != "" {
		tr := startTrainer(t, vktest.Device(t), tiny(), nil)
		defer tr.Close()
		if err := os.WriteFile(path, train(t, tr, 3), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Config != tiny() || c.Step != 3 || len(c.Nets) != 4 || len(c.PoolA) != 2 || len(c.PoolB) != 2 {
		t.Errorf("read as step %d, %d networks, pools of %d and %d, %+v", c.Step, len(c.Nets), len(c.PoolA), len(c.PoolB), c.Config)
	}
	if err := c.Finite(); err != nil {
		t.Error(err)
	}
	// It is complete: a training goes on from it.
	tr := startTrainer(t, vktest.Device(t), c.Config, c)
	defer tr.Close()
	if got := train(t, tr, 1); len(got) == 0 || tr.Steps() != 4 {
		t.Errorf("after one more step: step %d", tr.Steps())
	}
	// Written again, it is the same network by network.
	again := filepath.Join(t.TempDir(), FileName(3))
	if err := c.Save(again); err != nil {
		t.Fatal(err)
	}
	if c2, err := Load(again); err != nil || !same(c, c2) {
		t.Errorf("saved again, the checkpoint differs (%v)", err)
	}
}
