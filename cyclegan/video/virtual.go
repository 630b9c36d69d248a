// A virtual camera: other programs see the live picture as a camera's, through v4l2loopback on Linux.

package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

const loopback = "a virtual camera is made by: sudo modprobe v4l2loopback exclusive_caps=1 (Debian and Ubuntu: apt install v4l2loopback-dkms)"

// OpenVirtualCamera makes ready to show pictures on a device of v4l2loopback, /dev/videoN. That the device takes pictures is
// known with the first of them.
func OpenVirtualCamera(ctx context.Context, device string, o SinkOptions) (*Sink, error) {
	s := &Sink{name: fmt.Sprintf("virtual camera %q", device)}
	if err := checkVirtual(device, o); err != nil {
		return nil, s.named(err)
	}
	sync, err := passthrough(ctx)
	if err != nil {
		return nil, s.named(err)
	}
	s.args = func(w, h int) []string { return virtualArgs(device, w, h, o.FPS, sync) }
	s.encode = rawEncode
	return s, nil
}

// rawEncode passes on pictures without their times.
func rawEncode(out io.Writer, _, _ int, rgb []byte, _ time.Duration) error {
	_, err := out.Write(rgb)
	return err
}

func checkVirtual(device string, o SinkOptions) error {
	if runtime.GOOS != "linux" {
		return errors.New("only Linux has them: record, or let another program capture the window")
	}
	if !v4l2.MatchString(device) {
		return errors.New("use a device /dev/videoN: " + loopback)
	}
	if err := checkFPS(o.FPS); err != nil {
		return err
	}
	switch info, err := os.Stat(device); {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such device: " + loopback)
	case err != nil:
		return errors.Unwrap(err)
	case info.Mode()&os.ModeCharDevice == 0:
		return errors.New("it is no device: " + loopback)
	}
	return nil
}

func virtualArgs(device string, w, h int, fps float64, sync []string) []string {
	return slices.Concat([]string{
		"-nostdin", "-protocol_whitelist", "pipe", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", w, h),
		"-r", rate(fps), "-i", "pipe:0",
	}, sync, []string{"-vf", yuv420, "-f", "v4l2", device})
}

// rate is a number of frames a second as ffmpeg takes it; 30 for 0.
func rate(fps float64) string {
	if fps == 0 {
		fps = 30
	}
	return strconv.FormatFloat(fps, 'f', -1, 64)
}
