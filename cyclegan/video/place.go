// What --camera names: a strict reading of the operand, so that no name becomes an option, a filter or another protocol of ffmpeg.

package video

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cyclevk/cyclegan/data"
)

// Place is what an operand of --camera names.
type Place struct {
	kind kind
	name string // a number, path, URL or pattern
}

type kind int

const (
	camera kind = iota
	videoFile
	folder
	network
	screen
	pattern
)

// patterns are the test sources of ffmpeg that take a size and a rate.
var patterns = []string{"testsrc2", "testsrc", "smptebars", "smptehdbars", "pal75bars", "rgbtestsrc", "mandelbrot", "life"}

// protocols are the schemes of streams, and with each all that ffmpeg may open for it. What is not here is refused: file, concat,
// data, subfile, crypto, playlists of other places.
var protocols = map[string]string{
	"rtsp":  "rtsp,rtp,udp,tcp",
	"rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
	"http":  "http,https,tcp,tls,httpproxy",
	"https": "https,tcp,tls,httpproxy",
	"tcp":   "tcp",
	"udp":   "udp",
	"rtmp":  "rtmp,tcp",
	"rtmps": "rtmps,rtmp,tcp,tls",
	"srt":   "srt",
}

var scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)

// ParseSource reads an operand of --camera:
//
//	0, 1, …                   the camera of that number, as ListDevices counts
//	/dev/videoN               a camera of Linux
//	FILE                      a video, or a picture
//	FOLDER                    its pictures, in the order of their names
//	rtsp:// http:// … URL     a stream
//	screen                    what the screen shows
//	test, test:PATTERN        a test pattern
func ParseSource(operand string) (Place, error) {
	name, isTest := strings.CutPrefix(operand, "test:")
	switch {
	case operand == "":
		return Place{}, errors.New("the source has no name: use a camera's number, a file, a folder, a URL, screen or test")
	case strings.ContainsFunc(operand, unicode.IsControl):
		return Place{}, fmt.Errorf("source %q: its name holds a control character: rename it", operand)
	case operand == "screen":
		return Place{kind: screen}, nil
	case operand == "test":
		return Place{pattern, patterns[0]}, nil
	case isTest && slices.Contains(patterns, name):
		return Place{pattern, name}, nil
	case isTest:
		return Place{}, fmt.Errorf("test pattern %q is unknown: use one of %s", name, strings.Join(patterns, " "))
	case strings.Trim(operand, "0123456789") == "":
		if _, err := strconv.ParseUint(operand, 10, 16); err != nil {
			return Place{}, fmt.Errorf("camera %s: there is none of that number: --list-devices shows those that there are", operand)
		}
		return Place{camera, operand}, nil
	case scheme.MatchString(operand):
		return parseStream(operand)
	}
	return parsePath(operand)
}

func parseStream(operand string) (Place, error) {
	name := strings.ToLower(scheme.FindStringSubmatch(operand)[1])
	if protocols[name] == "" {
		known := []string{"rtsp", "rtsps", "http", "https", "udp", "tcp", "rtmp", "rtmps", "srt"}
		return Place{}, fmt.Errorf("stream %q: %s is no protocol of streams here: use %s, or a file by its path", redacted(operand), name, strings.Join(known, " "))
	}
	u, err := url.Parse(operand)
	if err != nil {
		return Place{}, fmt.Errorf("stream %q is no URL: use %s://HOST:PORT/PATH, with %%XX for what is special", redacted(operand), name)
	}
	if u.Host == "" {
		return Place{}, fmt.Errorf("stream %q names no host", redacted(operand))
	}
	if strings.ContainsFunc(operand, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`|\"'<>`, r) }) {
		return Place{}, fmt.Errorf("stream %q holds a character that no URL has: write it as %%XX", redacted(operand))
	}
	return Place{network, name + operand[len(name):]}, nil
}

var v4l2 = regexp.MustCompile(`^/dev/video[0-9]+$`)

func parsePath(operand string) (Place, error) {
	if runtime.GOOS == "linux" && v4l2.MatchString(operand) {
		return Place{camera, operand}, nil
	}
	switch info, err := os.Stat(operand); {
	case err != nil:
		return Place{}, fmt.Errorf("source %q: %w: use a camera's number, a file, a folder, a URL, screen or test", operand, errors.Unwrap(err))
	case info.IsDir():
		return Place{folder, operand}, nil
	case info.Mode().IsRegular():
		return Place{videoFile, operand}, nil
	default:
		return Place{}, fmt.Errorf("source %q: it is not a regular file (%v)", operand, info.Mode().Type())
	}
}

// String names the place as errors do.
func (p Place) String() string {
	switch p.kind {
	case camera:
		return "camera " + p.name
	case videoFile:
		return fmt.Sprintf("file %q", p.name)
	case folder:
		return fmt.Sprintf("folder %q", p.name)
	case network:
		return "stream " + redacted(p.name)
	case screen:
		return "the screen"
	}
	return "test pattern " + p.name
}

// redacted is a URL without the password that it may hold.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return "…" + address[i:]
	}
	return address
}

// secret is the name and the password of a stream's URL, as it has them.
func (p Place) secret() string {
	_, rest, _ := strings.Cut(p.name, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(authority, '@'); p.kind == network && strings.Contains(authority[:max(i, 0)], ":") {
		return authority[:i]
	}
	return ""
}

// live tells whether frames come at their own pace, and a lost source may come back.
func (p Place) live() bool { return p.kind == camera || p.kind == network || p.kind == screen }

// open checks what can be checked before pictures come.
func (p Place) open(ctx context.Context, o SourceOptions) (pictures, error) {
	if p.kind == folder || p.kind == videoFile && data.IsPicture(p.name) {
		return openFolder(p.name, o)
	}
	args, err := p.input(ctx, o)
	if err != nil {
		return nil, err
	}
	sync, err := passthrough(ctx)
	return &capture{args: args, sync: sync, live: p.live(), secret: p.secret(), patience: o.Patience}, err
}
