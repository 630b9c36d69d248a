// The manifest: what each committed module was made from, so that staleness shows without a compiler.

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// module is one manifest entry. Paths are relative to the folder of the sources; every hash is SHA-256 in hexadecimal.
type module struct {
	Source       string            `json:"source"`
	SourceSHA256 string            `json:"source_sha256"`
	Includes     map[string]string `json:"includes,omitempty"` // path to hash
	Defines      string            `json:"defines,omitempty"`  // "-DA=1 -DB"
	Flags        string            `json:"flags"`
	Glslang      int               `json:"glslang,omitempty"` // the oldest major version that compiles it; 0 for any
	Compiler     string            `json:"compiler"`
	SPIRVSHA256  string            `json:"spirv_sha256"`
}

// manifest maps a module's name to what it was made from.
type manifest map[string]module

// baseFlags give Vulkan 1.1 SPIR-V without names, lines or paths, so that the bytes depend on the meaning alone.
const baseFlags = "-V --target-env vulkan1.1 -g0"

var (
	directive   = regexp.MustCompile(`(?m)^//!.*$`)
	glslangLine = regexp.MustCompile(`^//! glslang (\d+)$`)
	variantLine = regexp.MustCompile(`^//! variant (\w+)((?: -\S+)(?: \S+)*)$`)
)

func manifestPath(dir string) string        { return filepath.Join(dir, "spv", "manifest.json") }
func spvPath(dir, name string) string       { return filepath.Join(dir, "spv", name+".spv") }
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// scan lists the modules that the sources ask for, with source, defines and flags filled in.
func scan(dir string) (manifest, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.comp"))
	if err != nil {
		return nil, err
	}
	wanted := manifest{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m := module{Source: filepath.Base(path), SourceSHA256: hash(text), Flags: baseFlags}
		names, variants := []string{strings.TrimSuffix(m.Source, ".comp")}, []module{m}
		for _, line := range directive.FindAllString(string(text), -1) {
			if fields := glslangLine.FindStringSubmatch(line); fields != nil { // of the variants below, and of the source itself where it is above all
				m.Glslang, _ = strconv.Atoi(fields[1]) // digits
				if len(variants) == 1 {
					variants[0] = m
				}
				continue
			}
			fields := variantLine.FindStringSubmatch(line)
			if fields == nil {
				return nil, fmt.Errorf("%s: %q: want //! variant NAME -DFOO=1 or //! glslang 13", path, line)
			}
			names, variants = append(names, fields[1]), append(variants, m.with(strings.Fields(fields[2])))
		}
		for i, name := range names {
			if other, taken := wanted[name]; taken {
				return nil, fmt.Errorf("%s: module %q is already made from %s: rename one", path, name, other.Source)
			}
			wanted[name] = variants[i]
		}
	}
	return wanted, nil
}

// with adds options to a module: defines where they define, flags otherwise.
func (m module) with(options []string) module {
	for _, option := range options {
		if strings.HasPrefix(option, "-D") {
			m.Defines = strings.TrimSpace(m.Defines + " " + option)
		} else {
			m.Flags += " " + option
		}
	}
	return m
}

// readManifest returns an empty manifest where none was written yet.
func readManifest(dir string) (manifest, error) {
	data, err := os.ReadFile(manifestPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, nil
	}
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: delete it and run ./build.sh shaders: %w", manifestPath(dir), err)
	}
	return m, nil
}

func writeManifest(dir string, m manifest) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(manifestPath(dir), append(data, '\n'))
}

// whyStale compares what a module should be made from with what the manifest says, and the hashes with the files.
// An empty answer means fresh.
func whyStale(dir, name string, want, have module) (string, error) {
	switch {
	case have.Source == "":
		return "was never compiled", nil
	case have.Source != want.Source || have.Defines != want.Defines || have.Flags != want.Flags || have.Glslang != want.Glslang:
		return "its source file, defines or flags changed", nil
	case have.SourceSHA256 != want.SourceSHA256:
		return want.Source + " changed", nil
	}
	for _, include := range sorted(have.Includes) {
		if same, err := hasHash(filepath.Join(dir, include), have.Includes[include]); !same {
			return include + " changed", err
		}
	}
	if same, err := hasHash(spvPath(dir, name), have.SPIRVSHA256); !same {
		return "the module is not the one that was compiled", err
	}
	return "", nil
}

// hasHash is false for a file that is not there.
func hasHash(path, want string) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && hash(data) == want, err
}

// orphans lists the files in spv/ that no source asks for.
func orphans(dir string, wanted manifest) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "spv", "*.spv"))
	return slices.DeleteFunc(paths, func(path string) bool {
		_, ok := wanted[strings.TrimSuffix(filepath.Base(path), ".spv")]
		return ok
	}), err
}

// replaceFile leaves either the old file or the whole new one, and does not touch a file that already holds the data.
func replaceFile(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
