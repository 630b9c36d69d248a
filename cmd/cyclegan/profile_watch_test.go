// The option --watch: what becomes of a source that is edited again and again.

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"cyclevk/vk/vktest"
)

func TestWatch(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals to send")
	}
	if _, err := exec.LookPath(compilerName); err != nil {
		t.Skip("no " + compilerName)
	}
	vktest.Device(t)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "edited"), os.DirFS(filepath.Join("..", "..", "shaders"))); err != nil {
		t.Fatal(err)
	}
	const source, include = "upsample.comp", "inc/flat.glsl"
	right := map[string]string{source: read(t, dir, "edited", source), include: read(t, dir, "edited", include)}
	write := func(file, find, replace string) {
		t.Helper()
		text := strings.Replace(right[file], find, replace, 1)
		if text == right[file] && find != replace {
			t.Fatalf("%s has no %q", file, find)
		}
		if err := os.WriteFile(filepath.Join(dir, "edited", file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	cmd := program(t, dir, "profile", "kernel", "upsample_grad", "--shape", "1,8,8,4", "--repeats", "1", "--watch", "--shaders", "edited")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() }) // or a report that never comes hangs the test
	defer limit.Stop()
	lines := bufio.NewScanner(stdout)
	var said strings.Builder
	wants := func(what string) {
		t.Helper()
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		_ = cmd.Wait()
		t.Fatalf("no %q: %s%s", what, said.String(), stderr.String())
	}

	wants(" cases against the float64 reference")
	write(source, "vec4 sum = LOAD(from[at]) +", "vec4 sum = 2.0 * LOAD(from[at]) +")
	wants("upsample_grad: [1 1 1 1]: dx at n=0 y=0 x=0 c=0: got ")
	write(source, "vec4 sum =", "vec5 sum =")
	wants("'vec5'")
	write(source, "vec4 sum = LOAD(from[at]) + LOAD(from[at + quads])", "vec4 sum = LOAD(from[at + quads]) + LOAD(from[at])")
	wants(" cases against the float64 reference")
	wants(" ms before")
	write(include, "gl_WorkGroupSize.x + gl_LocalInvocationIndex", "gl_WorkGroupSize.x + gl_LocalInvocationIndex + nothing")
	wants("'nothing'")
	write(include, "uint flatGroup", "// The same.\nuint flatGroup")
	wants(" ms before")

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("interrupted: %v, %s", err, stderr.String())
	}
}

// TestWatchWithoutCompiler: one line that says what to install.
func TestWatchWithoutCompiler(t *testing.T) {
	sources, err := filepath.Abs(filepath.Join("..", "..", "shaders"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := program(t, t.TempDir(), "profile", "kernel", "adam", "--watch", "--shaders", sources)
	cmd.Env = append(cmd.Env, "PATH="+t.TempDir())
	wantRefusal(t, runProgram(t, cmd), []string{compilerName, "glslang-tools"})
}
