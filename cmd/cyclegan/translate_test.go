// The command translate from end to end: alpha and depth, animations and videos.

package main

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
)

// saveAnimation writes a GIF of 12x8 with three frames, the last with a hole.
func saveAnimation(t *testing.T, path string) {
	t.Helper()
	g := &gif.GIF{LoopCount: 2, Delay: []int{10, 20, 30}, Disposal: []byte{gif.DisposalBackground, gif.DisposalBackground, gif.DisposalNone}}
	for i := range 3 {
		m := image.NewPaletted(image.Rect(0, 0, 12, 8), color.Palette{color.Transparent, color.RGBA{uint8(90 * i), 200, 30, 255}})
		for at := range m.Pix {
			m.Pix[at] = 1
		}
		if i == 2 {
			m.Pix[0] = 0
		}
		g.Image = append(g.Image, m)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// smallModel trains a model for two steps in dir and returns the arguments of a translation with it.
func smallModel(t *testing.T, dir string) (translate []string) {
	t.Helper()
	must(t, dir, "synth", "--out", "scenes", "--size", "16", "--train", "2", "--test", "1")
	must(t, dir, "train", "--dataroot", "scenes", "--name", "m", "--load_size", "16", "--crop_size", "16", "--n_layers_D", "1",
		"--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--max_steps", "2")
	return []string{"translate", "--model", "checkpoints/m", "--direction", "AtoB", "--out", "out"}
}

func TestTranslateKinds(t *testing.T) {
	dir := t.TempDir()
	translate := smallModel(t, dir)
	save := func(name string, f data.Format, value func(i int) uint8) {
		m := f.NewImage(13, 9)
		for i := range m.Pix {
			m.Pix[i] = value(i)
		}
		if err := savePicture(filepath.Join(dir, "in", name), m); err != nil {
			t.Fatal(err)
		}
	}
	save("rgb.png", data.RGB, func(i int) uint8 { return uint8(5 * i) })
	save("grey.png", data.Format{C: 1, Bits: 8}, func(i int) uint8 { return uint8(2 * i) })
	save("deep.png", data.Format{C: 3, Bits: 16}, func(i int) uint8 { return uint8(i * 7) })
	save("alpha.png", data.Format{C: 4, Bits: 8}, func(i int) uint8 { return uint8(3 * i) })
	save("deep_alpha.png", data.Format{C: 4, Bits: 16}, func(i int) uint8 { return uint8(11 * i) })
	saveAnimation(t, filepath.Join(dir, "in/moving.gif"))
	if err := os.WriteFile(filepath.Join(dir, "in/broken.gif"), []byte("GIF89a"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := must(t, dir, append(translate, "in")...)
	if !strings.Contains(r.stdout, "6 pictures translated, 1 left out") || !strings.Contains(r.stderr, "broken.gif") {
		t.Errorf("printed %s%s", r.stdout, r.stderr)
	}
	for name, want := range map[string]data.Format{
		"rgb.png": data.RGB, "grey.png": data.RGB, "deep.png": {C: 3, Bits: 16}, "alpha.png": {C: 4, Bits: 8}, "deep_alpha.png": {C: 4, Bits: 16},
	} {
		x, errX := data.Decode(filepath.Join(dir, "in", name), data.Format{}, data.Upright)
		y, errY := data.Decode(filepath.Join(dir, "out", name), data.Format{}, data.Upright)
		if errX != nil || errY != nil {
			t.Fatal(errX, errY)
		}
		if y.Format != want || y.W != 13 || y.H != 9 {
			t.Errorf("%s became %dx%d of %+v, want %+v", name, y.W, y.H, y.Format, want)
			continue
		}
		if want.C < 4 {
			continue
		}
		sample, changed := want.Bits/8, false
		for at := 0; at < len(x.Pix); at += 4 * sample {
			if a, b := x.Pix[at+3*sample:at+4*sample], y.Pix[at+3*sample:at+4*sample]; !bytes.Equal(a, b) {
				t.Fatalf("%s: alpha %v became %v", name, a, b)
			}
			changed = changed || !bytes.Equal(x.Pix[at:at+3*sample], y.Pix[at:at+3*sample])
		}
		if !changed {
			t.Errorf("%s: no colour changed", name)
		}
	}
	f, err := os.Open(filepath.Join(dir, "out/moving.gif"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := gif.DecodeAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Image) != 3 || g.LoopCount != 2 || g.Delay[0] != 10 || g.Delay[2] != 30 || g.Config.Width != 12 || g.Config.Height != 8 {
		t.Errorf("the animation became %d frames of %dx%d, delays %v, %d repetitions", len(g.Image), g.Config.Width, g.Config.Height, g.Delay, g.LoopCount)
	}
	for i, frame := range g.Image {
		if _, _, _, a := frame.At(0, 0).RGBA(); (a == 0) != (i == 2) {
			t.Errorf("frame %d: alpha %d of the first pixel", i, a)
		}
	}

	// In tiles, by so little memory, the same but for rounding.
	must(t, dir, "synth", "--out", "large", "--size", "192", "--train", "1", "--test", "1")
	whole := must(t, dir, append(translate, "large/testA")...)
	translate[len(translate)-1] = "tiles"
	must(t, dir, append(translate, "--max_memory", "1", "large/testA")...)
	a, errA := data.Decode(filepath.Join(dir, "out/00000.png"), data.RGB, data.Upright)
	b, errB := data.Decode(filepath.Join(dir, "tiles/00000.png"), data.RGB, data.Upright)
	if errA != nil || errB != nil {
		t.Fatal(whole, errA, errB)
	}
	for i := range a.Pix {
		if d := int(a.Pix[i]) - int(b.Pix[i]); d < -1 || d > 1 {
			t.Fatalf("sample %d: %d, in tiles %d", i, a.Pix[i], b.Pix[i])
		}
	}
}

// ffmpeg runs it and returns what it printed; without ffmpeg, the test is skipped.
func ffmpeg(t *testing.T, args ...string) []byte {
	t.Helper()
	if err := video.Available(); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, complaint.String())
	}
	return out
}

// TestTranslateVideo: the frames of a video are those of its pictures, translated one by one, and number, rate and sound stay.
func TestTranslateVideo(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "-c.mkv")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=36x20:rate=24000/1001:duration=0.3", "-f", "lavfi", "-i", "sine=duration=0.3",
		"-c:v", "ffv1", "-c:a", "aac", "file:"+source)
	translate := smallModel(t, dir)
	r := must(t, dir, append(translate, "--crf", "0", "--", "-c.mkv")...)
	if !strings.Contains(r.stdout, "1 files translated") {
		t.Errorf("printed %s%s", r.stdout, r.stderr)
	}
	result := filepath.Join(dir, "out/-c.mp4")
	before, errA := video.Probe(t.Context(), source)
	after, errB := video.Probe(t.Context(), result)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if after.Frames != 8 || after.Rate != before.Rate || after.Audio != "aac" || after.W != 36 || after.H != 20 {
		t.Errorf("%+v became %+v", before, after)
	}
	sound := func(path string) string {
		return string(ffmpeg(t, "-i", "file:"+path, "-map", "0:a", "-c", "copy", "-f", "md5", "-"))
	}
	if sound(source) != sound(result) {
		t.Error("the sound changed")
	}

	const fromZero = "setpts=PTS-STARTPTS"
	ffmpeg(t, "-i", "file:"+source, "-vf", fromZero, filepath.Join(dir, "%02d.png"))
	frames, err := filepath.Glob(filepath.Join(dir, "0?.png"))
	if err != nil || len(frames) != 8 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	translate[len(translate)-1] = "frames"
	must(t, dir, append(translate, frames...)...)
	want := ffmpeg(t, "-i", filepath.Join(dir, "frames/%02d.png"), "-vf",
		"format=rgb24,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
	if got := ffmpeg(t, "-i", "file:"+result, "-vf", fromZero, "-f", "rawvideo", "-"); !bytes.Equal(got, want) {
		t.Errorf("%d bytes of frames differ from the %d of the pictures", len(got), len(want))
	}
}

// TestTranslateVideoFaults: what is no video is left out; an interrupt leaves nothing behind; a missing ffmpeg is named.
func TestTranslateVideoFaults(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=60", "-c:v", "mpeg4", filepath.Join(dir, "long.mp4"))
	translate := smallModel(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "text.mp4"), []byte("no video"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantLeftOut := runProgram(t, program(t, dir, append(translate, "text.mp4")...))
	if wantLeftOut.code != app.ExitBadInput || !strings.Contains(wantLeftOut.stderr, "left out: video \"text.mp4\"") {
		t.Errorf("a text: exit code %d, %s", wantLeftOut.code, wantLeftOut.stderr)
	}

	without := program(t, dir, append(translate, "long.mp4")...)
	without.Env = append(without.Env, "PATH="+dir)
	wantRefusal(t, runProgram(t, without), []string{"install ffmpeg"})

	cmd := program(t, dir, append(translate, "long.mp4")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	temp := filepath.Join(dir, "out", "long.mp4."+strconv.Itoa(cmd.Process.Pid)+".tmp")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(temp); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the temporary file never came")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != app.ExitInterrupted || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("interrupted: %v, %s", err, stderr.String())
	}
	left, err := os.ReadDir(filepath.Join(dir, "out"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
