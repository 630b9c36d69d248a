// Recording the live picture: frames that come when they come, into a file that is whole when it has its name.

package video

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// Record makes ready to write an MP4 file: H.264, yuv420p, BT.709, each picture with its own time. A side of an odd length loses
// its last line.
//
// While it grows it lies beside path under a temporary name, path.PID.part.mp4, in fragments of a second: it plays as far as it
// came after a loss of power, and ffmpeg ends it properly by itself when this program is killed. Finish makes of it a file with
// one index, under its own name.
func Record(ctx context.Context, path string, o SinkOptions) (*Sink, error) {
	s := &Sink{name: fmt.Sprintf("record %q", path)}
	if err := s.record(ctx, path, o); err != nil {
		return nil, s.named(err)
	}
	return s, nil
}

func (s *Sink) record(ctx context.Context, path string, o SinkOptions) error {
	s.part = fmt.Sprintf("%s.%d.part.mp4", path, os.Getpid())
	to, err := fileURL(s.part)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("it is not a regular file (%v)", info.Mode().Type())
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is no folder", filepath.Dir(path))
	}
	r, err := recorderOf(ctx)
	if err != nil {
		return err
	}
	encoder := []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", strconv.Itoa(o.CRF)}
	s.codec = "libx264"
	if !r.h264 {
		s.codec, encoder = "mpeg4", []string{"-c:v", "mpeg4", "-q:v", "3"}
	}
	s.encode = (&matroska{}).write
	s.finish = func(ctx context.Context) error { return index(ctx, s.part, path) }
	s.args = func(int, int) []string {
		return slices.Concat(
			[]string{"-nostdin", "-protocol_whitelist", "pipe", "-fpsprobesize", "0", "-f", "matroska", "-i", "pipe:0"}, r.passthrough, encoder,
			[]string{"-enc_time_base", "1:1000", "-bf", "0", "-g", "60", "-vf", yuv420 + ",setsar=1"}, bt709,
			[]string{"-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000", "-flush_packets", "1", "-f", "mp4", "-y", to})
	}
	return nil
}

// recorder is what an ffmpeg can do for recordings.
type recorder struct {
	h264        bool
	passthrough []string
}

// recorders are by the path of their ffmpeg. Each is asked once, since that takes it a good part of a second.
var recorders = struct {
	sync.Mutex
	known map[string]recorder
}{known: map[string]recorder{}}

// ReadyToRecord asks ffmpeg what Record will want to know, so that Record need not wait for it. Record says what is wrong.
func ReadyToRecord(ctx context.Context) { _, _ = recorderOf(ctx) }

func recorderOf(ctx context.Context) (recorder, error) {
	recorders.Lock()
	defer recorders.Unlock()
	path, _ := exec.LookPath("ffmpeg")
	r, known := recorders.known[path]
	if known {
		return r, nil
	}
	var err error
	if r.h264, err = hasEncoder(ctx, "libx264"); err != nil {
		return r, err
	}
	if r.passthrough, err = passthrough(ctx); err != nil {
		return r, err
	}
	recorders.known[path] = r
	return r, nil
}

// index makes the file path, with one index at its front, of one in fragments.
func index(ctx context.Context, part, path string) error {
	from, err := source(part)
	if err != nil {
		return err
	}
	temp := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	to, err := fileURL(temp)
	if err != nil {
		return err
	}
	p := command(ctx, "ffmpeg", slices.Concat([]string{"-nostdin"}, input(from), []string{
		"-c", "copy", "-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4", "-y", to,
	})...)
	if err = p.end(p.Run()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // the error at hand says more
		return err
	}
	return os.Remove(part)
}
