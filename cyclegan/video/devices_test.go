// Lists of cameras, as ffmpeg prints them on systems that no test runs on.

package video

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDevices(t *testing.T) {
	const avfoundation = `[AVFoundation indev @ 0x7f8] AVFoundation video devices:
[AVFoundation indev @ 0x7f8] [0] FaceTime HD Camera
[AVFoundation indev @ 0x7f8] [1] Capture screen 0
[AVFoundation indev @ 0x7f8] [2] OBS Virtual Camera
[AVFoundation indev @ 0x7f8] AVFoundation audio devices:
[AVFoundation indev @ 0x7f8] [0] Built-in Microphone
: Input/output error
`
	const older = `[dshow @ 000001] DirectShow video devices (some may be both video and audio devices)
[dshow @ 000001]  "USB Camera"
[dshow @ 000001]     Alternative name "@device_pnp_\\?\usb#vid_1"
[dshow @ 000001]  "OBS Virtual Camera"
[dshow @ 000001] DirectShow audio devices
[dshow @ 000001]  "Microphone"
[dshow @ 000001]     Alternative name "@device_cm_{3}"
dummy: Immediate exit requested
`
	const newer = `[dshow @ 000002] "Microphone" (audio)
[dshow @ 000002]   Alternative name "@device_cm_{3}"
[dshow @ 000002] "Camera "front"" (video)
[dshow @ 000002]   Alternative name "@device_pnp_\\?\usb#vid_1"
[dshow @ 000002] "Nothing" (none)
[dshow @ 000002]   Alternative name "@device_sw_{4}"
`
	for _, c := range []struct {
		name  string
		parse func(string) []Device
		out   string
		want  []Device
	}{
		{"avfoundation", parseAVFoundation, avfoundation, []Device{{Camera: "0", Name: "FaceTime HD Camera", Path: "0"}, {Camera: "2", Name: "OBS Virtual Camera", Path: "2"}}},
		{"dshow to 4", parseDShow, older, []Device{{Camera: "0", Name: "USB Camera", Path: `@device_pnp_\\?\usb#vid_1`}, {Camera: "1", Name: "OBS Virtual Camera", Path: "OBS Virtual Camera"}}},
		{"dshow from 5", parseDShow, newer, []Device{{Camera: "0", Name: `Camera "front"`, Path: `@device_pnp_\\?\usb#vid_1`}}},
		{"nothing", parseDShow, "", nil},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			if diff := cmp.Diff(c.want, c.parse(strings.ReplaceAll(c.out, "\n", end))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
	}
}

// TestListV4L2: names come from the system, sizes from the driver through ffmpeg; no ffmpeg is no reason to list nothing.
func TestListV4L2(t *testing.T) {
	fakeFFmpeg(t, `case "$*" in */dev/video2*) cat >&2 <<'END'
[video4linux2,v4l2 @ 0x55d] Compressed:       mjpeg :          Motion-JPEG : 1280x720 640x480
[video4linux2,v4l2 @ 0x55d] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 320x240
/dev/video2: Immediate exit requested
END
exit 1;; */dev/video3*) echo '[v4l2 @ 0x1] Not a video capture device.' >&2; exit 1;; *) echo "/dev/x: 640x480 is no list" >&2; exit 1;; esac`)
	folder := t.TempDir()
	for device, name := range map[string]string{"video10": "Second\n", "video2": "First\xff\n", "video3": "Metadata\n", "v4l-subdev0": "none\n"} {
		if err := os.Mkdir(filepath.Join(folder, device), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, device, "name"), []byte(name))
	}
	want := []Device{
		{Camera: "2", Name: "First?", Path: "/dev/video2", Sizes: []string{"1280x720", "640x480", "320x240"}},
		{Camera: "10", Name: "Second", Path: "/dev/video10"},
	}
	got, err := listV4L2(t.Context(), folder)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := listV4L2(t.Context(), filepath.Join(folder, "none")); err != nil || got != nil {
		t.Errorf("%v, %v where there are no cameras", got, err)
	}
	t.Setenv("PATH", "")
	if got, err := listV4L2(t.Context(), folder); err != nil || len(got) != 3 {
		t.Errorf("%v, %v without ffmpeg", got, err)
	}
}
