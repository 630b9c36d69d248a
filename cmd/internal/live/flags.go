// Package live is what the programs share of the live pipeline: its flags, what they open, and the run without a window.
package live

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/live"
	"cyclevk/cyclegan/video"
	"cyclevk/kernels"
)

// Usage and Description are those of `cyclegan live` and of cyclegan-live.
const (
	Usage       = "translate a camera, a video, a stream or the screen as it runs, in a window or without one"
	Description = `The picture goes from the camera through the network to the window without leaving the device; the newest frame always wins.
The key ? shows the keys. Sources are read by ffmpeg.

A source, --camera, is a number or /dev/videoN for a camera (--list_devices shows them), a video FILE, a FOLDER of pictures, a URL
(rtsp, http, …), screen, or test. Its shorter side becomes --size, and its sides are cropped to what the network takes.

With --headless, or where there is no display and --record or --frames is given, no window is opened. Videos, folders and test
patterns are then translated frame by frame, as fast as the device can and to their end; cameras until Ctrl-C.

Examples:
   cyclegan live                                                                             (camera 0, a demo model: day into dusk)
   cyclegan live --model checkpoints/horse2zebra
   cyclegan live --model checkpoints/horse2zebra --model latest_net_G_A.pth --camera 1 --camera_size 1280x720 --mirror
   cyclegan live --follow checkpoints/horse2zebra --view split                               (watch it learn)
   cyclegan live --model checkpoints/horse2zebra --virtual_cam /dev/video9                   (a camera for other programs)
   cyclegan live --model checkpoints/horse2zebra --camera gallop.mp4 --size 512 --headless --record zebras.mp4
   cyclegan live --model checkpoints/horse2zebra --camera test --frames 300 --headless --json speed.json`
)

// maxModels is how many keys there are to choose one.
const maxModels = 9

// Flags are those of `cyclegan live` and of cyclegan-live.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "model", Usage: "`MODEL`, as the command translate takes it; up to 9 of them, which the keys 1 to 9 choose", DefaultText: "a demo, day into dusk and back"},
		&cli.StringFlag{Name: "direction", Usage: "`DIRECTION` of the translation at first, AtoB or BtoA (default: AtoB, or that of a file of one generator)"},
		&cli.PathFlag{Name: "follow", Usage: "show the newest checkpoint of the training in the folder `RUN`, and each new one as it is saved"},
		&cli.StringFlag{Name: "camera", Value: "0", Usage: "`SOURCE`: a camera's number or /dev/videoN, a FILE, a FOLDER, a URL, screen, test or test:PATTERN"},
		&cli.BoolFlag{Name: "list_devices", Usage: "list the cameras"},
		&cli.StringFlag{Name: "camera_size", Usage: "size that is asked of a camera or a test pattern, `WxH` (default: the camera's own)"},
		&cli.Float64Flag{Name: "fps", Usage: "`FRAMES` a second that are asked of a camera, the screen, a folder or a test pattern", DefaultText: "the camera's own, 30 for the others"},
		&cli.IntFlag{Name: "size", Value: 256, Usage: "shorter side that the network sees, in `PIXELS`; 0 for the source's own"},
		&cli.StringFlag{Name: "view", Value: live.Translated.String(), Usage: "`VIEW` at first: translated, original or split"},
		&cli.Float64Flag{Name: "strength", Value: 1, Usage: "`SHARE` of the translation that is blended into the original, from 0 to 1"},
		&cli.Float64Flag{Name: "smoothing", Usage: "`SHARE` of the last picture that stays where the camera's stands still, against flicker: from 0 to below 1"},
		&cli.BoolFlag{Name: "mirror", Usage: "exchange left and right, as in a mirror"},
		&cli.PathFlag{Name: "record", Usage: "record what is shown to an MP4 `FILE`"},
		&cli.IntFlag{Name: "crf", Value: 18, Usage: "`QUALITY` of the recording, from 0, the best, to 51"},
		&cli.PathFlag{Name: "virtual_cam", Usage: "show the picture as a camera to other programs: `DEVICE` /dev/videoN of v4l2loopback"},
		&cli.PathFlag{Name: "snapshot", Usage: "write the last picture to a PNG `FILE`"},
		&cli.Uint64Flag{Name: "frames", Usage: "end after `NUMBER` frames", DefaultText: "no end"},
		&cli.BoolFlag{Name: "headless", Usage: "run without a window"},
		&cli.PathFlag{Name: "json", Usage: "write how fast it was to a `FILE`, without a window"},
		&cli.StringFlag{Name: "window", Usage: "size of the window, `WxH` (default: that of the picture)"},
		&cli.BoolFlag{Name: "fullscreen", Usage: "fill the screen"},
		app.EvalFlag(),
		app.PrecisionFlag(),
		app.DeviceFlag(),
	}
}

// Options are what the flags say.
type Options struct {
	Models   []string // paths; none for the demo model
	Follow   string
	Camera   string
	Source   video.SourceOptions
	Settings live.Settings // at first; the direction is empty where none is given
	Record   string
	CRF      int
	Virtual  string // camera
	Snapshot string
	Frames   uint64
	Headless bool
	JSON     string
	Window   [2]int // 0, 0 for the picture's size
	Full     bool   // screen
	Eval     bool
	Element  kernels.Element // in which networks compute
	Device   string

	Recorded func(path string, pictures int) // is told of recordings that are whole, if set; without pictures there is no file
}

// read checks all flags that can be checked without opening anything.
func read(c *cli.Context) (*Options, error) {
	o := &Options{
		Models: c.StringSlice("model"), Follow: c.Path("follow"), Camera: c.String("camera"),
		Record: c.Path("record"), CRF: c.Int("crf"), Virtual: c.Path("virtual_cam"), Snapshot: c.Path("snapshot"),
		Frames: c.Uint64("frames"), JSON: c.Path("json"), Full: c.Bool("fullscreen"), Eval: c.Bool("eval"), Device: c.String("device"),
	}
	o.Headless = c.Bool("headless") || !hasDisplay() && (o.Frames > 0 || o.Record != "")
	o.Source = video.SourceOptions{FPS: c.Float64("fps"), Realtime: !o.Headless, Loop: !o.Headless}
	o.Settings = live.Settings{Size: c.Int("size"), Direction: c.String("direction")}
	o.Settings.View = live.View{
		Split: 0.5, Strength: float32(c.Float64("strength")), Smoothing: float32(c.Float64("smoothing")), Mirror: c.Bool("mirror"),
	}
	if o.Follow != "" {
		o.Models = append([]string{o.Follow}, o.Models...)
	}
	if _, err := video.ParseSource(o.Camera); err != nil {
		return nil, fmt.Errorf("--camera: %w", err)
	}
	var err error
	if o.Element, err = app.Precision(c); err != nil {
		return nil, err
	}
	if o.Source.W, o.Source.H, err = size(c, "camera_size"); err != nil {
		return nil, err
	}
	if o.Window[0], o.Window[1], err = size(c, "window"); err != nil {
		return nil, err
	}
	if o.Settings.Mode, err = mode(c.String("view")); err != nil {
		return nil, err
	}
	return o, o.check(c)
}

// check refuses what no source and no model could make right.
func (o *Options) check(c *cli.Context) error {
	v := o.Settings.View
	switch fps := o.Source.FPS; {
	case len(o.Models) > maxModels:
		return fmt.Errorf("%d models: use at most %d, with that of --follow", len(o.Models), maxModels)
	case c.IsSet("fps") && !(fps > 0 && fps <= 1000):
		return fmt.Errorf("--fps %v: use a rate above 0, up to 1000", fps)
	case o.Settings.Size < 0 || o.Settings.Size > math.MaxInt16:
		return fmt.Errorf("--size %d: use a number of pixels up to %d, or 0 for the source's own", o.Settings.Size, math.MaxInt16)
	case !(v.Strength >= 0 && v.Strength <= 1):
		return fmt.Errorf("--strength %v: use a share from 0 to 1", v.Strength)
	case !(v.Smoothing >= 0 && v.Smoothing < 1):
		return fmt.Errorf("--smoothing %v: use a share from 0 to below 1", v.Smoothing)
	case c.IsSet("frames") && o.Frames == 0:
		return fmt.Errorf("--frames 0: use 1 or more")
	case o.JSON != "" && !o.Headless:
		return fmt.Errorf("--json %q: the window shows its figures itself (key i): use --headless", o.JSON)
	case o.CRF < 0 || o.CRF > 51:
		return fmt.Errorf("--crf %d: use a value from 0 to 51", o.CRF)
	}
	if d := o.Settings.Direction; d != "" {
		if _, err := cyclegan.GeneratorOf(d); err != nil {
			return err
		}
	}
	for _, file := range []struct{ option, path, extension string }{{"record", o.Record, ".mp4"}, {"snapshot", o.Snapshot, ".png"}} {
		if file.path == "" {
			continue
		}
		if !strings.EqualFold(filepath.Ext(file.path), file.extension) {
			return fmt.Errorf("--%s %q: it becomes a file %s: name it so", file.option, file.path, file.extension)
		}
		from, _ := os.Stat(o.Camera) // nil where the source is no file
		if to, err := os.Stat(file.path); err == nil && from != nil && os.SameFile(from, to) {
			return fmt.Errorf("--%s %q: it would overwrite the source: choose another name", file.option, file.path)
		}
	}
	return nil
}

var widthByHeight = regexp.MustCompile(`^([0-9]{1,5})x([0-9]{1,5})$`)

// size reads WxH; 0, 0 where the option is not given.
func size(c *cli.Context, option string) (w, h int, err error) {
	if !c.IsSet(option) {
		return 0, 0, nil
	}
	if m := widthByHeight.FindStringSubmatch(c.String(option)); m != nil {
		w, _ = strconv.Atoi(m[1])
		h, _ = strconv.Atoi(m[2])
	}
	if w < 1 || h < 1 || w > math.MaxInt16 || h > math.MaxInt16 {
		return 0, 0, fmt.Errorf("--%s %q: use a width and a height such as 1280x720", option, c.String(option))
	}
	return w, h, nil
}

func mode(name string) (live.Mode, error) {
	for m := live.Translated; ; m = m.Next() {
		if m.String() == name {
			return m, nil
		}
		if m.Next() == live.Translated {
			return m, fmt.Errorf("--view %q: use translated, original or split", name)
		}
	}
}

// hasDisplay tells whether a window could be opened here.
func hasDisplay() bool {
	return runtime.GOOS == "windows" || runtime.GOOS == "darwin" || os.Getenv("DISPLAY") != ""
}
