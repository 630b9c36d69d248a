// What the window decides by itself, without one: settings, file names, sizes, text, and the keys' table against the documentation.

package main

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	options "cyclevk/cmd/internal/live"
	"cyclevk/cyclegan/live"
	"cyclevk/cyclegan/video"
)

func someSettings() settings {
	return settings{
		Version: settingsVersion, View: "split", Split: 0.25, Strength: 0.5, Smoothing: 0.75, Mirror: true, Size: 512, Figures: true, Full: true,
		Window: place{X: -20, Y: 30, W: 640, H: 480},
	}
}

func TestSettingsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new/folder/live.json")
	if s, err := readSettings(path); s != nil || err != nil {
		t.Errorf("without a file: %v, %v", s, err)
	}
	want := someSettings()
	if err := want.write(path); err != nil {
		t.Fatal(err)
	}
	got, err := readSettings(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	for _, given := range []string{"", "view", "strength", "smoothing", "mirror", "size", "fullscreen", "window"} {
		o := &options.Options{}
		got.apply(o, func(option string) bool { return option == given })
		v := o.Settings
		for option, taken := range map[string]bool{
			"view": v.Mode == live.Split, "strength": v.Strength == 0.5, "smoothing": v.Smoothing == 0.75, "mirror": v.Mirror, "size": v.Size == 512,
		} {
			if taken == (option == given) {
				t.Errorf("--%s given: settings for %s taken: %v", given, option, taken)
			}
		}
		if o.Full == (given == "fullscreen" || given == "window") || v.Split != 0.25 {
			t.Errorf("--%s given: full screen %v, split %v", given, o.Full, v.Split)
		}
	}

	var kept settings
	kept.keep(live.Settings{View: live.View{Mode: live.Original, Split: 0.1, Strength: 0.2, Smoothing: 0.3, Mirror: true}, Size: 9})
	if diff := cmp.Diff(settings{View: "original", Split: 0.1, Strength: 0.2, Smoothing: 0.3, Mirror: true, Size: 9}, kept); diff != "" {
		t.Errorf("(-want +kept):\n%s", diff)
	}
}

// TestSettingsRefused: what could not be meant is refused in one line that names the file.
func TestSettingsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.json")
	good := someSettings()
	if err := good.write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(old, new string) string {
		if !strings.Contains(string(text), old) {
			t.Fatalf("no %q in %s", old, text)
		}
		return strings.Replace(string(text), old, new, 1)
	}
	for name, damaged := range map[string]string{
		"empty": "", "cut off": string(text[:len(text)/2]), "more": string(text) + "{}", "no JSON": "\x00\xff",
		"older": replaced(`"version": 1`, `"version": 0`), "newer": replaced(`"version": 1`, `"version": 2`),
		"view": replaced(`"split"`, `"sideways"`), "unknown": replaced(`"mirror"`, `"mirrors"`), "split": replaced("0.25", "-1"),
		"strength": replaced("0.5", "1.5"), "smoothing": replaced("0.75", "1"), "size": replaced("512", "99999999"), "type": replaced("512", `"512"`),
		"window": replaced(`"width": 640`, `"width": 0`), "place": replaced(`"x": -20`, `"x": -20000000`),
	} {
		if err := os.WriteFile(path, []byte(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		if s, err := readSettings(path); err == nil || s != nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestNewFile: a name is never that of another file, be it there or on its way, and never an option or a path.
func TestNewFile(t *testing.T) {
	t.Chdir(t.TempDir())
	now := time.Date(2024, 5, 1, 18, 30, 0, 0, time.UTC)
	var n names
	for i, want := range []string{"a_AtoB_20240501-183000.png", "a_AtoB_20240501-183000-3.png", "a_AtoB_20240501-183000-4.png"} {
		if i == 1 {
			if err := os.Symlink("nowhere", "a_AtoB_20240501-183000-2.png"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := n.take("a", "AtoB", ".png", now); err != nil || got != want {
			t.Errorf("name %d is %q (%v), want %q", i, got, err, want)
		}
	}
	for _, name := range []string{"-y", "../../x", `c:\x`, "demo: day and dusk", ".hidden", "ü"} {
		got, err := n.take(name, "BtoA", ".mp4", now)
		if err != nil || got[0] == '-' || got[0] == '.' || strings.ContainsAny(got, `/\: `) || filepath.Ext(got) != ".mp4" {
			t.Errorf("model %q gives %q, %v", name, got, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct{ now, way, want int }{{256, 1, 320}, {256, -1, 192}, {250, 1, 256}, {250, -1, 192}, {64, -1, 64}, {2048, 1, 2048}, {3000, 1, 3000}, {3000, -1, 2048}, {32, -1, 32}} {
		if got := nextSize(c.now, c.way); got != c.want {
			t.Errorf("size %d, way %d: %d, want %d", c.now, c.way, got, c.want)
		}
	}
	full := image.Pt(1920, 1080)
	for _, c := range []struct {
		canvas  image.Point
		density float32
		want    place
	}{
		{image.Pt(340, 256), 1, place{W: 680, H: 512}},
		{image.Pt(340, 256), 2, place{W: 1020, H: 768}}, // 4 times would be too high
		{image.Pt(64, 64), 1, place{W: 512, H: 512}},
		{image.Pt(1024, 256), 1, place{W: 1024, H: 256}},
		{image.Pt(1920, 1080), 1, place{W: 1632, H: 918}},
		{image.Pt(4, 4000), 1, place{W: 1, H: 918}},
	} {
		if got := fitting(c.canvas, full, c.density); got != c.want {
			t.Errorf("a window for %v at density %v is %+v, want %+v", c.canvas, c.density, got, c.want)
		}
	}
}

// TestSteps: going down and up again ends where it began, and at the ends it stays.
func TestSteps(t *testing.T) {
	share := float32(1)
	var seen []string
	for _, way := range []int{1, -1, -1, -1, 1} {
		share = stepped(share, strengthStep, way)
		seen = append(seen, fmt.Sprintf("%.2f", share))
	}
	if want := []string{"1.00", "0.90", "0.80", "0.70", "0.80"}; !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
	if got := stepped(0.01, splitStep, -1); got != 0 {
		t.Errorf("below 0: %v", got)
	}
}

// TestText: letters are white on dark within a box, each within its column, and nothing is drawn outside of the framebuffer.
func TestText(t *testing.T) {
	face, err := newTypeface()
	if err != nil {
		t.Fatal(err)
	}
	frame := image.Pt(300, 200)
	o, err := face.overlay(frame, 16, []block{{lines: []string{"a ●", ""}}}, image.Rectangle{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := face.lay(block{lines: []string{"a ●", ""}}, frame, 16)
	if err != nil {
		t.Fatal(err)
	}
	if o.X != l.box.Min.X || o.Y != l.box.Min.Y || o.W != l.box.Dx() || o.H != l.box.Dy() || len(o.Pix) != o.W*o.H {
		t.Fatalf("%d bytes of %dx%d at %d, %d; the box is %v", len(o.Pix), o.W, o.H, o.X, o.Y, l.box)
	}
	ink := make([]int, 5) // before, in and after the columns
	for i, p := range o.Pix {
		if x := i % o.W; p > dark {
			ink[min(max((x-l.pad+l.advance)/l.advance, 0), 4)]++
		}
		if x, y := i%o.W, i/o.W; x == o.W/2 && p == 0 || x == 0 && y == 0 && p != 0 {
			t.Errorf("at %d, %d is %d: want a box with its corners cut off", x, y, p)
		}
	}
	if ink[0] != 0 || ink[1] == 0 || ink[2] != 0 || ink[3] == 0 || ink[4] != 0 {
		t.Errorf("letters by column: %v", ink)
	}

	for _, b := range []block{{lines: helpLines(), x: 0.5, y: 0.5}, {lines: []string{strings.Repeat("word ", 99)}, x: 1, y: 1, wrap: true}} {
		for _, frame := range []image.Point{{1, 1}, {9, 300}, {64, 48}, {640, 480}, {3840, 2160}} {
			o, err := face.overlay(frame, 30, []block{b}, image.Rect(-3, 0, 1, frame.Y))
			if err != nil {
				t.Fatal(err)
			}
			if in := image.Rect(o.X, o.Y, o.X+o.W, o.Y+o.H); !in.In(image.Rectangle{Max: frame}) || len(o.Pix) != o.W*o.H {
				t.Errorf("in %v it lies at %v, %d bytes", frame, in, len(o.Pix))
			}
		}
	}
	if o, err := face.overlay(frame, 16, []block{{}}, image.Rectangle{}); o != nil || err != nil {
		t.Errorf("nothing to draw: %v, %v", o, err)
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", ""},
		{"one two", "one two"},
		{"one two three", "one two|three"},
		{"one two  three", "one two|three"},
		{"abcdefghij", "abcdefg|hij"},
		{"ü ü ü ü ü", "ü ü ü ü|ü"},
	} {
		if got := strings.Join(wrapped([]string{c.line}, 7), "|"); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.line, got, c.want)
		}
	}
}

func TestNotes(t *testing.T) {
	var n notes
	at := time.Now()
	for i, about := range []string{"a", "b", "a", "c", "d", "e"} {
		n.add(at, about, fmt.Sprint(about, i))
	}
	if got := n.lines(at.Add(noteTime)); !slices.Equal(got, []string{"a2", "c3", "d4", "e5"}) {
		t.Errorf("%q", got)
	}
	if got := n.lines(at.Add(noteTime + 1)); len(got) != 0 {
		t.Errorf("later: %q", got)
	}
}

// TestReport: what is lost, has ended or runs is said.
func TestReport(t *testing.T) {
	r := report{camera: "camera 0", recording: 83 * time.Second}
	r.Frames, r.Model, r.Direction, r.Step, r.Epoch, r.FPS, r.set.Paused = 9, "m", "AtoB", 7, 2, 24.84, true
	if got, want := r.title(), "m AtoB, step 7, epoch 2 · paused · recording · camera 0 · cyclegan-live"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	for _, c := range []struct {
		state video.SourceState
		want  string
	}{
		{video.SourceState{}, ""},
		{video.SourceState{Condition: video.Waiting, Message: "camera 0 is lost"}, "camera 0 is lost"},
		{video.SourceState{Condition: video.Ended, Err: os.ErrClosed}, os.ErrClosed.Error()},
		{video.SourceState{Condition: video.Ended}, "camera 0 has ended"},
	} {
		r.Source = c.state
		want := "● recording 1:23"
		if c.want != "" {
			want = c.want + "|" + want
		}
		if got := strings.Join(r.standing(), "|"); got != want {
			t.Errorf("%+v: %q, want %q", c.state, got, want)
		}
	}
}

// TestKeyTable: no stroke has two meanings, and the documentation has the table.
func TestKeyTable(t *testing.T) {
	seen := map[stroke]string{}
	doc, err := os.ReadFile("../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| key | |\n|---|---|\n"
	for _, k := range keys() {
		for _, s := range k.strokes {
			s.way = 0
			if before, there := seen[s]; there {
				t.Errorf("%+v is %q and %q", s, before, k.names)
			}
			seen[s] = k.names
		}
		table += fmt.Sprintf("| `%s` | %s |\n", strings.ReplaceAll(k.names, " ", "` `"), k.help)
	}
	table = strings.ReplaceAll(table, "` `…` `", "` … `")
	if !strings.Contains(string(doc), table) {
		t.Errorf("docs/live.md lacks this table:\n%s", table)
	}
}
