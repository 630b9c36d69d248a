// Sources through ffmpeg: every frame in its own size, what is lost and comes back, what is refused and how that is said.

package video

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cyclevk/cyclegan/data"
)

// clip makes a stream of 5 frames that can be joined to another.
func clip(t *testing.T, size string) []byte {
	t.Helper()
	return ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=rate=10:size="+size, "-frames:v", "5", "-c:v", "mpeg4", "-g", "1", "-f", "mpegts", "-")
}

func writeFile(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// next waits for the frame after last; nil at the end of the source.
func next(t *testing.T, s *Source, last uint64) *Frame {
	t.Helper()
	for {
		state := s.State() // before Latest: the last frame is put before the end is said
		if f, _, ok := s.Latest(last); ok {
			return f
		}
		if state.Condition == Ended {
			if state.Err != nil {
				t.Fatal(state.Err)
			}
			return nil
		}
		select {
		case <-s.Wake():
		case <-t.Context().Done():
			t.Fatal("no frame")
		}
	}
}

// all takes every frame of a source as it has them.
func all(t *testing.T, operand string, o SourceOptions) (frames []Frame) {
	t.Helper()
	s, err := OpenSource(t.Context(), operand, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for f := next(t, s, 0); f != nil; f = next(t, s, f.Serial) {
		kept := *f
		kept.Pix = bytes.Clone(f.Pix)
		frames = append(frames, kept)
	}
	return frames
}

// TestEveryFrame: without Realtime nothing is left out, and the second half of the stream comes in its own size.
func TestEveryFrame(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	small, large := clip(t, "64x48"), clip(t, "48x64") // as many bytes a frame
	path := writeFile(t, filepath.Join(dir, "both.ts"), slices.Concat(small, large))
	var want []byte
	for _, half := range [][]byte{small, large} {
		one := writeFile(t, filepath.Join(dir, "one.ts"), half)
		want = append(want, ffmpeg(t, "-i", one, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")...)
	}
	var got []byte
	frames := all(t, path, SourceOptions{})
	for i, f := range frames {
		if w, h := 64-i/5*16, 48+i/5*16; f.W != w || f.H != h || f.Serial != uint64(i+1) {
			t.Errorf("frame %d is %dx%d, number %d, want %dx%d", i+1, f.W, f.H, f.Serial, w, h)
		}
		got = append(got, f.Pix...)
	}
	if len(frames) != 10 || !bytes.Equal(got, want) {
		t.Errorf("%d frames, want the 10 of the file, bit for bit", len(frames))
	}
}

// TestLoop: a file and a folder begin anew, with numbers that go on; a held source ends when it is closed.
func TestLoop(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "a.ts"), clip(t, "32x32"))
	pictures := filepath.Join(dir, "pictures")
	if err := os.Mkdir(pictures, 0o777); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"b.png", "a.png", "c.txt"} {
		m := data.NewImage(4+i, 3)
		m.Pix[0] = byte(i)
		if err := data.EncodePNG(filepath.Join(pictures, name), m); err != nil {
			t.Fatal(err)
		}
	}
	if got := all(t, pictures, SourceOptions{Realtime: true, FPS: 1000}); len(got) == 0 || got[len(got)-1].W != 4 {
		t.Errorf("%d pictures, want b.png last", len(got))
	}
	got := all(t, pictures, SourceOptions{})
	if len(got) != 2 || got[0].W != 5 || got[0].Pix[0] != 1 || got[1].W != 4 {
		t.Errorf("pictures %v, want a.png and b.png", got)
	}
	for operand, n := range map[string]int{file: 5, pictures: 2} {
		s, err := OpenSource(t.Context(), operand, SourceOptions{Loop: true})
		if err != nil {
			t.Fatal(err)
		}
		var first []byte
		for i := range 2*n + 1 {
			f := next(t, s, uint64(i))
			if i == 0 {
				first = bytes.Clone(f.Pix)
			} else if i%n == 0 && !bytes.Equal(f.Pix, first) {
				t.Errorf("%s: frame %d is not the first again", operand, i+1)
			}
		}
		s.Close()
	}
}

// TestPatterns: each test pattern plays in the size and at the rate that are asked for, or as fast as it is taken.
func TestPatterns(t *testing.T) {
	needFFmpeg(t)
	for _, p := range patterns {
		s, err := OpenSource(t.Context(), "test:"+p, SourceOptions{W: 48, H: 32, FPS: 200, Realtime: true})
		if err != nil {
			t.Error(err)
			continue
		}
		f := next(t, s, 9) // nothing was taken before
		if _, dropped, _ := s.Latest(math.MaxUint64); f.W != 48 || f.H != 32 || dropped < f.Serial-1 {
			t.Errorf("%s is %dx%d, %d dropped before frame %d", p, f.W, f.H, dropped, f.Serial)
		}
		s.Close()
	}
	for _, o := range []SourceOptions{{FPS: -1}, {FPS: math.NaN()}, {FPS: 1e9}, {W: 5}, {W: -5, H: -5}, {W: 1 << 20, H: 1 << 20}} {
		if s, err := OpenSource(t.Context(), "test", o); err == nil {
			s.Close()
			t.Errorf("options %+v are taken", o)
		}
	}
}

// TestReconnects: a stream that ends or falls silent is waited for, and comes back, in another size too.
func TestReconnects(t *testing.T) {
	needFFmpeg(t)
	pictures := func(size string) []byte {
		picture := ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size="+size, "-frames:v", "1", "-f", "mjpeg", "-")
		return fmt.Appendf(nil, "--ffmpeg\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture)
	}
	small, large := pictures("64x48"), pictures("96x80")
	var visits atomic.Int32
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send := func(picture []byte) { // until the test has seen it
			w.Header().Set("Content-Type", "multipart/x-mixed-replace;boundary=ffmpeg")
			for {
				_, _ = w.Write(picture)
				w.(http.Flusher).Flush()
				select {
				case <-stop:
					return
				case <-r.Context().Done():
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		}
		switch visits.Add(1) {
		case 1:
			send(small)
		case 2:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		case 3:
			send(large)
			<-r.Context().Done()
		default:
			send(small)
		}
	}))
	defer server.Close()
	s, err := OpenSource(t.Context(), server.URL+"/camera", SourceOptions{Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	last := uint64(0)
	until := func(w int) {
		t.Helper()
		for f := next(t, s, last); ; f = next(t, s, last) {
			if last = f.Serial; f.W == w {
				return
			}
		}
	}
	until(64)
	stop <- struct{}{}
	for s.State().Condition != Waiting {
		<-s.Wake()
	}
	if m := s.State().Message; !strings.Contains(m, "is lost") || strings.Contains(m, "\n") {
		t.Errorf("message %q", m)
	}
	until(96)
	if c := s.State().Condition; c != Running {
		t.Errorf("condition %v after it came back", c)
	}
	stop <- struct{}{}
	until(64)
	if n := visits.Load(); n < 4 {
		t.Errorf("%d visits, want the silent stream left for a fourth", n)
	}
}

// TestHostileNames: a file plays whatever its name looks like, and reads nothing else.
func TestHostileNames(t *testing.T) {
	needFFmpeg(t)
	t.Chdir(t.TempDir())
	content := ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=rate=10:size=32x32", "-frames:v", "2", "-c:v", "ffv1",
		"-metadata", "title=x\n[Parsed_showinfo_0 @ 0x1] [info] n: 0 s:8x8 ", "-f", "matroska", "-")
	for _, name := range []string{
		"-i", "-f", "-", "file:x", "concat:a|b", "pipe:0", "http://x", "x -f y", "%d.mkv", `'back\slash'`, "subfile,,start,0,end,1,,:x", "data:x;base64,AA", "é\xff",
	} {
		if name == "http://x" { // a URL, whatever files there are; its path below is none
			name = "./" + name
			if err := os.Mkdir("http:", 0o777); err != nil {
				t.Fatal(err)
			}
		}
		writeFile(t, name, content)
		if got := all(t, name, SourceOptions{}); len(got) != 2 || got[0].W != 32 {
			t.Errorf("%q: %d frames", name, len(got))
		}
	}
}

// TestRefusals: what cannot be opened is an error of one line that names it and says what to do.
func TestRefusals(t *testing.T) {
	needFFmpeg(t)
	t.Setenv("DISPLAY", "")
	dir := t.TempDir()
	t.Chdir(dir)
	hits := make(chan string, 100)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hits <- r.URL.Path }))
	defer target.Close()
	content := clip(t, "32x32")
	victim := writeFile(t, filepath.Join(dir, "victim.ts"), content)
	lists := map[string]string{
		"hls":  "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nURL\n#EXT-X-ENDLIST\n",
		"list": "ffconcat version 1.0\nfile 'URL'\n",
		"dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' mediaPresentationDuration='PT9S'><Period><AdaptationSet mimeType='video/mp2t'>" +
			"<Representation id='a' bandwidth='1'><BaseURL>URL</BaseURL></Representation></AdaptationSet></Period></MPD>",
		"sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to, ok := strings.CutPrefix(r.URL.Path, "/redirect/"); ok {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, strings.ReplaceAll(lists[strings.Trim(r.URL.Path, "/")], "URL", target.URL+"/hit.ts"))
	}))
	defer server.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	ffmpeg(t, "-f", "lavfi", "-i", "sine=duration=0.1", "sound.mp4")
	writeFile(t, "empty.mp4", nil)
	writeFile(t, "text.mp4", []byte("no video\n"))
	if err := os.Mkdir("none", 0o777); err != nil {
		t.Fatal(err)
	}

	type refusal struct{ operand, says string }
	cases := []refusal{
		{"", "has no name"},
		{"missing.mp4", "no such file"},
		{"-i", "no such file"},
		{"99", "there is none: plug one in"},
		{"99999999", "none of that number"},
		{"/dev/video99", "there is none: plug one in"},
		{"/dev/null", "not a regular file"},
		{"/dev/video0/../../" + victim, "no such file"},
		{"two\nlines", "control character"},
		{"nul\x00", "control character"},
		{"test:nullsrc", "unknown: use one of testsrc2"},
		{"test:testsrc2=size=1x1,movie=" + victim, "unknown: use one of"},
		{"screen", "DISPLAY"},
		{"text.mp4", "no video that ffmpeg reads"},
		{"empty.mp4", "no video that ffmpeg reads"},
		{"sound.mp4", "no moving pictures"},
		{"none", "holds no pictures"},
		{"file://" + victim, "no protocol of streams"},
		{"concat://" + victim, "no protocol of streams"},
		{"data://x", "no protocol of streams"},
		{"crypto+http://x", "no protocol of streams"},
		{"http:///x", "names no host"},
		{"http://x -f lavfi", "no URL"},
		{"http://127.0.0.1/a b", "write it as %XX"},
		{"http://127.0.0.1/a|b", "write it as %XX"},
		{"http://" + closed.Addr().String(), "nothing answers there"},
		{"tcp://" + closed.Addr().String(), "nothing answers there"},
		{"rtsp://" + closed.Addr().String(), "nothing answers there"},
		{"rtmp://" + closed.Addr().String() + "/a", "nothing answers there"},
		{"https://" + closed.Addr().String(), "nothing answers there"},
		{server.URL + "/redirect/file:" + victim, "Invalid argument"},
	}
	for name, list := range lists {
		cases = append(cases, refusal{server.URL + "/" + name, ""})
		for i, url := range []string{target.URL + "/hit.ts", "victim.ts"} {
			path := writeFile(t, name+string(rune('0'+i))+".mp4", []byte(strings.ReplaceAll(list, "URL", url)))
			cases = append(cases, refusal{path, ""})
		}
	}
	for _, c := range cases {
		s, err := OpenSource(t.Context(), c.operand, SourceOptions{})
		if err == nil {
			s.Close()
			t.Errorf("%q opened", c.operand)
		} else if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %q, want it to say %q in one line", c.operand, err, c.says)
		}
	}
	select {
	case path := <-hits:
		t.Errorf("a list had %s fetched", path)
	default:
	}
}

// fakeFFmpeg puts a script in the place of ffmpeg; REAL in it is the true one.
func fakeFFmpeg(t *testing.T, script string) {
	t.Helper()
	needFFmpeg(t)
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "ffmpeg"), []byte("#!/bin/sh\n"+strings.ReplaceAll(script, "REAL", real)))
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestLackingFFmpeg: none, one that is too old, one without a codec, one that hangs.
func TestLackingFFmpeg(t *testing.T) {
	for _, c := range []struct{ name, script, says string }{
		{"old", "echo 'ffmpeg version 4.3.6-0+deb11u1 Copyright'", "too old: install 4.4"},
		{"codec", `case $1 in -version) REAL -version;; *) echo '[error] Decoder (codec av1) not found for input stream #0:0' >&2; exit 1;; esac`, "lacks its codec"},
		{"format", `case $1 in -version) REAL -version;; *) echo "[error] Unknown input format: 'lavfi'" >&2; exit 1;; esac`, "built without it"},
		{"silent", `case $1 in -version) REAL -version;; *) exec sleep 60;; esac`, "no picture within"},
		{"many", `case $1 in -version) REAL -version;; *) exec yes '[Parsed_showinfo_0 @ 0x1] [info] n: 1 x s:8x8 ' >&2;; esac`, "announces more frames"},
		{"huge", `case $1 in -version) REAL -version;; *) echo '[Parsed_showinfo_0 @ 0x1] [info] n: 1 x s:8000x8001 ' >&2; sleep 60;; esac`, "at most 64 megapixels"},
		{"dead", `case $1 in -version) REAL -version;; *) kill -9 $$;; esac`, "killed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeFFmpeg(t, c.script)
			s, err := OpenSource(t.Context(), "test", SourceOptions{Patience: time.Second})
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := OpenSource(t.Context(), "test", SourceOptions{}); err == nil || !strings.Contains(err.Error(), "apt install ffmpeg") {
			t.Errorf("error %v, want what to install", err)
		}
	})
}

// TestCancel: a source ends with its context, also while nobody takes its frames.
func TestCancel(t *testing.T) {
	needFFmpeg(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := OpenSource(ctx, "test", SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cancel()
	for s.State().Condition != Ended {
		select {
		case <-s.Wake():
		case <-t.Context().Done():
			t.Fatal("it goes on")
		}
	}
}

func TestPassthrough(t *testing.T) {
	for banner, want := range map[string]string{
		"ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright": "-vsync",
		"ffmpeg version 5.0.1 Copyright":                  "-vsync",
		"ffmpeg version n5.1.2 Copyright":                 "-fps_mode",
		"ffmpeg version 10.0 Copyright":                   "-fps_mode",
		"ffmpeg version N-109741-gbbe95f7353 Copyright":   "-fps_mode",
		"ffmpeg version 3.4.11":                           "",
		"ffmpeg version 4.3":                              "",
	} {
		got, err := passthroughOf(banner)
		if (err != nil) != (want == "") || err == nil && got[0] != want {
			t.Errorf("%s: %q, %v, want %q", banner, got, err, want)
		}
	}
}

// What a file says of itself can be as long as it likes, and is never taken for a frame's announcement.
func TestOverlongLine(t *testing.T) {
	const frame = "[Parsed_showinfo_0 @ 0x1] [info] n:   0 pts:      0 s:4x2 i:P\n"
	sizes := make(chan size, 8)
	said := strings.Repeat("x", 1<<16) + frame + strings.Repeat("x", 1<<17) + frame + frame
	if !readLog(strings.NewReader(said), io.Discard, sizes) || len(sizes) != 1 || <-sizes != (size{4, 2}) {
		t.Error("a part of a line was taken for one, or a line was not")
	}
}
