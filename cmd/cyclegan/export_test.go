// What export writes.

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/onnx/onnxtest"
)

// checkONNX exports the model of TestEndToEnd. What the files compute is the concern of package cyclegan's tests.
func checkONNX(t *testing.T, dir string) {
	t.Helper()
	r := must(t, dir, "export", "--model", "checkpoints/one", "--format", "onnx", "--out", "to/onnx")
	for _, net := range []string{"G_A", "G_B"} {
		name := filepath.Join("to/onnx", "latest_net_"+net+".onnx")
		if !strings.Contains(r.stdout, "wrote "+name+"\n") {
			t.Errorf("export does not say that it wrote %s:\n%s", name, r.stdout)
		}
		if m := onnxtest.Parse(t, []byte(read(t, dir, name))); m.Metadata["network"] != net || m.Version != app.Version {
			t.Errorf("%s says %v, version %q", name, m.Metadata, m.Version)
		}
	}
	if files, err := os.ReadDir(filepath.Join(dir, "to/onnx")); err != nil || len(files) != 2 {
		t.Errorf("the folder holds %v (%v)", files, err)
	}
	wantRefusal(t, runProgram(t, program(t, dir, "export", "--model", "checkpoints/one", "--format", "onnx", "--out", "scenes/classes.json")),
		[]string{"scenes/classes.json"})
}
