// Package video reads and writes video files through ffmpeg, a process beside this one, over pipes of raw frames.
//
// File names and contents come from strangers: names are passed as absolute paths behind "file:", so that none is taken for an
// option or a protocol, and ffmpeg may open nothing but files in formats that hold their own pictures.
package video

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNoFFmpeg is wrapped by every error that comes from a missing program.
var ErrNoFFmpeg = errors.New("videos need the programs ffmpeg and ffprobe: install ffmpeg (Debian and Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg)")

// extensions of the files that are taken for videos, in lower case. The content decides the format.
var extensions = []string{
	".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".flv", ".ogv", ".3gp", ".y4m",
}

// IsVideo tells by its name whether a file is taken for a video. Hidden files are none.
func IsVideo(name string) bool {
	return !strings.HasPrefix(filepath.Base(name), ".") && slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}

// Available returns an error that wraps ErrNoFFmpeg where a program is missing.
func Available() error {
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w (%w)", ErrNoFFmpeg, err)
		}
	}
	return nil
}

// source is the URL of a file that is there to be read: opening a FIFO would block.
func source(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", errors.Unwrap(err) // the path is named by the caller
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("it is not a regular file (%v)", info.Mode().Type())
	}
	return fileURL(path)
}

// fileURL is a path as ffmpeg takes for nothing but a file.
func fileURL(path string) (string, error) {
	if strings.ContainsRune(path, 0) {
		return "", errors.New("its name holds a zero byte")
	}
	path, err := filepath.Abs(path)
	return "file:" + path, err
}

// input are the options in front of an input file. The formats are those that refer to no other file, as playlists do.
func input(url string) []string {
	return []string{
		"-protocol_whitelist", "file,pipe",
		"-format_whitelist", "mov,matroska,webm,avi,mpeg,mpegvideo,mpegts,asf,flv,ogg,yuv4mpegpipe", "-i", url,
	}
}

// process is a running ffmpeg or ffprobe. It ends with its context at the latest.
type process struct {
	*exec.Cmd
	ctx      context.Context
	complain tail
}

func command(ctx context.Context, program string, args ...string) *process {
	p := &process{Cmd: exec.CommandContext(ctx, program, append([]string{"-v", "error", "-hide_banner"}, args...)...), ctx: ctx}
	p.Stderr, p.WaitDelay = &p.complain, time.Second
	detach(p.Cmd)
	return p
}

// end explains how the process ended: by ctx, by what it said last, or well.
func (p *process) end(err error) error {
	switch {
	case err == nil:
		return nil
	case p.ctx.Err() != nil:
		return context.Cause(p.ctx)
	case errors.Is(err, exec.ErrNotFound):
		return ErrNoFFmpeg
	}
	if said := p.complain.lastLine(); said != "" {
		return fmt.Errorf("%s: %s", filepath.Base(p.Path), said)
	}
	return fmt.Errorf("%s: %w", filepath.Base(p.Path), err)
}

// tail keeps the last bytes that are written to it.
type tail struct{ bytes.Buffer }

const tailBytes = 4096

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	t.Buffer.Write(b[max(0, n-tailBytes):])
	t.Next(t.Len() - min(t.Len(), tailBytes))
	return n, nil
}

// lastLine is what a program says last, which is the reason for its end.
func (t *tail) lastLine() string {
	lines := strings.FieldsFunc(t.String(), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return ""
	}
	return strings.ToValidUTF8(lines[len(lines)-1], "?")
}
