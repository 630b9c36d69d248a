// Frames out of a file and into a file.

package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// Reader hands out the frames of a file, upright, at a constant rate.
type Reader struct {
	Info
	p    *process
	pipe io.ReadCloser
	path string
	done bool
}

// Open starts to read. Close must be called.
func Open(ctx context.Context, path string) (*Reader, error) {
	info, err := Probe(ctx, path)
	if err != nil {
		return nil, err
	}
	url, err := source(path)
	if err != nil {
		return nil, fmt.Errorf("video %q: %w", path, err)
	}
	p := command(ctx, "ffmpeg", slices.Concat([]string{"-nostdin"}, input(url), []string{
		"-map", "0:V:0", "-vf", "setpts=PTS-STARTPTS", "-r", info.Rate, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1",
	})...)
	r := &Reader{Info: info, p: p, path: path}
	if r.pipe, err = p.StdoutPipe(); err == nil {
		err = p.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("video %q: %w", path, p.end(err))
	}
	return r, nil
}

// Read fills frame, 3 W H bytes of RGB, with the next frame. The error is io.EOF at the end of a whole video.
func (r *Reader) Read(frame []byte) error {
	_, err := io.ReadFull(r.pipe, frame)
	if err == nil {
		return nil
	}
	r.done = true
	if ended := r.p.end(r.p.Wait()); ended != nil {
		return fmt.Errorf("video %q: %w", r.path, ended)
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("video %q: %w", r.path, err)
	}
	return io.EOF
}

// Warning is what ffmpeg complained of in a video that it could read to some end; "" for nothing.
func (r *Reader) Warning() string { return r.p.complain.lastLine() }

// Close ends the process.
func (r *Reader) Close() {
	if !r.done {
		r.done = true
		r.pipe.Close()
		_ = r.p.Process.Kill()
		_ = r.p.Wait() // killed
	}
}

// Writer makes an MP4 file of frames: H.264, yuv420p, BT.709.
type Writer struct {
	p          *process
	pipe       io.WriteCloser
	temp, path string
	done       bool
}

// Options of a Writer.
type Options struct {
	W, H  int
	Rate  string // frames a second
	Start string // of the first frame, in seconds after the sound's beginning; "" for 0
	Pixel string // width to height of a pixel
	CRF   int    // of libx264: 0 loses nothing but chroma resolution, 51 most

	Sound string // a file whose first sound stream is taken along; "" for none
	Codec string // of that sound; what MP4 cannot hold is encoded as AAC
}

// yuv420 is the filter of RGB to yuv420p, BT.709, which has even sides; bt709 says so in the file.
const yuv420 = "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p"

var bt709 = []string{"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"}

// copied are the sound codecs that MP4 files hold as they are.
var copied = []string{"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac"}

// Create starts to write the file path, which is there only after Finish. Close must be called. Sides of an odd length lose
// their last row or column, since yuv420p has one colour for two.
func Create(ctx context.Context, path string, o Options) (*Writer, error) {
	w := &Writer{path: path, temp: fmt.Sprintf("%s.%d.tmp", path, os.Getpid())}
	to, err := fileURL(w.temp)
	if err != nil {
		return nil, w.named(err)
	}
	args := []string{
		"-nostdin", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", o.W, o.H), "-r", o.Rate, "-i", "pipe:0",
	}
	if o.Sound != "" {
		url, err := source(o.Sound)
		if err != nil {
			return nil, w.named(err)
		}
		codec := "aac"
		if slices.Contains(copied, o.Codec) {
			codec = "copy"
		}
		if o.Start != "" {
			args = append(args, "-itsoffset", "-"+o.Start) // the sound is moved, since a late first frame would be repeated
		}
		args = slices.Concat(args, input(url), []string{"-map", "0:v", "-map", "1:a:0", "-c:a", codec, "-avoid_negative_ts", "make_zero"})
	}
	args = slices.Concat(args, []string{"-c:v", "libx264", "-crf", strconv.Itoa(o.CRF), "-vf", yuv420 + ",setsar=" + o.Pixel}, bt709,
		[]string{"-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4", "-y", to})
	w.p = command(ctx, "ffmpeg", args...)
	if w.pipe, err = w.p.StdinPipe(); err == nil {
		err = w.p.Start()
	}
	if err != nil {
		return nil, w.named(w.p.end(err))
	}
	return w, nil
}

// Write adds a frame, 3 W H bytes of RGB.
func (w *Writer) Write(frame []byte) error {
	if _, err := w.pipe.Write(frame); err != nil {
		w.done = true
		if ended := w.p.end(w.p.Wait()); ended != nil { // why it reads no more
			err = ended
		}
		return w.named(err)
	}
	return nil
}

// Finish puts the whole file in its place.
func (w *Writer) Finish() error {
	w.done = true
	err := w.pipe.Close()
	if ended := w.p.end(w.p.Wait()); ended != nil {
		err = ended
	}
	if err == nil {
		err = os.Rename(w.temp, w.path)
	}
	return w.named(err)
}

// Close ends the process and removes what was not finished.
func (w *Writer) Close() {
	if !w.done {
		w.done = true
		_ = w.p.Process.Kill()
		_ = w.p.Wait() // killed
	}
	_ = os.Remove(w.temp) // gone where Finish succeeded
}

func (w *Writer) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write video %q: %w", w.path, err)
}
