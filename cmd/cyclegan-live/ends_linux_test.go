// How the window lives and ends: sizes, thousands of frames, a checkpoint that comes meanwhile, and what is left when it is gone.

package main

import (
	"errors"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cyclevk/cyclegan/video"
)

// tiny are flags for runs whose pictures nobody looks at.
func tiny(more ...string) []string {
	return append([]string{"--size", "32", "--window", "48x32", "--camera", "test", "--camera_size", "48x32", "--fps", "200", "--model", "a"}, more...)
}

// TestThousandsOfFrames: through sizes, minimising and full screen no validation message comes, and afterwards memory grows no more.
func TestThousandsOfFrames(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	r := d.start(t, dir, tiny("--validate", "--frames", "2000")...)
	r.titled("frames/s")
	for i := range 6 {
		w, h := 1+i*i*17, 300-i*59
		r.check(d.do("windowsize", r.id, fmt.Sprint(w), fmt.Sprint(h)))
		time.Sleep(50 * time.Millisecond)
	}
	r.key("f", "plus", "f", "minus")
	r.check(d.do("windowminimize", r.id))
	time.Sleep(200 * time.Millisecond)
	r.check(d.do("windowmap", r.id))
	r.check(d.do("windowsize", r.id, "48", "32"))
	time.Sleep(500 * time.Millisecond)
	var memory []int // KiB
	for over := false; !over; {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
		if _, rest, there := strings.Cut(string(status), "VmRSS:"); there {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			r.check(err)
			memory = append(memory, n)
		}
		select {
		case <-r.ended:
			over = true
		case <-time.After(50 * time.Millisecond):
		}
	}
	if code := r.end(); code != 0 || r.stderr.String() != "" {
		t.Fatalf("exit code %d, stderr %q", code, r.stderr.String())
	}
	n := len(memory)
	if n < 20 {
		t.Fatalf("its memory was seen %d times alone", n)
	}
	typical := func(part []int) int {
		slices.Sort(part)
		return part[len(part)/2]
	}
	const most = 4 << 10 // KiB, of 1,000 frames that take 6 KiB each, in several buffers
	early, late := typical(slices.Clone(memory[n/4:n/2])), typical(slices.Clone(memory[3*n/4:n-2]))
	t.Logf("%d KiB, later %d KiB", early, late)
	if late > early+most {
		t.Errorf("it grew from %d KiB to %d KiB", early, late)
	}
}

// TestFollows: a newer checkpoint of the run that is followed is shown as soon as it is there, while frames come, and the other model stays
// what it is.
func TestFollows(t *testing.T) {
	d := openDesktop(t)
	dir, source := workplace(t)
	r := d.start(t, dir, flags("--follow", "a", "--model", "b", "--camera", "in", "--fps", "200")...)
	r.shows("the first checkpoint", translate(t, smallModel(t, 1), "AtoB", source))
	for _, step := range []int{30, 45} {
		next := smallModel(t, uint64(step))
		saveRun(t, filepath.Join(dir, "a"), step, next)
		r.titled(fmt.Sprintf("^a AtoB, step %d, epoch %d ", step, step/10))
		r.shows("the next checkpoint", translate(t, next, "AtoB", source))
		r.key("2")
		r.shows("the other model", translate(t, smallModel(t, 2), "AtoB", source))
		r.key("1")
	}
	r.quit("")
}

// TestLostSource: that a stream is lost is said over its last frame, and no more once it is back.
func TestLostSource(t *testing.T) {
	d := openDesktop(t)
	dir, source := workplace(t)
	ffmpeg := exec.Command("ffmpeg", "-v", "error", "-loop", "1", "-i", "in/x.png", "-frames:v", "40", "-c:v", "ffv1", "-pix_fmt", "bgr0", "clip.mkv")
	ffmpeg.Dir = dir
	if out, err := ffmpeg.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	var back atomic.Bool
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(unsized{w}, r, filepath.Join(dir, "clip.mkv"))
		if back.Load() {
			_ = http.NewResponseController(w).Flush()
			<-over
		}
	}))
	defer server.Close()
	defer close(over)
	r := d.start(t, dir, flags("--model", "a", "--camera", server.URL+"/clip.mkv")...)
	want := translate(t, smallModel(t, 1), "AtoB", source)
	r.shows("the last frame", want)
	r.until("it is said that the stream is lost", func() error {
		got, err := r.shot()
		if err == nil && near(got, want, testH) == nil {
			err = errors.New("nothing lies over the picture")
		}
		return err
	})
	back.Store(true)
	r.until("the stream is back", func() error {
		got, err := r.shot()
		if err == nil {
			err = near(got, want, testH)
		}
		return err
	})
	r.quit("")
}

// unsized keeps a server from saying how long its answer is.
type unsized struct{ http.ResponseWriter }

func (u unsized) WriteHeader(code int) {
	u.Header().Del("Content-Length")
	u.Header().Del("Accept-Ranges")
	u.ResponseWriter.WriteHeader(code)
}

// TestEnds: however it ends, ffmpeg ends too, and a recording is whole unless it was killed.
func TestEnds(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	for _, c := range []struct {
		name string
		end  func(r *run)
		code int
	}{
		{"key", func(r *run) { r.key("q") }, 0},
		{"close", func(r *run) { r.key("alt+F4") }, 0},
		{"terminate", func(r *run) { r.check(r.cmd.Process.Signal(syscall.SIGTERM)) }, 130},
		{"kill", func(r *run) { r.check(r.cmd.Process.Kill()) }, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			record := c.name + ".mp4"
			r := d.start(t, dir, tiny("--record", record)...)
			r.titled("recording .* frames/s")
			children := children(t, r.cmd.Process.Pid)
			if len(children) != 2 {
				t.Errorf("%d processes of ffmpeg, want one for the source and one for the recording", len(children))
			}
			c.end(r)
			if code := r.end(); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, r.stderr.String())
			}
			if said := strings.Count(r.stderr.String(), "cyclegan-live: recorded "+record+"\n"); said != min(1, 1+c.code) {
				t.Errorf("stderr %q", r.stderr.String())
			}
			for _, pid := range children {
				if err := eventually(func() error {
					if _, alive := ffmpegParent(pid); alive {
						return fmt.Errorf("ffmpeg, process %d, is left", pid)
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
			v, err := video.Open(t.Context(), filepath.Join(dir, record))
			if killed := c.code == -1; (err == nil) == killed {
				t.Errorf("the recording: %v", err)
			}
			if err == nil {
				v.Close()
			}
		})
	}
}

// TestRecordingFails: what a recording dies of is said, and the window goes on without it.
func TestRecordingFails(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	r := d.start(t, dir, tiny("--record", "film.mp4")...)
	r.titled("recording .* frames/s")
	killed := 0
	for _, pid := range children(t, r.cmd.Process.Pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		r.check(err)
		if strings.Contains(string(line), "film.mp4") {
			r.check(syscall.Kill(pid, syscall.SIGKILL))
			killed++
		}
	}
	if killed != 1 {
		t.Fatalf("%d processes record", killed)
	}
	r.titled("^a AtoB, step 20, epoch 2 · test")
	r.quit(`cyclegan-live: [^\n]*film\.mp4[^\n]*\n`)
}

// children are the processes of ffmpeg that a process has started.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, alive := ffmpegParent(pid); alive && p == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ffmpegParent is the parent of a process, which is alive if it runs ffmpeg.
func ffmpegParent(pid int) (parent int, alive bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	name, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if err != nil || !strings.HasSuffix(name, "(ffmpeg") || len(fields) < 2 || fields[0] == "Z" {
		return 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return parent, err == nil
}

// TestNoWindow: what a window cannot do without is said in one line.
func TestNoWindow(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want []string // in the line
	}{
		{"no display", []string{"DISPLAY="}, tiny(), []string{"no display", "--headless"}},
		{"no such display", []string{"DISPLAY=:4095"}, tiny(), []string{":4095", "--headless"}},
		{"no driver", []string{"VK_DRIVER_FILES=/nonexistent", "VK_ICD_FILENAMES=/nonexistent"}, tiny(), []string{"Vulkan", "driver"}},
		{"no such device", nil, tiny("--device", "abacus"), []string{"abacus"}},
		{"no camera", nil, []string{"--model", "a", "--camera", "/dev/video99"}, []string{"/dev/video99", "--list-devices"}},
		{"no ffmpeg", []string{"PATH=" + dir}, tiny(), []string{"install ffmpeg"}},
		{"no model of a camera", nil, []string{"--model", "c", "--camera", "test"}, []string{"c", "no such"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := program(dir, c.args...)
			cmd.Env = append(append(cmd.Env, "DISPLAY="+d.name), c.env...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			err := cmd.Run()
			line := stderr.String()
			if _, failed := err.(*exec.ExitError); !failed || cmd.ProcessState.ExitCode() != 2 {
				t.Errorf("%v, want exit code 2", err)
			}
			if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "cyclegan-live: ") {
				t.Errorf("want one line: %q", line)
			}
			for _, want := range c.want {
				if !strings.Contains(line, want) {
					t.Errorf("%q does not say %q", line, want)
				}
			}
		})
	}
}

// TestDamagedSettings: they are left aside with a line, and replaced at the end.
func TestDamagedSettings(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	path := filepath.Join(dir, "config/cyclevk/live.json")
	if err := os.WriteFile(path, []byte(`{"version": 1, "view": "spl`), 0o644); err != nil {
		t.Fatal(err)
	}
	r := d.start(t, dir, tiny("--mirror")...)
	r.lies(centred(48, 32))
	r.titled("frames/s")
	r.quit(`cyclegan-live: the settings in .*live\.json are left aside: unexpected EOF\n`)
	if s, err := readSettings(path); err != nil || s == nil || !s.Mirror || s.View != "translated" {
		t.Errorf("settings afterwards: %+v, %v", s, err)
	}
}

// TestFullScreen: asked for, and again after a restart, with the way back to the window's own place.
func TestFullScreen(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	for _, args := range [][]string{tiny("--fullscreen"), {"--model", "a", "--camera", "in", "--size", "32"}} {
		r := d.start(t, dir, args...)
		r.lies(image.Rect(0, 0, screenW, screenH))
		r.titled("frames/s")
		r.key("f")
		r.lies(centred(48, 32))
		r.key("f")
		r.lies(image.Rect(0, 0, screenW, screenH))
		r.quit("")
	}
}

// centred is where openbox puts a new window.
func centred(w, h int) image.Rectangle {
	x, y := (screenW-w)/2, (screenH-h)/2
	return image.Rect(x, y, x+w, y+h)
}
