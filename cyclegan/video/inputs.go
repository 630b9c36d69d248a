// How each kind of source is given to ffmpeg: options in front of one input, with no more rights than that source needs.

package video

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// maxFPS is the highest rate that is asked of a source.
const maxFPS = 1000

func checkFPS(fps float64) error {
	if math.IsNaN(fps) || fps < 0 || fps > maxFPS {
		return fmt.Errorf("%v frames a second: use a rate up to %d", fps, maxFPS)
	}
	return nil
}

// lowDelay hands frames on as they come. It loses the first frames of short files, so it is for live sources alone.
// Nobody asks for its rate, which would cost frames to find out.
var lowDelay = []string{"-fflags", "nobuffer", "-flags", "low_delay", "-fpsprobesize", "0"}

// streamFormats hold their own pictures, as those of files do. Playlists (HLS, DASH) are none: they name other places.
const streamFormats = "mpjpeg,mjpeg,mpegts,mpeg,flv,live_flv,mov,matroska,webm,avi,asf,ogg,h264,hevc,yuv4mpegpipe,jpeg_pipe"

// input are the options of ffmpeg that open the place.
func (p Place) input(ctx context.Context, o SourceOptions) ([]string, error) {
	if err := checkFPS(o.FPS); err != nil {
		return nil, err
	}
	if o.W < 0 || o.H < 0 || (o.W == 0) != (o.H == 0) || o.W > 0 && o.W > maxPixels/o.H {
		return nil, fmt.Errorf("a size of %dx%d: use at most %d megapixels", o.W, o.H, maxPixels/1_000_000)
	}
	switch p.kind {
	case videoFile:
		url, err := source(p.name)
		if err != nil {
			return nil, err
		}
		return append(paced(o), input(url)...), nil
	case network:
		name, _, _ := strings.Cut(p.name, ":")
		formats := streamFormats
		if strings.HasPrefix(name, "rtsp") {
			formats = "rtsp"
		}
		args := slices.Concat(lowDelay, []string{"-protocol_whitelist", protocols[name], "-format_whitelist", formats})
		if strings.HasPrefix(name, "rtsp") {
			args = append(args, "-rtsp_flags", "prefer_tcp") // lost packets of UDP are grey blocks
		}
		return append(args, "-i", p.name), nil
	case pattern:
		size := "640x480"
		if o.W > 0 {
			size = fmt.Sprintf("%dx%d", o.W, o.H)
		}
		return append(paced(o), "-f", "lavfi", "-i", fmt.Sprintf("%s=size=%s:rate=%s", p.name, size, rate(o.FPS))), nil
	case screen:
		return screenInput(runtime.GOOS, os.Getenv("DISPLAY"), o)
	}
	return p.cameraInput(ctx, runtime.GOOS, o)
}

// paced has ffmpeg read at the source's own rate.
func paced(o SourceOptions) []string {
	if o.Realtime {
		return []string{"-re"}
	}
	return nil
}

var display = regexp.MustCompile(`^[A-Za-z0-9._-]*:[0-9]+(\.[0-9]+)?$`)

func screenInput(system, where string, o SourceOptions) ([]string, error) {
	args := append(slices.Clone(lowDelay), "-framerate", rate(o.FPS))
	switch system {
	case "windows":
		return append(args, "-f", "gdigrab", "-i", "desktop"), nil
	case "darwin":
		return append(args, "-f", "avfoundation", "-i", "Capture screen 0:none"), nil
	}
	if where == "" {
		return nil, errors.New("there is no X server: set DISPLAY (under Wayland, Xwayland shows only windows of X)")
	}
	if !display.MatchString(where) {
		return nil, fmt.Errorf("DISPLAY is %q: use HOST:NUMBER", where)
	}
	return append(args, "-f", "x11grab", "-i", where), nil
}

func (p Place) cameraInput(ctx context.Context, system string, o SourceOptions) ([]string, error) {
	args := slices.Clone(lowDelay)
	if o.FPS > 0 {
		args = append(args, "-framerate", rate(o.FPS))
	}
	if o.W > 0 {
		args = append(args, "-video_size", fmt.Sprintf("%dx%d", o.W, o.H))
	}
	number, err := strconv.Atoi(p.name)
	switch system {
	case "linux":
		path := p.name
		if err == nil {
			path = "/dev/video" + p.name
		}
		return v4l2Input(args, filepath.Clean(path))
	case "darwin":
		if o.FPS == 0 {
			args = append(args, "-framerate", rate(0)) // its default, NTSC's 29.97, is no rate of most cameras
		}
		return append(args, "-f", "avfoundation", "-i", p.name+":none"), nil
	case "windows":
		devices, err := ListDevices(ctx)
		if err != nil {
			return nil, err
		}
		if number >= len(devices) {
			return nil, fmt.Errorf("there is none of that number among %d: --list-devices shows them", len(devices))
		}
		path := devices[number].Path
		if strings.Contains(path, ":") {
			return nil, fmt.Errorf("its name %q holds a colon, behind which ffmpeg expects a sound device: rename it", path)
		}
		return append(args, "-f", "dshow", "-i", "video="+path), nil
	}
	return nil, fmt.Errorf("cameras of %s are not known here: use a stream", system)
}

func v4l2Input(args []string, path string) ([]string, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.New("there is none: plug one in; --list-devices shows those that there are")
	case errors.Is(err, os.ErrPermission):
		return nil, errors.New("permission denied: add yourself to the group video (sudo usermod -aG video $USER) and log in again")
	case err != nil:
		return nil, errors.Unwrap(err)
	}
	return append(args, "-f", "v4l2", "-i", path), f.Close()
}
