// Proves that what is embedded can be found by name and is SPIR-V for Vulkan 1.1.

package shaders

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestEveryModuleIsSPIRV(t *testing.T) {
	names := Names()
	if len(names) == 0 || !slices.IsSorted(names) {
		t.Fatalf("Names() = %q, want some, sorted", names)
	}
	const magic, newest = 0x07230203, 0x00010300 // the header's first two words; Vulkan 1.1 takes SPIR-V up to 1.3
	for _, name := range names {
		code, err := SPIRV(name)
		if err != nil {
			t.Errorf("SPIRV(%q): %v", name, err)
			continue
		}
		if len(code) < 20 || len(code)%4 != 0 {
			t.Errorf("%s: %d bytes, want whole words and a header of five", name, len(code))
			continue
		}
		if m, v := binary.LittleEndian.Uint32(code), binary.LittleEndian.Uint32(code[4:]); m != magic || v > newest {
			t.Errorf("%s: magic %#x, version %#x, want %#x and at most %#x", name, m, v, magic, newest)
		}
	}
}

// TestModules: every shader is made from a source, with what it does at its head and options that are the compiler's alone.
func TestModules(t *testing.T) {
	modules, err := Modules()
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) != len(Names()) {
		t.Errorf("%d modules for %d shaders", len(modules), len(Names()))
	}
	for _, name := range Names() {
		m := modules[name]
		if title := m.Title(); len(title) < 4 || strings.HasPrefix(title, "#") || !strings.HasSuffix(m.Source, ".comp") || !strings.Contains(m.Flags, "-V") {
			t.Errorf("%s: %+v does %q", name, m, title)
		}
	}
}

func TestUnknownNameIsNamedWithItsCure(t *testing.T) {
	_, err := SPIRV("no_such_shader")
	if err == nil || !strings.Contains(err.Error(), `"no_such_shader"`) || !strings.Contains(err.Error(), "./build.sh shaders") {
		t.Errorf("SPIRV of an unknown name: %v, want the name and the cure", err)
	}
}
