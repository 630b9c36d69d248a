// No ffmpeg is left behind, however this program ends: helper processes are killed while they read, wait and record.

package video

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const helperVar, helperPlace = "CYCLEVK_VIDEO_HELPER", "CYCLEVK_VIDEO_PLACE"

// TestHelper is no test of its own: it is the program that TestKilled kills.
func TestHelper(t *testing.T) {
	place := os.Getenv(helperPlace)
	switch os.Getenv(helperVar) {
	case "":
		t.Skip("started by TestKilled")
	case "source":
		s, err := OpenSource(t.Context(), place, SourceOptions{Realtime: true, Loop: true, Patience: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	case "held": // nobody takes its frames
		s, err := OpenSource(t.Context(), place, SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	case "record":
		s, err := Record(t.Context(), place, SinkOptions{CRF: 20})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		begin := time.Now()
		for i := range 50 {
			if err := s.Write(32, 32, make([]byte, 3*32*32), begin.Add(time.Duration(i)*100*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
	}
	fmt.Println("ready")
	select {}
}

// child finds the ffmpeg whose parent is pid and which reads or writes something: "" of /proc where there is none.
func child(pid int) string {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		line, _ := os.ReadFile(path) // "" where it ended
		var name, state string
		var parent int
		if _, err := fmt.Sscanf(string(line[bytes.IndexByte(line, '(')+1:]), "%s %s %d", &name, &state, &parent); err != nil || parent != pid {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if name == "ffmpeg)" && bytes.Contains(command, []byte("\x00pipe:")) {
			return filepath.Dir(path)
		}
	}
	return ""
}

// alive tells whether a process runs; one that nobody waited for does not.
func alive(proc string) bool {
	line, err := os.ReadFile(filepath.Join(proc, "stat"))
	return err == nil && !bytes.Contains(line, []byte(") Z "))
}

func TestKilled(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "a.ts"), clip(t, "32x32"))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, c := range []struct {
		helper, place string
		signal        syscall.Signal
	}{
		{"source", "test", syscall.SIGKILL},
		{"source", "test", syscall.SIGTERM},
		{"source", "test", syscall.SIGABRT}, // a crash
		{"source", file, syscall.SIGKILL},
		{"source", "http://" + silent.Addr().String(), syscall.SIGKILL},
		{"source", "http://" + silent.Addr().String(), syscall.SIGTERM},
		{"source", "rtsp://" + silent.Addr().String(), syscall.SIGKILL},
		{"source", "tcp://" + silent.Addr().String(), syscall.SIGKILL},
		{"source", "udp://127.0.0.1:9?reuse=1", syscall.SIGKILL},
		{"held", "test", syscall.SIGKILL},
		{"record", filepath.Join(dir, "out.mp4"), syscall.SIGKILL},
	} {
		t.Run(fmt.Sprintf("%s %.5s %v", c.helper, c.place, c.signal), func(t *testing.T) {
			helper := exec.Command(os.Args[0], "-test.run=^TestHelper$", "-test.v")
			helper.Env = append(os.Environ(), helperVar+"="+c.helper, helperPlace+"="+c.place)
			out, err := helper.StdoutPipe()
			if err == nil {
				err = helper.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = helper.Process.Kill() }()
			stalled := strings.Contains(c.place, "://") // never ready
			for lines := bufio.NewScanner(out); !stalled && lines.Scan() && lines.Text() != "ready"; {
			}
			proc := child(helper.Process.Pid)
			for i := 0; proc == "" && i < 1000; i++ {
				time.Sleep(10 * time.Millisecond)
				proc = child(helper.Process.Pid)
			}
			if proc == "" {
				t.Fatal("the helper started no ffmpeg")
			}
			if err := helper.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_ = helper.Wait() // killed
			for range 500 {
				if !alive(proc) {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if alive(proc) {
				t.Errorf("ffmpeg is left behind")
			}
			if c.helper == "record" {
				part := fmt.Sprintf("%s.%d.part.mp4", c.place, helper.Process.Pid)
				if _, frames := readAll(t, part); len(frames) < 50 {
					t.Errorf("%d frames are left of 50", len(frames))
				}
			}
		})
	}
}
