// Proves that the committed SPIR-V is fresh, and that the check which says so can fail.

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCommittedModulesAreFresh(t *testing.T) {
	complaints, unseen, err := checkFresh("../../shaders", tools(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range complaints {
		t.Error(c)
	}
	t.Logf("by their hashes alone: %q", unseen)
}

// TestCheckCatches changes one thing at a time in a fresh tree. Each must be caught by recompiling and by hashes alone.
func TestCheckCatches(t *testing.T) {
	all := tools(t)
	if len(all.compilers) == 0 {
		t.Skip("no glslangValidator")
	}
	built := freshTree(t, all)
	for _, with := range []toolset{all, {}} {
		if complaints, _, err := checkFresh(built, with); err != nil || len(complaints) > 0 {
			t.Fatalf("before any change: %q, %v", complaints, err)
		}
	}
	fresh := os.DirFS(built)
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, dir string)
	}{
		{"source", "double.spv is stale: double.comp changed", appendTo("double.comp", "// more\n")},
		{"include", "double.spv is stale: inc/twice.glsl changed", appendTo("inc/twice.glsl", "// more\n")},
		{"nested include", "double.spv is stale: inc/two.glsl changed", appendTo("inc/two.glsl", "// more\n")},
		{"module", "double.spv is stale: the module is not the one", appendTo("spv/double.spv", "\x00\x00\x00\x00")},
		{"new variant", "new.spv is stale: was never compiled", appendTo("double.comp", "//! variant new -DTWO=2.0\n")},
		{"defines", "quadruple.spv is stale: its source file, defines", replaceIn("double.comp", "TWO=4.0", "TWO=5.0")},
		{"new source", "other.spv is stale: was never compiled", appendTo("other.comp", "#version 450\n")},
		{"lost module", "double.spv is stale: the module is not the one", remove("spv/double.spv")},
		{"lost source", "double.spv is stale: no source asks for it", remove("double.comp")},
		{"lost source and module", "manifest.json is stale: it lists double,", remove("double.comp", "spv/double.spv")},
		{"lost manifest", "double.spv is stale: was never compiled", remove("spv/manifest.json")},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, fresh); err != nil {
				t.Fatal(err)
			}
			c.change(t, dir)
			for _, with := range []toolset{all, {}} {
				complaints, _, err := checkFresh(dir, with)
				if got := strings.Join(complaints, "\n"); err != nil || !strings.Contains(got, c.want) {
					t.Errorf("compilers %v: got %q, %v, want %q", with.compilers, got, err, c.want)
				}
			}
		})
	}
}

// TestNewerCompiler: a source that asks for one is compiled, and looked at again, only where it is there; so are variants, where the line
// stands below others.
func TestNewerCompiler(t *testing.T) {
	old := tools(t)
	if len(old.compilers) == 0 {
		t.Skip("no glslangValidator")
	}
	dir := freshTree(t, old)
	replaceIn("double.comp", "//! variant", "//! variant half -DTWO=0.5\n//! glslang 99\n//! variant")(t, dir)
	if complaints, err := build(dir, old); err != nil || len(complaints) != 1 || !strings.HasPrefix(complaints[0], "quadruple: ") {
		t.Errorf("an old compiler, of variants: %q, %v", complaints, err)
	}
	replaceIn("double.comp", "//! variant half -DTWO=0.5\n", "")(t, dir)
	newer := old
	newer.compilers = slices.Clone(old.compilers)
	newer.compilers = append(newer.compilers, newer.compilers[0])
	newer.compilers[len(newer.compilers)-1].major = 99 // pretends to be

	complaints, err := build(dir, old)
	if err != nil || len(complaints) != 2 || !strings.Contains(complaints[0], "double.comp asks for glslang 99 or newer, found Glslang") {
		t.Errorf("an old compiler: %q, %v", complaints, err)
	}
	if complaints, err := build(dir, newer); err != nil || len(complaints) > 0 {
		t.Errorf("a newer one: %q, %v", complaints, err)
	}
	for _, c := range []struct {
		with   toolset
		unseen int
	}{{old, 2}, {toolset{}, 2}, {newer, 0}} {
		complaints, unseen, err := checkFresh(dir, c.with)
		if err != nil || len(complaints) > 0 || len(unseen) != c.unseen {
			t.Errorf("%v: %q are stale, %q unseen, %v", c.with, complaints, unseen, err)
		}
	}
	swap(t, dir)
	if complaints, _, err := checkFresh(dir, newer); err != nil || len(complaints) != 1 || !strings.Contains(complaints[0], "gives other bytes") {
		t.Errorf("a forged module: %q, %v", complaints, err)
	}
}

// TestRecompilingCatchesAForgedManifest shows what hashes alone cannot: a module and a manifest that agree and are both wrong.
func TestRecompilingCatchesAForgedManifest(t *testing.T) {
	all := tools(t)
	if len(all.compilers) == 0 {
		t.Skip("no glslangValidator")
	}
	dir := freshTree(t, all)
	swap(t, dir)
	complaints, _, err := checkFresh(dir, all)
	if err != nil || len(complaints) != 1 || !strings.Contains(complaints[0], "gives other bytes") {
		t.Errorf("got %q, %v", complaints, err)
	}
}

func TestBuildRepairsAndKeepsTheRestWhenOneFails(t *testing.T) {
	all := tools(t)
	if len(all.compilers) == 0 {
		t.Skip("no glslangValidator")
	}
	dir := freshTree(t, all)
	appendTo("broken.comp", "#version 450\nvoid main() { nonsense; }\n")(t, dir)
	appendTo("double.comp", "// more\n")(t, dir)
	appendTo("spv/orphan.spv", "x")(t, dir)
	complaints, err := build(dir, all)
	if err != nil || len(complaints) != 1 || !strings.Contains(complaints[0], "broken.comp:2: 'nonsense'") {
		t.Fatalf("build: %q, %v", complaints, err)
	}
	remove("broken.comp")(t, dir)
	if complaints, _, err := checkFresh(dir, all); err != nil || len(complaints) > 0 {
		t.Errorf("after the build: %q, %v", complaints, err)
	}
}

func TestMalformedVariantIsRefused(t *testing.T) {
	dir := t.TempDir()
	appendTo("a.comp", "//! variant two-words -DX\n")(t, dir)
	if _, err := scan(dir); err == nil || !strings.Contains(err.Error(), "two-words") {
		t.Errorf("scan: %v", err)
	}
}

// swap puts the module of the variant in the place of the other, and its hash into the manifest.
func swap(t *testing.T, dir string) {
	t.Helper()
	have, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(spvPath(dir, "quadruple"))
	if err != nil {
		t.Fatal(err)
	}
	forged := have["double"]
	forged.SPIRVSHA256 = hash(other)
	have["double"] = forged
	if err := os.WriteFile(spvPath(dir, "double"), other, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeManifest(dir, have); err != nil {
		t.Fatal(err)
	}
}

func tools(t *testing.T) toolset {
	t.Helper()
	found, err := findTools([]string{"glslangValidator", "glslang"}, "spirv-val")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// freshTree holds one source with a variant, two nested includes, and what build made of them.
func freshTree(t *testing.T, with toolset) string {
	t.Helper()
	dir := t.TempDir()
	appendTo("inc/two.glsl", "#ifndef TWO\n#define TWO 2.0\n#endif\n")(t, dir)
	appendTo("inc/twice.glsl", "#include \"two.glsl\"\nfloat twice(float x) { return TWO * x; }\n")(t, dir)
	appendTo("double.comp", `// y = 2x
//! variant quadruple -DTWO=4.0
#version 450
#extension GL_GOOGLE_include_directive : require
#include "inc/twice.glsl"
layout(local_size_x = 64) in;
layout(binding = 0) buffer Y { float y[]; };
void main() { y[gl_GlobalInvocationID.x] = twice(y[gl_GlobalInvocationID.x]); }
`)(t, dir)
	if complaints, err := build(dir, with); err != nil || len(complaints) > 0 {
		t.Fatalf("build: %q, %v", complaints, err)
	}
	return dir
}

func appendTo(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		old, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(old, text...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func replaceIn(name, from, to string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(old), from, to)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(names ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, name := range names {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
