// Package shaders holds the compute kernels: GLSL sources beside the SPIR-V compiled from them. The SPIR-V is committed
// and embedded, so that building the program needs no shader compiler; tools/shaders compiles it and proves it fresh.
package shaders

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed spv/*.spv
var modules embed.FS

//go:embed *.comp spv/manifest.json
var sources embed.FS

// SPIRV returns the SPIR-V module of a shader as little-endian bytes, a multiple of four. The name is that of the
// source or of one of its variants, without extension: "relu_forward". It fails only for an unknown name.
func SPIRV(name string) ([]byte, error) {
	code, err := modules.ReadFile("spv/" + name + ".spv")
	if err != nil {
		return nil, fmt.Errorf("shader %q has no SPIR-V: compile it with ./build.sh shaders and build again: %w", name, err)
	}
	return code, nil
}

// Module is what a shader is compiled from.
type Module struct {
	Source  string // the file, in the folder of the sources
	Defines string // such as -DACCUMULATE; empty for the source as it stands
	Flags   string // of glslangValidator
}

// Modules returns what every shader is compiled from, by name.
func Modules() (map[string]Module, error) {
	var list map[string]Module
	manifest, err := sources.ReadFile("spv/manifest.json")
	if err == nil {
		err = json.Unmarshal(manifest, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("the shaders' manifest: %w", err)
	}
	return list, nil
}

var sentenceEnd = regexp.MustCompile(`: |\. [A-Z]`)

// Title says in a few words what the shader of a source does: the beginning of its first comment.
func (m Module) Title() string {
	text, _ := sources.ReadFile(m.Source) // empty for an unknown source
	line, _, _ := strings.Cut(strings.TrimPrefix(string(text), "// "), "\n")
	if end := sentenceEnd.FindStringIndex(line); end != nil {
		line = line[:end[0]]
	}
	return strings.TrimRight(line, ":.")
}

// Names lists every embedded shader in alphabetical order, as SPIRV takes them.
func Names() []string {
	paths, err := fs.Glob(modules, "spv/*.spv")
	if err != nil {
		return nil // only a malformed pattern fails, and this one is not
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(path, "spv/"), ".spv")
	}
	return names
}

// Hash identifies all shaders together: the SHA-256 over their names and binaries, in hexadecimal.
func Hash() string {
	h := sha256.New()
	for _, name := range Names() {
		code, _ := SPIRV(name) // a name from Names always opens
		fmt.Fprintf(h, "%s %d\n", name, len(code))
		h.Write(code)
	}
	return hex.EncodeToString(h.Sum(nil))
}
