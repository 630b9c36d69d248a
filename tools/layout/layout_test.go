// Package layout keeps the tree as it was designed: which package may import which, what a library may not do, how long
// a file may be, and that no shader lacks a kernel or a test. Each rule is a function from what it reads to the faults it
// finds, shown to find them by rules_test.go.
package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestImportsFlowOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		report(t, importFaults(p))
	}
}

func TestFiles(t *testing.T) {
	for _, f := range sources(t) {
		report(t, lengthFaults(f))
		report(t, openingFaults(f))
		report(t, rowFaults(f))
		if strings.HasSuffix(f.path, ".go") {
			report(t, boundaryFaults(f))
			report(t, libraryFaults(f))
		}
	}
}

func TestEveryShaderHasAKernelAndATest(t *testing.T) {
	report(t, shaderFaults(sources(t)))
}

func report(t *testing.T, faults []string) {
	t.Helper()
	for _, f := range faults {
		t.Error(f)
	}
}

// file is a hand-written source; its path is relative to the root, with slashes.
type file struct{ path, text string }

// sources reads every hand-written source of the project, build tags or not.
func sources(t *testing.T) []file {
	t.Helper()
	made := map[string]bool{".git": true, "testdata": true, "bin": true, "out": true, "checkpoints": true, "results": true, "datasets": true}
	var files []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && made[entry.Name()]:
			return filepath.SkipDir
		case entry.IsDir() || commentMark(path) == "":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if !generated.Match(text) {
			files = append(files, file{filepath.ToSlash(name), string(text)})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal(fmt.Errorf("no sources under %s", root))
	}
	return files
}
