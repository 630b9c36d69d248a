// Reflection against shaders whose interface is known, and against modules that are broken.

package vk

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReflection(t *testing.T) {
	const r, w, rw = reads, writes, reads | writes
	for _, c := range []struct {
		shader string
		spec   []uint32
		want   shaderInterface
	}{
		{"fill", nil, shaderInterface{[]access{w}, 4, 0, [3]int{64, 1, 1}, 0, []uint32{1}, false}},
		{"mix", []uint32{3}, shaderInterface{[]access{r, r, w}, 4, 1, [3]int{64, 1, 1}, 0, []uint32{1}, false}},
		{"add", nil, shaderInterface{[]access{rw, r}, 4, 0, [3]int{64, 1, 1}, 0, []uint32{1}, false}},
		// By default one tile is 4x4+1 floats, beside two cells of 16 bytes.
		{"interface", nil, shaderInterface{[]access{rw, r, r, rw, w, r}, 44, 4, [3]int{1, 2, 1}, 4*17 + 32, []uint32{1}, false}},
		{"interface", []uint32{1, 8, 3, 10}, shaderInterface{[]access{rw, r, r, rw, w, r}, 44, 4, [3]int{8, 2, 3}, 4*101 + 32, []uint32{1}, false}},
		{"shuffle", nil, shaderInterface{[]access{w}, 0, 0, [3]int{64, 1, 1}, 0, []uint32{1, 61, 65}, false}},
	} {
		words, err := spirvWords(shader(t, c.shader).Code)
		must(t, err)
		got, err := reflectSPIRV(words, c.spec)
		must(t, err)
		if !slices.Equal(got.bindings, c.want.bindings) || got.pushBytes != c.want.pushBytes || got.specs != c.want.specs ||
			got.local != c.want.local || got.shared != c.want.shared || !slices.Equal(got.needs, c.want.needs) {
			t.Errorf("%s %v is %+v, want %+v", c.shader, c.spec, *got, c.want)
		}
	}
}

// TestReflectionRefuses changes one word of a good module at a time.
func TestReflectionRefuses(t *testing.T) {
	good, err := spirvWords(shader(t, "fill").Code)
	must(t, err)
	// find returns the index of the operand n of the first instruction that begins with these words after its id.
	find := func(n int, op uint32, decoration int) int {
		for at := 5; at < len(good); at += int(good[at] >> 16) {
			if good[at]&0xffff == op && (decoration < 0 || good[at+2] == uint32(decoration)) {
				return at + n
			}
		}
		t.Fatalf("no instruction %d", op)
		return 0
	}
	for _, c := range []struct {
		name string
		at   int
		word uint32
		want string
	}{
		{"descriptor set 1", find(3, opDecorate, decDescriptorSet), 1, "set 1"},
		{"binding 1", find(3, opDecorate, decBinding), 1, "binding 0 is missing"},
		{"binding 16", find(3, opDecorate, decBinding), 16, "at most 16"},
		{"the last binding", find(3, opDecorate, decBinding), 1<<32 - 1, "at most 16"},
		{"vertex shader", find(1, opEntryPoint, -1), 0, "entry point"},
		{"other name", find(3, opEntryPoint, -1), 0x6e69616e, "entry point"},
		{"instruction of no length", 5, opDecorate, "truncated"},
		{"instruction too long", 5, 0xffff<<16 | opDecorate, "truncated"},
	} {
		words := slices.Clone(good)
		words[c.at] = c.word
		if _, err := reflectSPIRV(words, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for n := range good { // cut between two instructions it may pass, with what is left
		if face, err := reflectSPIRV(good[:n], nil); err == nil && len(face.bindings) > 1 {
			t.Errorf("cut at word %d: %+v", n, face)
		}
	}
	words, err := spirvWords(shader(t, "interface").Code)
	must(t, err)
	if _, err := reflectSPIRV(words, []uint32{0, 0, 1, 4}); err == nil || !strings.Contains(err.Error(), "workgroup") {
		t.Errorf("no invocations: %v", err)
	}
}

func FuzzReflection(f *testing.F) {
	shaders, err := filepath.Glob("testdata/*.spv")
	if err != nil || len(shaders) == 0 {
		f.Fatalf("%q, %v", shaders, err)
	}
	for _, name := range shaders {
		code, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code)
		f.Add(code[:len(code)/8*4])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, code []byte) {
		dev := paper(minima)
		p, err := dev.pipeline(Shader{"fuzz", code}, nil, false)
		if err == nil && (len(p.bindings) == 0 || len(p.bindings) > minima.MaxStorageBuffers || p.shared < 0 || p.pushBytes < 0 ||
			p.local[0]*p.local[1]*p.local[2] > minima.MaxInvocations) {
			t.Errorf("accepted %+v", *p.shaderInterface)
		}
	})
}

// TestShadersAreFresh compiles the test shaders again, where the compiler is the one that made them.
func TestShadersAreFresh(t *testing.T) {
	const compiler = "glslangValidator"
	if version, err := exec.Command(compiler, "--version").Output(); err != nil || !strings.Contains(string(version), "Glslang Version: 11:12.0.0") {
		t.Skip("compiler")
	}
	sources, err := filepath.Glob("testdata/*.comp")
	if err != nil || len(sources) == 0 {
		t.Fatalf("%q, %v", sources, err)
	}
	for _, source := range sources {
		out := filepath.Join(t.TempDir(), "out.spv")
		if text, err := exec.Command(compiler, "-V", "--target-env", "vulkan1.1", "-g0", source, "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", source, err, text)
		}
		fresh, err := os.ReadFile(out)
		must(t, err)
		if name := strings.TrimSuffix(filepath.Base(source), ".comp"); string(fresh) != string(shader(t, name).Code) {
			t.Errorf("%s: its .spv is stale: %s -V --target-env vulkan1.1 -g0", source, compiler)
		}
	}
}
