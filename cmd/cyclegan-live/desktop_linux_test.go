// A desktop for tests: Xvfb, whose screen is a file that this reads, openbox as the window manager, and xdotool for keys and mouse.

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cyclevk/cmd/internal/app"
)

// asProgram makes the test binary be the program.
const asProgram = "CYCLEGAN_LIVE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	for _, variable := range []string{app.CacheVariable, app.TuningVariable} {
		os.Setenv(variable, "off") // tests leave nothing in the user's folders
	}
	code := m.Run()
	for _, end := range desktopEnds {
		end()
	}
	os.Exit(code)
}

// desktop is a screen with a window manager.
type desktop struct {
	name   string // DISPLAY
	screen string // file
}

const screenW, screenH = 800, 600

// desktopEnds end what the desktop consists of.
var desktopEnds []func()

// openDesktop is the tests' one desktop. Where its parts are not installed, the test is skipped.
func openDesktop(t *testing.T) *desktop {
	t.Helper()
	for _, program := range []string{"Xvfb", "openbox", "xdotool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the window is not tested: ", err)
		}
	}
	d, err := theDesktop()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var theDesktop = sync.OnceValues(func() (*desktop, error) {
	folder, err := os.MkdirTemp("", "desktop")
	if err != nil {
		return nil, err
	}
	desktopEnds = append(desktopEnds, func() { os.RemoveAll(folder) })
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	server := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", screenW, screenH), "-fbdir", folder, "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{out}
	if err := startAside(server); err != nil {
		return nil, err
	}
	out.Close()
	number, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("Xvfb did not start: %w", err)
	}
	d := &desktop{name: ":" + strings.TrimSpace(number), screen: filepath.Join(folder, "Xvfb_screen0")}
	config := filepath.Join(folder, "rc.xml")
	// No borders, so that a window lies where xdotool says.
	const rc = `<?xml version="1.0"?><openbox_config xmlns="http://openbox.org/3.4/rc">
<theme><keepBorder>no</keepBorder></theme>
<focus><focusNew>yes</focusNew></focus>
<keyboard><keybind key="A-F4"><action name="Close"/></keybind></keyboard>
<applications><application class="*"><decor>no</decor><focus>yes</focus></application></applications>
</openbox_config>`
	if err := os.WriteFile(config, []byte(rc), 0o644); err != nil {
		return nil, err
	}
	manager := exec.Command("openbox", "--config-file", config)
	manager.Env = append(os.Environ(), "DISPLAY="+d.name)
	if err := startAside(manager); err != nil {
		return nil, err
	}
	return d, eventually(func() error { return d.do("get_num_desktops") })
})

// startAside starts a process that ends with the tests.
func startAside(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	desktopEnds = append(desktopEnds, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return nil
}

// patience is how long something may take that is bound to happen, on a busy machine.
const patience = 90 * time.Second

// eventually waits for f to succeed.
func eventually(f func() error) error {
	end := time.Now().Add(patience)
	for {
		err := f()
		if err == nil || errors.Is(err, errNever) || time.Now().After(end) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// errNever is wrapped by errors that will not go away.
var errNever = errors.New("waiting is of no use")

// xdotool runs it and returns what it prints.
func (d *desktop) xdotool(args ...string) (string, error) {
	cmd := exec.Command("xdotool", args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("xdotool %q: %w %s", args, err, stderr.String())
	}
	return strings.TrimSpace(string(out)), err
}

func (d *desktop) do(args ...string) error {
	_, err := d.xdotool(args...)
	return err
}

// read is what a part of the screen shows: of an XWD file of 32-bit pixels, blue first.
func (d *desktop) read(part image.Rectangle) (*image.RGBA, error) {
	file, err := os.ReadFile(d.screen)
	if err != nil {
		return nil, err
	}
	word := func(i int) int { return int(binary.BigEndian.Uint32(file[4*i:])) }
	header, w, h, bits, row, colours := word(0), word(4), word(5), word(11), word(12), word(19)
	if all := image.Rect(0, 0, w, h); bits != 32 || !part.In(all) {
		return nil, fmt.Errorf("%v is not on the screen, %v of %d bits", part, all, bits)
	}
	m := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	for y := range part.Dy() {
		line := file[header+12*colours+(part.Min.Y+y)*row+4*part.Min.X:]
		for i := 4 * y * part.Dx(); i < 4*(y+1)*part.Dx(); i += 4 {
			m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = line[2], line[1], line[0], 255
			line = line[4:]
		}
	}
	return m, nil
}

// run is a run of the program.
type run struct {
	t      *testing.T
	d      *desktop
	cmd    *exec.Cmd
	stderr lockedBuffer
	id     string // of its window
	ended  chan struct{}
}

// lockedBuffer is written by a process and read meanwhile.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// program prepares a run in a folder, whose settings lie in its folder "config".
func program(dir string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.Stdout = dir, io.Discard
	cmd.Env = append(os.Environ(), asProgram+"=1", "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
	return cmd
}

// start runs the program until its window is seen.
func (d *desktop) start(t *testing.T, dir string, args ...string) *run {
	t.Helper()
	r := &run{t: t, d: d, cmd: program(dir, args...), ended: make(chan struct{})}
	r.cmd.Env = append(r.cmd.Env, "DISPLAY="+d.name)
	r.cmd.Stderr = &r.stderr
	r.check(d.do("mousemove", fmt.Sprint(screenW-1), fmt.Sprint(screenH-1))) // the cursor would be in the picture
	r.check(r.cmd.Start())
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	r.until("its window is seen", func() (err error) {
		if r.id, err = d.xdotool("search", "--onlyvisible", "--pid", fmt.Sprint(r.cmd.Process.Pid)); err != nil {
			return err
		}
		return d.do("windowfocus", r.id)
	})
	return r
}

func (r *run) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.stderr.String())
	}
}

// until waits for f to succeed, which it must.
func (r *run) until(what string, f func() error) {
	r.t.Helper()
	err := eventually(func() error {
		err := f()
		select {
		case <-r.ended:
			return fmt.Errorf("the program has ended, exit code %d (%w)", r.cmd.ProcessState.ExitCode(), errNever)
		default:
		}
		return err
	})
	if err != nil {
		r.t.Fatalf("until %s: %v\n%s", what, err, r.stderr.String())
	}
}

// key strikes keys by their X names, one after the other.
func (r *run) key(names ...string) {
	r.t.Helper()
	r.check(r.d.do(append([]string{"key", "--delay", "60"}, names...)...))
}

// titled waits for a title.
func (r *run) titled(pattern string) {
	r.t.Helper()
	want := regexp.MustCompile(pattern)
	r.until("the title is "+pattern, func() error {
		title, err := r.d.xdotool("getwindowname", r.id)
		if err == nil && !want.MatchString(title) {
			err = fmt.Errorf("it is %q", title)
		}
		return err
	})
}

// place is where the window lies.
func (r *run) place() (image.Rectangle, error) {
	text, err := r.d.xdotool("getwindowgeometry", "--shell", r.id)
	if err != nil {
		return image.Rectangle{}, err
	}
	value := func(name string) int {
		m := regexp.MustCompile(`(?m)^` + name + `=(-?\d+)$`).FindStringSubmatch(text)
		if m == nil {
			return -1
		}
		n, _ := strconv.Atoi(m[1])
		return n
	}
	x, y := value("X"), value("Y")
	return image.Rect(x, y, x+value("WIDTH"), y+value("HEIGHT")), nil
}

// lies waits for a place of the window.
func (r *run) lies(want image.Rectangle) {
	r.t.Helper()
	r.until(fmt.Sprintf("the window lies at %v", want), func() error {
		got, err := r.place()
		if err == nil && got != want {
			err = fmt.Errorf("it lies at %v", got)
		}
		return err
	})
}

// shot is what the window shows.
func (r *run) shot() (*image.RGBA, error) {
	at, err := r.place()
	if err != nil {
		return nil, err
	}
	return r.d.read(at)
}

// end waits for the program's end and returns its exit code.
func (r *run) end() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("the program does not end\n%s", r.stderr.String())
	}
	return r.cmd.ProcessState.ExitCode()
}

// quit strikes q, after which the program must have ended well, and said nothing but lines.
func (r *run) quit(lines string) {
	r.t.Helper()
	r.key("q")
	if code := r.end(); code != 0 || !regexp.MustCompile(`^`+lines+`$`).MatchString(r.stderr.String()) {
		r.t.Fatalf("exit code %d, stderr %q", code, r.stderr.String())
	}
}
