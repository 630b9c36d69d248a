// The window as its users meet it: on a desktop, by its keys, its files, its title and what is seen.

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
)

// Size of the pictures and windows in these tests.
const testW, testH = 256, 192

// workplace is a folder with two runs, a picture as a source, and settings that keep the overlay away.
func workplace(t *testing.T) (dir string, source *data.Image) {
	t.Helper()
	if err := video.Available(); err != nil {
		t.Skip(err)
	}
	dir = t.TempDir()
	saveRun(t, filepath.Join(dir, "a"), 20, smallModel(t, 1))
	saveRun(t, filepath.Join(dir, "b"), 30, smallModel(t, 2))
	source = picture(testW, testH, 3)
	for _, folder := range []string{"in", "config/cyclevk"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := data.EncodePNG(filepath.Join(dir, "in/x.png"), source); err != nil {
		t.Fatal(err)
	}
	s := settings{View: "translated", Split: 0.5, Strength: 1, Size: 256}
	if err := s.write(filepath.Join(dir, "config/cyclevk/live.json")); err != nil {
		t.Fatal(err)
	}
	return dir, source
}

func flags(more ...string) []string {
	return append([]string{"--validate", "--size", fmt.Sprint(testH), "--window", fmt.Sprintf("%dx%d", testW, testH)}, more...)
}

// still is what the window shows when that changes no more, and messages are gone.
func (r *run) still() *data.Image {
	r.t.Helper()
	var last []byte
	var since time.Time
	m := data.NewImage(testW, testH)
	r.until("the picture stands still", func() error {
		got, err := r.shot()
		if err != nil {
			return err
		}
		if !bytes.Equal(got.Pix, last) {
			last, since = got.Pix, time.Now()
		}
		if time.Since(since) < noteTime+time.Second {
			return fmt.Errorf("it moves")
		}
		for i := range testW * testH {
			copy(m.Pix[3*i:3*i+3], got.Pix[4*i:])
		}
		return nil
	})
	return m
}

// TestShows: what is seen of a video and of a test pattern is what translate makes of the same frame.
func TestShows(t *testing.T) {
	d := openDesktop(t)
	dir, _ := workplace(t)
	const frames = 3
	var clip []*data.Image
	for i := range frames {
		clip = append(clip, picture(testW, testH, uint64(10+i)))
		if err := data.EncodePNG(filepath.Join(dir, fmt.Sprintf("clip%d.png", i)), clip[i]); err != nil {
			t.Fatal(err)
		}
	}
	ffmpeg := exec.Command("ffmpeg", "-v", "error", "-framerate", "8", "-i", "clip%d.png", "-c:v", "ffv1", "-pix_fmt", "bgr0", "clip.mkv")
	ffmpeg.Dir = dir
	if out, err := ffmpeg.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	model := smallModel(t, 1)
	for camera, name := range map[string]string{"clip.mkv": `file "clip.mkv"`, "test": "test pattern testsrc2"} {
		t.Run(camera, func(t *testing.T) {
			r := d.start(t, dir, flags("--model", "a", "--camera", camera, "--camera_size", fmt.Sprintf("%dx%d", testW, testH), "--view", "original")...)
			r.titled("^a AtoB, step 20, epoch 2 · " + name + " · [0-9.]+ frames/s · cyclegan-live$")
			r.key("space")
			r.titled("paused")
			frame := r.still()
			if camera == "clip.mkv" && !slices.ContainsFunc(clip, func(m *data.Image) bool { return bytes.Equal(frame.Pix, m.Pix) }) {
				t.Errorf("the window shows none of the clip's frames")
			}
			r.key("Tab", "Tab")
			want := translate(t, model, "AtoB", frame)
			r.until("the window shows its translation", func() error {
				got, err := r.shot()
				if err != nil {
					return err
				}
				return near(got, want, testH)
			})
			r.quit("")
		})
	}
}

// TestKeys: every key does what the table says.
func TestKeys(t *testing.T) {
	d := openDesktop(t)
	dir, source := workplace(t)
	models := map[string]*data.Image{}
	for i, name := range []string{"a", "b"} {
		for _, direction := range []string{"AtoB", "BtoA"} {
			models[name+" "+direction] = translate(t, smallModel(t, uint64(1+i)), direction, source)
		}
	}
	ab := models["a AtoB"]
	r := d.start(t, dir, flags("--model", "a", "--model", "b", "--camera", "in", "--fps", "4")...)
	r.shows("the translation", ab)

	r.key("h")
	r.shows("it mirrored", mirrored(ab))
	r.key("h")
	for _, c := range []struct{ key, now string }{{"d", "a BtoA"}, {"2", "b BtoA"}, {"3", "b BtoA"}, {"d", "b AtoB"}, {"1", "a AtoB"}} {
		r.key(c.key)
		r.titled("^" + c.now)
		r.shows(c.now, models[c.now])
	}
	r.key(slices.Repeat([]string{"bracketleft"}, 5)...)
	r.shows("half of it", blended(source, ab, 0.5))
	r.key(slices.Repeat([]string{"bracketright"}, 6)...)
	r.shows("all of it", ab)

	r.key("Tab")
	r.shows("the original", source)
	r.key("Tab")
	r.shows("both", joined(source, ab, testW/2), testW/2)
	r.key(slices.Repeat([]string{"Left"}, 5)...)
	r.shows("less of the original", joined(source, ab, 102), 102)
	r.key("Right")
	r.shows("more of the original", joined(source, ab, 108), 108)
	at, err := r.place()
	r.check(err)
	move := func(x int) { r.check(d.do("mousemove", fmt.Sprint(at.Min.X+x), fmt.Sprint(at.Min.Y+testH-20))) }
	move(150)
	r.check(d.do("mousedown", "1"))
	r.shows("the split at the mouse", joined(source, ab, 150), 150)
	move(200)
	r.shows("the split still at the mouse", joined(source, ab, 200), 200)
	r.check(d.do("mouseup", "1"))
	r.check(d.do("mousemove", fmt.Sprint(screenW-1), fmt.Sprint(screenH-1)))
	r.key("Tab")
	r.shows("the translation", ab)

	differs := func(what string) {
		t.Helper()
		r.until(what, func() error {
			got, err := r.shot()
			if err == nil && near(got, ab, testH*5/8) == nil {
				err = fmt.Errorf("nothing lies over the picture")
			}
			return err
		})
	}
	for _, key := range []string{"question", "i"} {
		r.key(key)
		differs("key " + key + " lays text over the picture")
		r.key(key)
		r.shows("the picture again", ab)
	}
	r.key("i", "t")

	r.key("s")
	first := r.waitForFile(dir, "a_AtoB_*.png")
	if m := readPNG(t, first); near(m, ab, testH) != nil {
		t.Errorf("the snapshot: %v", near(m, ab, testH))
	}
	r.check(os.Rename(first, filepath.Join(dir, "first.png")))
	r.key("plus") // 256: a multiple of 4 of 341
	r.until("a snapshot has another size", func() error {
		r.key("s")
		m := readPNG(t, r.waitForFile(dir, "a_AtoB_*.png"))
		if m.Rect.Max != image.Pt(340, 256) {
			r.check(os.RemoveAll(r.waitForFile(dir, "a_AtoB_*.png")))
			return fmt.Errorf("it has %v", m.Rect.Max)
		}
		return nil
	})
	r.key("minus")

	r.key("r")
	r.titled("recording")
	r.waitForFile(dir, "a_AtoB_*.part.mp4")
	r.key("r")
	r.titled(`^a AtoB, step 20, epoch 2 · folder "in" · `)
	film := r.waitForFile(dir, "a_AtoB_*.mp4")
	if v, err := video.Open(t.Context(), film); err != nil {
		t.Errorf("the recording: %v", err)
	} else {
		v.Close()
	}

	old, err := r.place()
	r.check(err)
	r.key("f")
	r.lies(image.Rect(0, 0, screenW, screenH))
	r.key("f")
	r.lies(old)
	r.key("i", "Tab", "Tab")
	r.shows("both", joined(source, ab, 200), 200)
	r.key("i")
	r.quit(`cyclegan-live: snapshot a_AtoB_[0-9-]+\.png\n(cyclegan-live: (snapshot|recorded) a_AtoB_[0-9-]+\.(png|mp4)\n)+`)

	got, err := readSettings(filepath.Join(dir, "config/cyclevk/live.json"))
	r.check(err)
	want := settings{
		Version: settingsVersion, View: "split", Split: 0.7812, Strength: 1, Smoothing: 0.5, Size: testH, Figures: true,
		Window: place{X: old.Min.X, Y: old.Min.Y, W: testW, H: testH},
	}
	if got.Split = float32(int(got.Split*1e4)) / 1e4; *got != want {
		t.Errorf("settings %+v, want %+v", *got, want)
	}

	// All of it is there again after a restart, but for what the command line says.
	r = d.start(t, dir, "--validate", "--model", "a", "--camera", "in", "--fps", "4")
	r.lies(old)
	differs("the figures are there")
	r.key("i")
	r.shows("both", joined(source, ab, 200), 200)
	r.key("Escape")
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// waitForFile waits for a whole file.
func (r *run) waitForFile(dir, pattern string) (path string) {
	r.t.Helper()
	r.until("there is a file "+pattern, func() error {
		list, err := filepath.Glob(filepath.Join(dir, pattern))
		list = slices.DeleteFunc(list, func(name string) bool {
			return strings.HasSuffix(name, ".tmp") || strings.Contains(name, ".part.") && !strings.Contains(pattern, ".part.")
		})
		if err == nil && len(list) == 0 {
			return fmt.Errorf("there is none")
		}
		if err == nil {
			path = list[len(list)-1]
		}
		return err
	})
	return path
}

func readPNG(t *testing.T, path string) *image.RGBA {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(m.Bounds())
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, m.At(x, y))
		}
	}
	return out
}
