// Recordings and virtual cameras: times, wholeness, what is refused.

package video

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// paint is a picture of one value.
func paint(w, h int, value byte) []byte {
	return slices.Repeat([]byte{value}, 3*w*h)
}

// times are those of a video's frames, as ffprobe prints them.
func times(t *testing.T, path string) []string {
	t.Helper()
	p := command(t.Context(), "ffprobe", "-show_entries", "frame=pts_time", "-of", "csv=p=0", "file:"+path)
	out, err := p.Output()
	if err != nil {
		t.Fatal(p.end(err))
	}
	var stamps []string
	for _, line := range strings.Fields(string(out)) {
		stamps = append(stamps, strings.Trim(line, ","))
	}
	return stamps
}

// TestRecord: each picture keeps its time, those of another size are scaled, and the file is there when it is whole.
func TestRecord(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "-y out.mp4")
	s, err := Record(t.Context(), path, SinkOptions{CRF: 0})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin := time.Now()
	for i, ms := range []int{0, 40, 300, 300, 250, 1900} {
		w, h := 33+i%2*20, 18+i%2*30
		if err := s.Write(w, h, paint(w, h, byte(40*i)), begin.Add(time.Duration(ms)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is there before it is whole")
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	wantFiles(t, dir, "-y out.mp4")
	if s.Codec() != "libx264" {
		t.Errorf("codec %q", s.Codec())
	}
	want := []string{"0.000000", "0.040000", "0.300000", "0.301000", "0.302000", "1.900000"}
	if got := times(t, path); !slices.Equal(got, want) {
		t.Errorf("times %v, want %v", got, want)
	}
	for i, f := range all(t, path, SourceOptions{}) {
		if d := int(f.Pix[0]) - 40*i; f.W != 32 || f.H != 18 || d < -2 || d > 2 {
			t.Errorf("picture %d is %dx%d of %d, want 32x18 of %d", i, f.W, f.H, f.Pix[0], 40*i)
		}
	}
}

// TestScale: nearest neighbours, at pixel centres.
func TestScale(t *testing.T) {
	s := &Sink{w: 2, h: 1}
	in := []byte{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}
	if got := s.scale(4, 1, in); !slices.Equal(got, []byte{2, 2, 2, 4, 4, 4}) {
		t.Errorf("%v", got)
	}
	if got := s.scale(1, 1, in[:3]); !slices.Equal(got, []byte{1, 1, 1, 1, 1, 1}) {
		t.Errorf("%v", got)
	}
}

// TestRecordEnds: nothing is left over, and what was recorded stays where it could not be finished.
func TestRecordEnds(t *testing.T) {
	needFFmpeg(t)
	record := func(dir string) *Sink {
		s, err := Record(t.Context(), filepath.Join(dir, "out.mp4"), SinkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write := func(s *Sink) {
		if err := s.Write(32, 32, paint(32, 32, 1), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("nothing written", func(t *testing.T) {
		dir := t.TempDir()
		s := record(dir)
		if err := s.Finish(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
		wantFiles(t, dir)
	})
	t.Run("closed", func(t *testing.T) {
		dir := t.TempDir()
		s := record(dir)
		write(s)
		s.Close()
		wantFiles(t, dir, "out.mp4")
	})
	t.Run("cut short", func(t *testing.T) {
		s := record(t.TempDir())
		write(s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Finish(ctx); !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "killed") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("name taken", func(t *testing.T) {
		dir := t.TempDir()
		s := record(dir)
		write(s)
		if err := os.Mkdir(filepath.Join(dir, "out.mp4"), 0o777); err != nil {
			t.Fatal(err)
		}
		err := s.Finish(t.Context())
		s.Close()
		parts, _ := filepath.Glob(filepath.Join(dir, "*.part.mp4"))
		if err == nil || len(parts) != 1 || !strings.Contains(err.Error(), parts[0]) {
			t.Errorf("error %v, parts %q, want it to name the part", err, parts)
		} else if got := times(t, parts[0]); len(got) != 1 {
			t.Errorf("the part has frames at %q", got)
		}
	})
	t.Run("no encoder", func(t *testing.T) {
		asked := filepath.Join(t.TempDir(), "asked")
		fakeFFmpeg(t, `case "$*" in *encoder=libx264*) echo >> '`+asked+`'; echo "Codec 'libx264' is not recognized by FFmpeg.";; *) exec REAL "$@";; esac`)
		ReadyToRecord(t.Context())
		dir := t.TempDir()
		record(dir).Close()
		s := record(dir)
		write(s)
		if err := s.Finish(t.Context()); err != nil || s.Codec() != "mpeg4" {
			t.Errorf("codec %q, error %v", s.Codec(), err)
		}
		if lines, err := os.ReadFile(asked); err != nil || len(lines) != 1 {
			t.Errorf("ffmpeg was asked %d times, %v", len(lines), err)
		}
		s.Close()
		wantFiles(t, dir, "out.mp4")
	})
	t.Run("process killed", func(t *testing.T) {
		s := record(t.TempDir())
		defer s.Close()
		begin := time.Now()
		for i := range 200 {
			if err := s.Write(32, 32, paint(32, 32, byte(i)), begin.Add(time.Duration(i)*100*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
		for range 1000 {
			if info, err := os.Stat(s.part); err == nil && info.Size() > 4096 { // more than a header and a fragment
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := s.p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var err error
		for err == nil {
			err = s.Write(32, 32, paint(32, 32, 1), time.Now())
		}
		if !strings.Contains(err.Error(), "killed") || !strings.Contains(err.Error(), s.part) || !errors.Is(s.Finish(t.Context()), err) {
			t.Errorf("error %v, then %v", err, s.Finish(t.Context()))
		}
		got := times(t, s.part)
		t.Logf("%d frames of 200 are left", len(got))
		if len(got) < 10 {
			t.Errorf("frames at %q are left", got)
		}
	})
}

func TestSinkRefusals(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	for _, c := range []struct {
		what string
		open func(context.Context, string, SinkOptions) (*Sink, error)
		says string
	}{
		{filepath.Join(dir, "none", "a.mp4"), Record, "no such file"},
		{dir, Record, "not a regular file"},
		{"a\x00.mp4", Record, "zero byte"},
		{"/dev/video99", OpenVirtualCamera, "modprobe v4l2loopback"},
		{"/dev/null", OpenVirtualCamera, "use a device /dev/videoN"},
		{"-y", OpenVirtualCamera, "use a device /dev/videoN"},
		{"/dev/video1 -y x", OpenVirtualCamera, "use a device /dev/videoN"},
	} {
		_, err := c.open(t.Context(), c.what, SinkOptions{})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v, want %q", c.what, err, c.says)
		}
	}
	s, err := Record(t.Context(), filepath.Join(dir, "a.mp4"), SinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(1, 9, paint(1, 9, 1), time.Now()); err == nil || !strings.Contains(err.Error(), "1x9") {
		t.Errorf("error %v", err)
	}
}

// TestVirtualCamera: what ffmpeg is told makes pictures of the size and format that v4l2 takes; a raw file stands in for the device.
func TestVirtualCamera(t *testing.T) {
	needFFmpeg(t)
	sync, err := passthrough(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	args := virtualArgs("/dev/video7", 33, 18, 24, sync)
	if n := len(args); !slices.Equal(args[n-3:], []string{"-f", "v4l2", "/dev/video7"}) || !slices.Contains(args, "24") {
		t.Fatalf("arguments %q", args)
	}
	path := filepath.Join(t.TempDir(), "device")
	args = append(args[:len(args)-3], "-f", "rawvideo", path)
	s := &Sink{name: "test", args: func(int, int) []string { return args }, encode: rawEncode}
	for i := range 3 {
		if err := s.Write(33, 18, paint(33, 18, byte(100*i)), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if size := 32 * 18 * 3 / 2; err != nil || len(got) != 3*size || got[size] != 16+(100*219+127)/255 {
		t.Errorf("%d bytes, %v, want 3 pictures of 32x18 in yuv420p", len(got), err)
	}
}
