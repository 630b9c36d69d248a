// What the tests of this package share: a device, the test shaders, and a model of them in Go.

package vk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// open opens the device that the environment chooses and reports validation messages at the end of the test.
func open(t testing.TB) *Device {
	t.Helper()
	dev, err := Open("")
	if errors.Is(err, ErrNoDriver) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}

// shader reads testdata/NAME.spv.
func shader(t testing.TB, name string) Shader {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("testdata", name+".spv"))
	if err != nil {
		t.Fatal(err)
	}
	return Shader{Name: name, Code: code}
}

// player is who runs the test shaders: a program on a device, or the model.
type player interface {
	fill(dst Range, seed uint32)
	mix(dst, a, b Range, factor, shift uint32)
	add(x, y Range, shift uint32)
}

// ops appends dispatches of the test shaders to a program.
type ops struct {
	*Program
	fillShader, mixShader, addShader Shader
}

func newOps(t testing.TB, p *Program) ops {
	return ops{p, shader(t, "fill"), shader(t, "mix"), shader(t, "add")}
}

const groupSize = 64 // of every test shader

func groupsFor(dst Range) [3]int { return [3]int{(dst.Bytes/4 + groupSize - 1) / groupSize} }

func (o ops) fill(dst Range, seed uint32) {
	o.Dispatch(Launch{Shader: o.fillShader, Push: seed, Groups: groupsFor(dst)}, dst)
}

func (o ops) mix(dst, a, b Range, factor, shift uint32) {
	o.Dispatch(Launch{Shader: o.mixShader, Spec: []uint32{factor}, Push: shift, Groups: groupsFor(dst)}, a, b, dst)
}

func (o ops) add(x, y Range, shift uint32) {
	o.Dispatch(Launch{Shader: o.addShader, Push: shift, Groups: groupsFor(x)}, x, y)
}

// model is what every buffer should hold: the test shaders, in Go and in order.
type model map[*Mem][]uint32

func (m model) words(r Range) []uint32 {
	if m[r.Mem] == nil {
		m[r.Mem] = make([]uint32, r.Size/4)
	}
	return m[r.Mem][r.Offset/4 : (r.Offset+r.Bytes)/4]
}

func (m model) fill(dst Range, seed uint32) {
	for i, d := 0, m.words(dst); i < len(d); i++ {
		d[i] = seed + uint32(i)*2654435761
	}
}

func (m model) mix(dst, a, b Range, factor, shift uint32) {
	d, x, y := m.words(dst), m.words(a), m.words(b)
	for i := range d {
		at := uint32(i) + shift
		d[i] = x[at%uint32(len(x))]*factor + (y[at%uint32(len(y))] ^ uint32(i))
	}
}

func (m model) add(x, y Range, shift uint32) {
	d, s := m.words(x), m.words(y)
	for i := range d {
		d[i] += s[(uint32(i)+shift)%uint32(len(s))]*3 + 1
	}
}

// must stops the test at an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readWords reads a buffer back.
func readWords(t testing.TB, dev *Device, r Range) []uint32 {
	t.Helper()
	data := make([]byte, r.Bytes)
	must(t, dev.Read(r, data))
	return toWords(data)
}

func toWords(data []byte) []uint32 {
	w := make([]uint32, len(data)/4)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return w
}

func toBytes(w []uint32) []byte {
	data := make([]byte, 0, 4*len(w))
	for _, x := range w {
		data = binary.LittleEndian.AppendUint32(data, x)
	}
	return data
}

// rerun runs one test of this binary in a process of its own, with more in its environment, and returns what it printed.
func rerun(t *testing.T, test string, env ...string) string {
	t.Helper()
	args := []string{os.Args[0]}
	if line, err := os.ReadFile("/proc/self/cmdline"); err == nil { // the same by another dynamic linker, if this one runs so
		args = strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		for i, a := range args {
			if strings.HasPrefix(a, "-test.") {
				args = args[:i]
				break
			}
		}
	}
	cmd := exec.Command(args[0], append(args[1:], "-test.run=^"+test+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), append(env, "CYCLEVK_TEST_CHILD=1")...)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+test)) && !bytes.Contains(out, []byte("--- SKIP: "+test)) {
		t.Fatalf("%s %v in a process of its own: %v\n%s", test, env, err, out)
	}
	return string(out)
}

// child tells whether this process was started by rerun.
func child() bool { return os.Getenv("CYCLEVK_TEST_CHILD") == "1" }

// resident is the resident memory of this process in bytes, or 0 where /proc does not say.
func resident(t *testing.T) int {
	t.Helper()
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.Atoi(strings.Fields(string(stat))[1])
	must(t, err)
	return pages * os.Getpagesize()
}
