// What a video file says of itself.

package video

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Info describes a video file's first stream of pictures.
type Info struct {
	W, H   int    // as it is shown: turned where the file says so
	Rate   string // frames a second, a fraction such as "30000/1001"
	Start  string // of the first frame in seconds, such as "0.023000"
	Pixel  string // width to height of a pixel, such as "1/1"
	Frames int    // about how many; 0 where the file does not say
	Audio  string // codec of the first sound stream; "" where there is none
}

// probeTimeout is how long a file may keep ffprobe busy.
const probeTimeout = 30 * time.Second

// maxPixels is the largest frame, as for pictures.
const maxPixels = 64_000_000

// Probe reads a file's header.
func Probe(ctx context.Context, path string) (Info, error) {
	info, err := probe(ctx, path)
	if err != nil {
		return Info{}, fmt.Errorf("video %q: %w", path, err)
	}
	return info, nil
}

func probe(ctx context.Context, path string) (Info, error) {
	url, err := source(path)
	if err != nil {
		return Info{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	p := command(ctx, "ffprobe", append([]string{
		"-show_entries", "stream=codec_type,codec_name,width,height,avg_frame_rate,r_frame_rate,nb_frames,start_time,duration,sample_aspect_ratio" +
			":stream_side_data=rotation:stream_tags=rotate:stream_disposition=attached_pic:format=duration",
		"-of", "json",
	}, input(url)...)...)
	out, err := p.Output()
	if err != nil {
		return Info{}, p.end(err)
	}
	return parse(out)
}

// stream is what ffprobe prints of one.
type stream struct {
	Kind    string `json:"codec_type"`
	Codec   string `json:"codec_name"`
	W       int    `json:"width"`
	H       int    `json:"height"`
	Average string `json:"avg_frame_rate"`
	Real    string `json:"r_frame_rate"`
	Frames  string `json:"nb_frames"`
	Start   string `json:"start_time"`
	Seconds string `json:"duration"`
	Pixel   string `json:"sample_aspect_ratio"`
	Tags    struct {
		Rotate string `json:"rotate"`
	} `json:"tags"`
	Side []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
	Disposition struct {
		Cover int `json:"attached_pic"`
	} `json:"disposition"`
}

func parse(out []byte) (info Info, err error) {
	var file struct {
		Streams []stream `json:"streams"`
		Format  struct {
			Seconds string `json:"duration"`
		} `json:"format"`
	}
	if err := json.Unmarshal(out, &file); err != nil {
		return info, fmt.Errorf("ffprobe: %w", err)
	}
	find := func(kind string) int {
		return slices.IndexFunc(file.Streams, func(s stream) bool { return s.Kind == kind && s.Disposition.Cover == 0 })
	}
	if i := find("audio"); i >= 0 {
		info.Audio = file.Streams[i].Codec
	}
	i := find("video")
	if i < 0 {
		return info, errors.New("it holds no moving pictures")
	}
	s := file.Streams[i]
	if start, err := strconv.ParseFloat(s.Start, 64); err == nil && start > 0 {
		info.Start = s.Start
	}
	info.W, info.H, info.Pixel = s.W, s.H, strings.ReplaceAll(s.Pixel, ":", "/")
	if fraction(info.Pixel) == 0 {
		info.Pixel = "1/1"
	}
	if s.turned() {
		info.W, info.H = info.H, info.W
		if n, d, ok := strings.Cut(info.Pixel, "/"); ok {
			info.Pixel = d + "/" + n
		}
	}
	if info.W < 1 || info.H < 1 || info.W > maxPixels/info.H {
		return info, fmt.Errorf("its frames are %dx%d: use at most %d megapixels", info.W, info.H, maxPixels/1_000_000)
	}
	if info.Rate = s.Average; fraction(info.Rate) == 0 {
		info.Rate = s.Real
	}
	rate := fraction(info.Rate)
	if rate == 0 {
		return info, errors.New("it does not say how many frames a second it has")
	}
	if info.Frames, err = strconv.Atoi(s.Frames); err != nil || info.Frames < 0 {
		seconds, _ := strconv.ParseFloat(s.Seconds, 64)
		if seconds <= 0 {
			seconds, _ = strconv.ParseFloat(file.Format.Seconds, 64)
		}
		info.Frames = int(min(max(0, math.Round(seconds*rate)), math.MaxInt32))
	}
	return info, nil
}

// turned tells whether the frames are shown turned by a quarter.
func (s stream) turned() bool {
	angle, _ := strconv.ParseFloat(s.Tags.Rotate, 64)
	for _, side := range s.Side {
		if side.Rotation != 0 {
			angle = side.Rotation
		}
	}
	return math.Mod(math.Abs(math.Round(angle)), 180) == 90
}

// fraction is the value of "30000/1001"; 0 where that is no positive number.
func fraction(s string) float64 {
	above, below, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(above, 10, 32)
	d, err2 := strconv.ParseUint(below, 10, 32)
	if err != nil || err2 != nil || d == 0 {
		return 0
	}
	return float64(n) / float64(d)
}
