// One run of ffmpeg that delivers frames, each in its own size.

package video

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// capture is how a source is read by ffmpeg. Raw video does not say where its size changes, and encoders that write a size into
// each picture write that of the first; so the last filter says each frame's size on standard error, in front of the frame.
type capture struct {
	args   []string // up to the input
	sync   []string
	live   bool
	secret string // what no message may show

	patience time.Duration // a live source that is silent for longer is lost
}

func (c *capture) play(ctx context.Context, box *mailbox) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := command(ctx, "ffmpeg", slices.Concat([]string{"-v", "level+info", "-nostats", "-nostdin", "-max_pixels", strconv.Itoa(maxPixels)}, c.args,
		[]string{"-map", "0:V:0", "-vf", "showinfo=checksum=0", "-autoscale", "0"}, c.sync,
		[]string{"-f", "rawvideo", "-pix_fmt", "rgb24", "-flush_packets", "1", "pipe:1"})...)
	p.Stderr = nil // read here
	pipe, err := p.StdoutPipe()
	if err != nil {
		return err
	}
	said, err := p.StderrPipe()
	if err != nil {
		return err
	}
	release, err := bind(p.Cmd)
	defer release()
	if err != nil {
		return p.end(err)
	}
	defer context.AfterFunc(ctx, func() { // children of its own may hold them open
		_ = pipe.Close()
		_ = said.Close()
	})()
	sizes, silent := make(chan size, sizesAhead), make(chan struct{})
	go func() {
		defer close(silent)
		defer close(sizes)
		if !readLog(said, &p.complain, sizes) {
			cancel(errors.New("ffmpeg announces more frames than it delivers"))
		}
	}()
	if c.live {
		silence := time.AfterFunc(c.patience, func() { cancel(fmt.Errorf("no picture for %v", c.patience)) })
		defer silence.Stop()
		box.watch(func() { silence.Reset(c.patience) })
		defer box.watch(nil)
	}
	for err == nil {
		err = readFrame(pipe, sizes, box)
	}
	if !errors.Is(err, io.EOF) {
		cancel(err)
	}
	<-silent
	err = p.end(p.Wait())
	if last := p.complain.lastLine(); err == nil && last != "" && (c.live || box.count() == 0) {
		err = fmt.Errorf("ffmpeg: %s", last) // for which it does not fail
	}
	if err != nil && ctx.Err() == nil {
		err = c.cured(err, p.complain.String())
	}
	return err
}

// cures are what to do about words of ffmpeg.
var cures = []struct{ said, cure string }{
	{"not on whitelist", "only videos are read, not lists that name other places: give the video itself"},
	{"matches no streams", "it holds no moving pictures"},
	{"not found for", "this ffmpeg lacks its codec: install a full build of ffmpeg"},
	{"Decoding requested, but no decoder found", "this ffmpeg lacks its codec: install a full build of ffmpeg"},
	{"Unknown input format", "this ffmpeg was built without it: install a full build of ffmpeg"},
	{"Protocol not found", "this ffmpeg was built without it: install a full build of ffmpeg"},
	{"Connection refused", "nothing answers there: check the host and the port"},
	{"Unauthorized", "put the user's name and password into the URL: ://USER:PASSWORD@HOST"},
	{"Device or resource busy", "another program has it: end that"},
	{"Not a video capture device", "it is no camera: --list-devices shows those that there are"},
	{"Inappropriate ioctl", "it is no camera: --list-devices shows those that there are"},
	{"Invalid data found", "it is no video that ffmpeg reads: convert it to MP4"},
	{"Cannot open display", "check DISPLAY, and that this user may see that screen"},
}

// cured adds what helps to an error of ffmpeg, by all that it said.
func (c *capture) cured(err error, said string) error {
	if c.secret != "" {
		err = errors.New(strings.ReplaceAll(err.Error(), c.secret, "xxxxx"))
	}
	for _, c := range cures {
		if strings.Contains(said, c.said) {
			return fmt.Errorf("%w: %s", err, c.cure)
		}
	}
	return err
}

// size is that of a frame.
type size struct{ w, h int }

// sizesAhead is how many frames ffmpeg may announce before it delivers them.
const sizesAhead = 4096

// readFrame puts the next frame into box.
func readFrame(pipe io.Reader, sizes <-chan size, box *mailbox) error {
	s, ok := <-sizes
	if !ok {
		return io.EOF
	}
	if s.w < 1 || s.h < 1 || s.w > maxPixels/s.h {
		return fmt.Errorf("a frame of %dx%d: use at most %d megapixels", s.w, s.h, maxPixels/1_000_000)
	}
	if _, err := io.ReadFull(pipe, box.next(s.w, s.h).Pix); err != nil {
		return io.EOF // the process ended within a frame: it says why
	}
	if !box.put() {
		return errors.New("the source was closed")
	}
	return nil
}

var (
	frameLine = regexp.MustCompile(`^\[(?:Parsed_)?showinfo\S* @ \S+\] \[info\] n: *\d+ .* s:(\d+)x(\d+) `)
	faultLine = regexp.MustCompile(`^(?:\[[^\]]* @ [^\]]*\] )?\[(?:error|fatal|panic)\] (.+)`)
)

// readLog passes on the sizes of frames, and to complain what else is an error, until the process ends. It returns false at once
// where more sizes wait than can be.
func readLog(said io.Reader, complain io.Writer, sizes chan<- size) (ok bool) {
	rest := false // of an overlong line: a file's own words may look like a line there
	for lines := bufio.NewReaderSize(said, 1<<16); ; {
		line, more, err := lines.ReadLine()
		if err != nil {
			return true
		}
		begins := !rest
		if rest = more; !begins {
			continue
		}
		if m := frameLine.FindSubmatch(line); m != nil {
			w, _ := strconv.Atoi(string(m[1])) // digits; too many are the largest number
			h, _ := strconv.Atoi(string(m[2]))
			select {
			case sizes <- size{w, h}:
			default:
				return false
			}
		} else if m := faultLine.FindSubmatch(line); m != nil {
			_, _ = complain.Write(append(m[1], '\n')) // fails never
		}
	}
}

var version = regexp.MustCompile(`^ffmpeg version n?([0-9]+)\.([0-9]+)`)

// passthrough are the options that have ffmpeg write the frames that it gets, none twice and none left out. Their name changed.
func passthrough(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ffmpeg", "-version").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, ErrNoFFmpeg
	} else if err != nil {
		return nil, fmt.Errorf("ffmpeg -version: %w", err)
	}
	return passthroughOf(string(out))
}

func passthroughOf(banner string) ([]string, error) {
	major, minor := 99, 0 // a build between releases
	if m := version.FindStringSubmatch(banner); m != nil {
		major, _ = strconv.Atoi(m[1])
		minor, _ = strconv.Atoi(m[2])
	}
	switch {
	case major < 4 || major == 4 && minor < 4:
		return nil, fmt.Errorf("ffmpeg %d.%d is too old: install 4.4 or newer", major, minor)
	case major < 5 || major == 5 && minor < 1:
		return []string{"-vsync", "passthrough"}, nil
	}
	return []string{"-fps_mode", "passthrough"}, nil
}

// hasEncoder tells whether ffmpeg was built with an encoder.
func hasEncoder(ctx context.Context, name string) (bool, error) {
	p := command(ctx, "ffmpeg", "-h", "encoder="+name)
	out, err := p.Output()
	if err != nil {
		return false, p.end(err)
	}
	return bytes.HasPrefix(out, []byte("Encoder ")), nil
}
