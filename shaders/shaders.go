// Package shaders holds the compute kernels: GLSL sources beside the SPIR-V compiled from them. The SPIR-V is committed
// and embedded, so that building the program needs no shader compiler; tools/shaders compiles it and proves it fresh.
package shaders

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed spv/*.spv
var modules embed.FS

// SPIRV returns the SPIR-V module of a shader as little-endian bytes, a multiple of four. The name is that of the
// source or of one of its variants, without extension: "relu_forward". It fails only for an unknown name.
func SPIRV(name string) ([]byte, error) {
	code, err := modules.ReadFile("spv/" + name + ".spv")
	if err != nil {
		return nil, fmt.Errorf("shader %q has no SPIR-V: compile it with ./build.sh shaders and build again: %w", name, err)
	}
	return code, nil
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
