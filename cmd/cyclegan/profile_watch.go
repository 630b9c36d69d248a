// The option --watch of profile kernel: a shader's source is compiled, verified and timed each time that it changes.

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/kernels"
	"cyclevk/shaders"
)

const (
	compilerName = "glslangValidator"
	watchEvery   = 200 * time.Millisecond
	compileLimit = time.Minute
)

// watched is the source under watch. What the compiler is told comes from the program itself and never from the folder.
type watched struct {
	compiler, dir, source string
	modules               map[string]shaders.Module // that are made from the source, by name
}

// newWatched finds the compiler, and the source of a shader in a folder.
func newWatched(shader, dir string) (*watched, error) {
	all, err := shaders.Modules()
	if err != nil {
		return nil, err
	}
	w := &watched{dir: dir, source: all[shader].Source, modules: map[string]shaders.Module{}}
	for name, m := range all {
		if m.Source == w.source {
			w.modules[name] = m
		}
	}
	if info, err := os.Stat(filepath.Join(dir, w.source)); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("--shaders %s: there is no file %s: name the folder of the sources", dir, w.source)
	}
	if w.compiler, err = exec.LookPath(compilerName); err != nil { // which never finds one in the working folder
		return nil, fmt.Errorf("--watch: no %s: install the package glslang-tools (Debian, Ubuntu), glslang (Arch, Fedora) or the Vulkan SDK", compilerName)
	}
	return w, nil
}

var includeLine = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"`)

// state is a hash of the source and of what it includes, as far as that lies in the folder.
func (w *watched) state() (string, error) {
	root, err := os.OpenRoot(w.dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	h, files := sha256.New(), []string{w.source}
	for i := 0; i < len(files); i++ {
		text, err := fs.ReadFile(root.FS(), files[i])
		if err != nil && i == 0 {
			return "", err
		}
		fmt.Fprintf(h, "%s %d %v\n", files[i], len(text), err == nil) // an include that is not there is for the compiler to name
		h.Write(text)
		for _, m := range includeLine.FindAllSubmatch(text, -1) {
			if file := path.Join(path.Dir(files[i]), string(m[1])); fs.ValidPath(file) && !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return string(h.Sum(nil)), nil
}

// compile returns the modules of the source, by name.
func (w *watched) compile(ctx context.Context) (map[string][]byte, error) {
	temp, err := os.MkdirTemp("", "cyclegan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	ctx, stop := context.WithTimeout(ctx, compileLimit)
	defer stop()
	made, spv := map[string][]byte{}, filepath.Join(temp, "out.spv")
	for name, m := range w.modules {
		cmd := exec.CommandContext(ctx, w.compiler, append(strings.Fields(m.Flags+" "+m.Defines), "--quiet", "-o", spv, m.Source)...)
		cmd.Dir = w.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", strings.TrimSpace(m.Source+" "+m.Defines), err, oneLine(errors.New(string(out))))
		}
		if made[name], err = os.ReadFile(spv); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// watch compiles, verifies and times until ctx ends, which is how a watch is meant to end.
func (o *kernelRun) watch(ctx context.Context, out io.Writer, dir string) error {
	w, err := newWatched(o.name, dir)
	if err != nil {
		return app.BadInput(err)
	}
	fmt.Fprintf(out, "watching %s and what it includes; Ctrl-C ends\n", filepath.Join(dir, w.source))
	var last *kernelProfile
	seen := ""
	for ctx.Err() == nil {
		// An editor may be about to put the file back: what cannot be read is looked for again.
		if state, err := w.state(); err == nil && state != seen {
			seen = state
			k, err := o.round(ctx, w)
			switch {
			case ctx.Err() != nil:
				return nil
			case app.ExitCode(err) == app.ExitBadInput && !kernels.Skipped(err): // no source mends that
				return err
			case err != nil:
				fmt.Fprintf(out, "%s %s\n", time.Now().Format(time.TimeOnly), oneLine(err))
			case last == nil:
				if err := k.print(out); err != nil {
					return err
				}
				last = k
			default:
				k.printRatios(out, last)
				last = k
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchEvery):
		}
	}
	return nil
}

// round compiles the source and runs the shader once.
func (o *kernelRun) round(ctx context.Context, w *watched) (*kernelProfile, error) {
	made, err := w.compile(ctx)
	if err != nil {
		return nil, err
	}
	for name, code := range made {
		defer kernels.Replace(name, code)()
	}
	return o.run(ctx)
}

// printRatios sets the default tile of each pass against its time before.
func (k *kernelProfile) printRatios(out io.Writer, last *kernelProfile) {
	fmt.Fprintf(out, "%s %s\n", time.Now().Format(time.TimeOnly), k.verdict())
	for _, pass := range k.Passes {
		same := func(p shapeTime) bool { return p.Pass == pass.Pass && p.Shader == pass.Shader }
		i := slices.IndexFunc(last.Passes, same)
		if len(pass.Tiles) == 0 || i < 0 || len(last.Passes[i].Tiles) == 0 {
			continue
		}
		now, before := pass.Tiles[0], last.Passes[i].Tiles[0]
		fmt.Fprintf(out, "  %s, %s: %.3f ms (%.3f to %.3f), %.2f times the %.3f ms before\n",
			pass.Pass, pass.Shader, now.Median, now.Min, now.Max, now.Median/before.Median, before.Median)
	}
}
