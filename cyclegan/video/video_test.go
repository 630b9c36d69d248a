// Videos through ffmpeg, made by its own test source; skipped where there is no ffmpeg.

package video

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func needFFmpeg(t *testing.T) {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
}

// ffmpeg runs it and returns what it printed.
func ffmpeg(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin"}, args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, complaint.String())
	}
	return out
}

// fromZero keeps ffmpeg from repeating the first frame until a sound's lead-in is over.
const fromZero = "setpts=PTS-STARTPTS"

// testVideo makes a lossless video of a second, with a sound that begins half a second earlier.
func testVideo(t *testing.T, dir, size, rate, sound string) string {
	path := filepath.Join(dir, "source.mkv")
	ffmpeg(t, "-itsoffset", "0.5", "-f", "lavfi", "-i", "testsrc=size="+size+":rate="+rate+":duration=1", "-f", "lavfi", "-i", "sine=duration=1",
		"-c:v", "ffv1", "-c:a", sound, path)
	return path
}

// readAll returns the frames of a video.
func readAll(t *testing.T, path string) (info Info, frames [][]byte) {
	t.Helper()
	r, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		frame := make([]byte, 3*r.W*r.H)
		if err := r.Read(frame); errors.Is(err, io.EOF) {
			return r.Info, frames
		} else if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
}

// TestCopy: the frames, their number and rate, and the sound go through a Reader and a Writer.
func TestCopy(t *testing.T) {
	needFFmpeg(t)
	for _, c := range []struct {
		size, rate, sound string
		want              Info // of the copy
	}{
		{"48x32", "30000/1001", "aac", Info{W: 48, H: 32, Rate: "30000/1001", Pixel: "1/1", Frames: 30, Audio: "aac"}},
		{"49x35", "12", "pcm_s16le", Info{W: 48, H: 34, Rate: "12/1", Pixel: "1/1", Frames: 12, Audio: "aac"}},
	} {
		t.Run(c.size, func(t *testing.T) {
			dir := t.TempDir()
			source := testVideo(t, dir, c.size, c.rate, c.sound)
			info, frames := readAll(t, source)
			if want := ffmpeg(t, "-i", source, "-vf", fromZero, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"); !bytes.Equal(bytes.Join(frames, nil), want) {
				t.Fatal("the frames read are not those of the file")
			}
			path := filepath.Join(dir, "copy.mp4")
			w, err := Create(t.Context(), path, Options{W: info.W, H: info.H, Rate: info.Rate, Start: info.Start, Pixel: info.Pixel, Sound: source, Codec: info.Audio})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			for _, f := range frames {
				if err := w.Write(f); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the file is there before it is whole")
			}
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir, "copy.mp4", "source.mkv")
			got, err := Probe(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if start, err := strconv.ParseFloat(got.Start, 64); err != nil || math.Abs(start-0.5) > 0.03 { // less than a frame
				t.Errorf("the first frame comes %q s after the sound begins, want 0.5", got.Start)
			}
			got.Start = ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			colours := ffmpeg(t, "-i", source, "-vf",
				fromZero+",format=rgb24,crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int",
				"-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
			if !bytes.Equal(ffmpeg(t, "-i", path, "-vf", fromZero, "-f", "rawvideo", "-"), colours) {
				t.Error("-crf 0 changed the colours")
			}
			if c.sound == "aac" {
				sound := func(path string) string {
					return string(ffmpeg(t, "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-"))
				}
				if a, b := sound(source), sound(path); a != b {
					t.Errorf("sound %s became %s", a, b)
				}
			}
		})
	}
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestNames: a name is a name, whatever ffmpeg would make of it.
func TestNames(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	t.Chdir(dir)
	source := testVideo(t, dir, "16x16", "5", "aac")
	content, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"-i.mkv", "concat:source.mkv", "http:x.mkv", "pipe:0", "a%03d.mkv", "a 'b' \"c\"\n.mkv", "\xff.mkv"} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, frames := readAll(t, name); len(frames) != 5 {
			t.Errorf("%q: %d frames, want 5", name, len(frames))
		}
		w, err := Create(t.Context(), name+".mp4", Options{W: 16, H: 16, Rate: "5", Pixel: "1/1", Sound: name, Codec: "aac"})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(make([]byte, 3*16*16)), w.Finish()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		w.Close()
		if _, err := os.Stat(name + ".mp4"); err != nil {
			t.Error(err)
		}
	}
}

// TestRefused: what is no video, or would lead to other files, is refused with its name in one line.
func TestRefused(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	source := testVideo(t, dir, "16x16", "5", "aac")
	content, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	ffmpeg(t, "-i", source, "-map", "0:a", filepath.Join(dir, "sound.mp4"))
	for name, content := range map[string]string{
		"empty.mp4":    "",
		"text.mp4":     "no video",
		"concat.mp4":   "ffconcat version 1.0\nfile source.mkv\n",
		"playlist.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsource.mkv\n#EXT-X-ENDLIST\n",
		"short.mp4":    string(content[:100]),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.mp4"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.mp4"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"empty.mp4", "text.mp4", "concat.mp4", "playlist.mp4", "short.mp4", "sound.mp4", "folder.mp4", "fifo.mp4", "none.mp4", "\x00.mp4"} {
		r, err := Open(t.Context(), filepath.Join(dir, name))
		if err == nil {
			r.Close()
			t.Errorf("%s was opened", name)
		} else if text := err.Error(); !strings.Contains(text, strings.Trim(name, "\x00")) || strings.Contains(text, "\n") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestCutShort: of a video that is damaged behind a good header, what can be read is read, with a warning.
func TestCutShort(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=64x64:rate=30:duration=2", "-c:v", "libx264", "-movflags", "+faststart", filepath.Join(dir, "v.mp4"))
	content, err := os.ReadFile(filepath.Join(dir, "v.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "short.mp4")
	if err := os.WriteFile(path, content[:len(content)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frame := make([]byte, 3*r.W*r.H)
	frames := -1
	for ; err == nil; frames++ {
		err = r.Read(frame)
	}
	if !errors.Is(err, io.EOF) || frames < 1 || frames > 59 || r.Warning() == "" {
		t.Errorf("%d frames, ended with %v, warning %q", frames, err, r.Warning())
	}
}

// TestInterrupted: a cancelled context ends the processes, and nothing is left of the file.
func TestInterrupted(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	source := testVideo(t, dir, "64x64", "25", "aac")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Open(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := Create(ctx, filepath.Join(dir, "out.mp4"), Options{W: 64, H: 64, Rate: r.Rate, Pixel: r.Pixel})
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 3*64*64)
	if err := errors.Join(r.Read(frame), w.Write(frame)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := w.Finish(); !errors.Is(err, context.Canceled) {
		t.Errorf("Finish: %v", err)
	}
	w.Close()
	for err = nil; err == nil; {
		err = r.Read(frame)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	wantFiles(t, dir, "source.mkv")
	for name, p := range map[string]*process{"reader": r.p, "writer": w.p} {
		if p.ProcessState == nil {
			t.Errorf("the %s was not waited for", name)
		}
	}
}

func TestNoFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	path := filepath.Join(t.TempDir(), "v.mp4")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path)
	for _, err := range []error{err, Available()} {
		if !errors.Is(err, ErrNoFFmpeg) {
			t.Errorf("%v", err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, json string
		want       Info
		refusal    string
	}{
		{
			"turned by side data",
			`{"streams":[{"codec_type":"video","width":64,"height":32,"avg_frame_rate":"25/1","nb_frames":"7","sample_aspect_ratio":"4:3","side_data_list":[{"rotation":-90}]}]}`,
			Info{W: 32, H: 64, Rate: "25/1", Pixel: "3/4", Frames: 7},
			"",
		},
		{
			"turned by a tag, half a turn, no average rate, length of the file",
			`{"streams":[{"codec_type":"audio","codec_name":"opus"},{"codec_type":"video","width":64,"height":32,"avg_frame_rate":"0/0","r_frame_rate":"24/1","tags":{"rotate":"180"}}],"format":{"duration":"2.5"}}`,
			Info{W: 64, H: 32, Rate: "24/1", Pixel: "1/1", Frames: 60, Audio: "opus"},
			"",
		},
		{"a cover is no video", `{"streams":[{"codec_type":"video","width":64,"height":32,"avg_frame_rate":"25/1","disposition":{"attached_pic":1}}]}`, Info{}, "no moving pictures"},
		{"huge", `{"streams":[{"codec_type":"video","width":65535,"height":65535,"avg_frame_rate":"25/1"}]}`, Info{}, "megapixels"},
		{"no rate", `{"streams":[{"codec_type":"video","width":8,"height":8,"avg_frame_rate":"-1/5","r_frame_rate":"1/0"}]}`, Info{}, "frames a second"},
		{"no size", `{"streams":[{"codec_type":"video","width":0,"height":8,"avg_frame_rate":"1/1"}]}`, Info{}, "0x8"},
		{"no JSON", `<html>`, Info{}, "ffprobe"},
	} {
		got, err := parse([]byte(c.json))
		if c.refusal != "" {
			if err == nil || !strings.Contains(err.Error(), c.refusal) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.refusal)
			}
		} else if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}
