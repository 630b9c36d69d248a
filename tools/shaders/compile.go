// Compiling and checking with the tools that this machine has.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// toolset names the programs found.
type toolset struct {
	compilers []compiler // in the order of preference
	validator string     // spirv-val; empty where there is none
}

// compiler is a glslang.
type compiler struct {
	path    string
	version string // the first line of its --version: "Glslang Version: 11:12.0.0"
	major   int
}

var majorVersion = regexp.MustCompile(`^Glslang Version: \d+:(\d+)\.`)

func findTools(compilers []string, validator string) (toolset, error) {
	var t toolset
	if path, err := exec.LookPath(validator); err == nil {
		t.validator = path
	}
	for _, name := range compilers {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			return t, fmt.Errorf("%s --version: %w", path, err)
		}
		c := compiler{path: path}
		c.version, _, _ = strings.Cut(string(out), "\n")
		if m := majorVersion.FindStringSubmatch(c.version); m != nil {
			c.major, _ = strconv.Atoi(m[1])
		}
		t.compilers = append(t.compilers, c)
	}
	return t, nil
}

// compiler is the first that is new enough for a module, or nil.
func (t toolset) compiler(m module) *compiler {
	for i := range t.compilers {
		if t.compilers[i].major >= m.Glslang {
			return &t.compilers[i]
		}
	}
	return nil
}

// build compiles every stale module and returns one complaint for each that does not compile. A fresh module is left
// alone, so that one made by a newer compiler survives a run with an older one.
func build(dir string, tools toolset) ([]string, error) {
	if len(tools.compilers) == 0 {
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
// recompiles and compares bytes; elsewhere the hashes must hold and the module must be valid. unseen are the modules of which the
// hashes alone were looked at, for want of a compiler as new as their sources ask for.
func checkFresh(dir string, tools toolset) (complaints, unseen []string, err error) {
	wanted, err := scan(dir)
	if err != nil {
		return nil, nil, err
	}
	have, err := readManifest(dir)
	if err != nil {
		return nil, nil, err
	}
	complain := func(path, why string) {
		complaints = append(complaints, fmt.Sprintf("%s is stale: %s; run ./build.sh shaders", path, why))
	}
	for _, name := range sorted(wanted) {
		path := spvPath(dir, name)
		why, err := whyStale(dir, name, wanted[name], have[name])
		if err != nil {
			return nil, nil, err
		}
		switch {
		case why != "":
		case wanted[name].Glslang > 0 && tools.compiler(wanted[name]) == nil:
			unseen = append(unseen, name)
		default:
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
	return complaints, unseen, err
}

// whyWrong looks at a module whose hashes hold; an empty answer means that nothing is wrong with it.
func whyWrong(dir, path string, m module, tools toolset) string {
	if c := tools.compiler(m); c == nil || c.version != m.Compiler {
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
	with := tools.compiler(m)
	if with == nil {
		return m, nil, fmt.Errorf("%s asks for glslang %d or newer, found %s: put a newer glslang on the PATH", m.Source, m.Glslang, tools.compilers[0].version)
	}
	temp, err := os.MkdirTemp("", "shaders-")
	if err != nil {
		return m, nil, err
	}
	defer os.RemoveAll(temp)
	spv, deps := filepath.Join(temp, "out.spv"), filepath.Join(temp, "out.d")
	arguments := append(strings.Fields(m.Flags+" "+m.Defines), "--quiet", "--depfile", deps, "-o", spv, m.Source)
	if err := run(dir, with.path, arguments...); err != nil {
		return m, nil, err
	}
	if err := validate(spv, m, tools); err != nil {
		return m, nil, err
	}
	code, err := os.ReadFile(spv)
	if err != nil {
		return m, nil, err
	}
	m.Compiler, m.SPIRVSHA256 = with.version, hash(code)
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
