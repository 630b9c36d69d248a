// The page of a run folder over an interruption: what lies on the disk is shown again, but for what will happen anew.

package cyclegan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/report/reporttest"
)

func TestRunPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a [run] <b>")
	r, err := CreateRun(path)
	if err != nil {
		t.Fatal(err)
	}
	step := func(epoch, step int, loss float32) {
		t.Helper()
		if err := r.Log(Record{Step: step, Epoch: epoch, Losses: Losses{{"G_A", loss}}}); err != nil {
			t.Fatal(err)
		}
		if err := r.SaveGrid(epoch, step, data.NewImage(2, 2)); err != nil {
			t.Fatal(err)
		}
	}
	page := func(want ...string) reporttest.Page {
		t.Helper()
		p := reporttest.Read(t, filepath.Join(path, "web/index.html"))
		if diff := cmp.Diff(want, p.Pictures); diff != "" {
			t.Errorf("grids (-want +got):\n%s", diff)
		}
		return p
	}
	step(1, 2, 0.5)
	step(1, 4, 0.25)
	step(2, 6, 0.125)
	if p := page("images/epoch002_step000006.png", "images/epoch001_step000004.png", "images/epoch001_step000002.png"); !strings.Contains(p.Text, "0.125\n") {
		t.Errorf("the page does not show the last losses:\n%s", p.Text)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(path, "web/index.html.123.tmp")
	if err := os.WriteFile(left, nil, 0o644); err != nil {
		t.Fatal(err)
	}

	if r, err = lockRun(path); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Continue(&Checkpoint{Info: Info{Step: 4}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("a page that a killed process left half written is still there")
	}
	if err := r.SaveGrid(1, 4, data.NewImage(2, 2)); err != nil {
		t.Fatal(err)
	}
	p := page("images/epoch001_step000004.png", "images/epoch001_step000002.png")
	if p.Title != "Experiment name = a [run] <b>" || !strings.Contains(p.Text, "0.250\n") || strings.Contains(p.Text, "0.125\n") {
		t.Errorf("after going on from step 4, the page is called %q and shows:\n%s", p.Title, p.Text)
	}
}
