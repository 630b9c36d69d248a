// Compiling and checking with the tools that this machine has.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// toolset names the programs found; an empty path means that there is none.
type toolset struct {
	compiler, version string // glslang and the first line of its --version
	validator         string // spirv-val
}

func findTools(compiler, validator string) (toolset, error) {
	var t toolset
	if path, err := exec.LookPath(validator); err == nil {
		t.validator = path
	}
	path, err := exec.LookPath(compiler)
	if err != nil {
		return t, nil
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return t, fmt.Errorf("%s --version: %w", path, err)
	}
	t.compiler = path
	t.version, _, _ = strings.Cut(string(out), "\n")
	return t, nil
}

// build compiles every stale module and returns one complaint for each that does not compile. A fresh module is left
// alone, so that one made by a newer compiler survives a run with an older one.
func build(dir string, tools toolset) ([]string, error) {
	if tools.compiler == "" {
		return nil, errors.New("no glslangValidator found: install the package glslang-tools")
	}
	wanted, err := scan(dir)
	if err != nil {
		return nil, err
	}
	have, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "spv"), 0o755); err != nil {
		return nil, err
	}
	result, complaints := manifest{}, []string(nil)
	for _, name := range sorted(wanted) {
		why, err := whyStale(dir, name, wanted[name], have[name])
		if err != nil {
			return nil, err
		}
		if why == "" {
			result[name] = have[name]
			continue
		}
		made, code, err := compile(dir, wanted[name], tools)
		if err == nil {
			err = replaceFile(spvPath(dir, name), code)
		}
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s: %v", name, err))
			made = have[name] // still stale, and said so by the next check
		}
		if made.Source != "" {
			result[name] = made
		}
	}
	stale, err := orphans(dir, wanted)
	if err != nil {
		return nil, err
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return complaints, writeManifest(dir, result)
}

// checkFresh returns one complaint for each stale module. Where the very compiler of the manifest is present it
// recompiles and compares bytes; elsewhere the hashes must hold and the module must be valid.
func checkFresh(dir string, tools toolset) ([]string, error) {
	wanted, err := scan(dir)
	if err != nil {
		return nil, err
	}
	have, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	var complaints []string
	complain := func(path, why string) {
		complaints = append(complaints, fmt.Sprintf("%s is stale: %s; run ./build.sh shaders", path, why))
	}
	for _, name := range sorted(wanted) {
		path := spvPath(dir, name)
		why, err := whyStale(dir, name, wanted[name], have[name])
		if err != nil {
			return nil, err
		}
		if why == "" {
			why = whyWrong(dir, path, have[name], tools)
		}
		if why != "" {
			complain(path, why)
		}
	}
	stale, err := orphans(dir, wanted)
	for _, path := range stale {
		complain(path, "no source asks for it")
	}
	for _, name := range sorted(have) {
		if _, ok := wanted[name]; !ok && !slices.Contains(stale, spvPath(dir, name)) {
			complain(manifestPath(dir), "it lists "+name+", which no source asks for")
		}
	}
	return complaints, err
}

// whyWrong looks at a module whose hashes hold; an empty answer means that nothing is wrong with it.
func whyWrong(dir, path string, m module, tools toolset) string {
	if tools.version != m.Compiler {
		if err := validate(path, m, tools); err != nil {
			return err.Error()
		}
		return ""
	}
	made, _, err := compile(dir, m, tools)
	switch {
	case err != nil:
		return err.Error()
	case made.SPIRVSHA256 != m.SPIRVSHA256:
		return "compiling it again gives other bytes"
	}
	return ""
}

// compile returns the module completed with includes, compiler and hashes, and its SPIR-V. A module that spirv-val
// refuses is an error.
func compile(dir string, m module, tools toolset) (module, []byte, error) {
	temp, err := os.MkdirTemp("", "shaders-")
	if err != nil {
		return m, nil, err
	}
	defer os.RemoveAll(temp)
	spv, deps := filepath.Join(temp, "out.spv"), filepath.Join(temp, "out.d")
	arguments := append(strings.Fields(m.Flags+" "+m.Defines), "--quiet", "--depfile", deps, "-o", spv, m.Source)
	if err := run(dir, tools.compiler, arguments...); err != nil {
		return m, nil, err
	}
	if err := validate(spv, m, tools); err != nil {
		return m, nil, err
	}
	code, err := os.ReadFile(spv)
	if err != nil {
		return m, nil, err
	}
	m.Compiler, m.SPIRVSHA256 = tools.version, hash(code)
	m.Includes, err = readIncludes(dir, deps, m.Source)
	return m, code, err
}

// readIncludes hashes the files of a make rule "out.spv: x.comp ./inc/a.glsl", the source itself left out.
func readIncludes(dir, depfile, source string) (map[string]string, error) {
	rule, err := os.ReadFile(depfile)
	if err != nil {
		return nil, err
	}
	_, files, _ := bytes.Cut(rule, []byte(": "))
	includes := map[string]string{}
	for _, file := range strings.Fields(string(files)) {
		file = filepath.ToSlash(filepath.Clean(file))
		if file == source {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		includes[file] = hash(data)
	}
	return includes, nil
}

// validate runs spirv-val, where there is one, for the environment that the module was compiled for: the last named.
func validate(path string, m module, tools toolset) error {
	if tools.validator == "" {
		return nil
	}
	const option = "--target-env "
	environment, _, _ := strings.Cut(m.Flags[strings.LastIndex(m.Flags, option)+len(option):], " ")
	return run("", tools.validator, "--target-env", environment, path)
}

// run fails with the first line that the program printed.
func run(dir, program string, arguments ...string) error {
	cmd := exec.Command(program, arguments...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %s (%w)", filepath.Base(program), line, err)
	}
	return nil
}
