// The cameras of this system.

package video

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Device is a camera.
type Device struct {
	Camera string   // as --camera takes it
	Name   string   // as its maker calls it
	Path   string   // /dev/videoN, or the system's own name for it
	Sizes  []string // such as "1280x720", as the driver lists them; empty where it does not say
}

// ListDevices finds the cameras; that there is none is no error.
func ListDevices(ctx context.Context) ([]Device, error) {
	switch runtime.GOOS {
	case "darwin":
		out, err := listing(ctx, "-f", "avfoundation", "-list_devices", "true", "-i", "")
		return parseAVFoundation(out), err
	case "windows":
		out, err := listing(ctx, "-f", "dshow", "-list_devices", "true", "-i", "dummy")
		return parseDShow(out), err
	}
	return listV4L2(ctx, "/sys/class/video4linux")
}

// listing is what ffmpeg says of devices: it lists them as a complaint, and fails.
func listing(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultPatience)
	defer cancel()
	p := command(ctx, "ffmpeg", append([]string{"-v", "info", "-nostdin"}, args...)...)
	var out strings.Builder
	p.Stderr = &out
	if err := p.Run(); err != nil && (out.Len() == 0 || ctx.Err() != nil) {
		return "", p.end(err)
	}
	return out.String(), nil
}

// listV4L2 reads the names of Linux's devices and asks each for its sizes. Those that only carry metadata, or decode, are no
// cameras; without ffmpeg, or the right to open them, all are listed.
func listV4L2(ctx context.Context, folder string) ([]Device, error) {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var devices []Device
	for _, e := range entries {
		number, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "video"))
		if err != nil || number < 0 {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(folder, e.Name(), "name")) // "" where it is gone by now
		d := Device{Camera: strconv.Itoa(number), Name: strings.ToValidUTF8(strings.TrimSpace(string(name)), "?"), Path: "/dev/" + e.Name()}
		if out, err := listing(ctx, "-f", "v4l2", "-list_formats", "all", "-i", d.Path); err == nil {
			if strings.Contains(out, "Not a video capture device") {
				continue
			}
			d.Sizes = parseSizes(out)
		}
		devices = append(devices, d)
	}
	slices.SortFunc(devices, func(a, b Device) int { return cmp.Or(len(a.Path)-len(b.Path), strings.Compare(a.Path, b.Path)) })
	return devices, nil
}

var pictureSize = regexp.MustCompile(`\b[1-9][0-9]{0,4}x[1-9][0-9]{0,4}\b`)

// parseSizes finds the sizes in ffmpeg's list of formats, each once, in its order:
//
//	[video4linux2,v4l2 @ 0x55d] Compressed:       mjpeg :          Motion-JPEG : 1280x720 640x480
func parseSizes(out string) (sizes []string) {
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "Raw  ") && !strings.Contains(line, "Compressed:") {
			continue
		}
		for _, s := range pictureSize.FindAllString(line, -1) {
			if !slices.Contains(sizes, s) {
				sizes = append(sizes, s)
			}
		}
	}
	return sizes
}

var (
	avDevice    = regexp.MustCompile(`^\[AVFoundation[^\]]*\] \[([0-9]+)\] (.+)$`)
	showDevice  = regexp.MustCompile(`^\[dshow[^\]]*\] +"(.+)"(?: \(video\))?$`)
	alternative = regexp.MustCompile(`^\[dshow[^\]]*\] +Alternative name "(.+)"$`)
)

// parseAVFoundation reads what ffmpeg lists on macOS: numbered cameras, then sound devices.
func parseAVFoundation(out string) (devices []Device) {
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if strings.Contains(line, "audio devices:") {
			break
		}
		if m := avDevice.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[2], "Capture screen") {
			devices = append(devices, Device{Camera: m[1], Name: m[2], Path: m[1]})
		}
	}
	return devices
}

// parseDShow reads what ffmpeg lists on Windows: names, each with an alternative that has no second meaning; older versions have
// a heading in front of sound devices, newer ones a word behind each name.
func parseDShow(out string) (devices []Device) {
	isCamera := false
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if strings.Contains(line, "DirectShow audio devices") {
			break
		}
		if m := alternative.FindStringSubmatch(line); m != nil {
			if isCamera {
				devices[len(devices)-1].Path = m[1]
			}
			isCamera = false
		} else if m := showDevice.FindStringSubmatch(line); m != nil {
			isCamera = !strings.HasSuffix(line, "(audio)") && !strings.HasSuffix(line, "(none)")
			if isCamera {
				devices = append(devices, Device{Camera: strconv.Itoa(len(devices)), Name: m[1], Path: m[1]})
			}
		}
	}
	return devices
}
