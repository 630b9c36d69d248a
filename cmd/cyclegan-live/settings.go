// Settings that survive a restart: a small file in the user's configuration folder. Options given on the command line win over them.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"cyclevk/cmd/internal/app"
	options "cyclevk/cmd/internal/live"
	"cyclevk/cyclegan/live"
)

// settingsVersion counts the forms of the file: others are not read.
const settingsVersion = 1

// settings are what the file holds.
type settings struct {
	Version   int     `json:"version"`
	View      string  `json:"view"`
	Split     float32 `json:"split"`
	Strength  float32 `json:"strength"`
	Smoothing float32 `json:"smoothing"`
	Mirror    bool    `json:"mirror"`
	Size      int     `json:"size"`
	Figures   bool    `json:"figures"` // the overlay of the key i
	Full      bool    `json:"fullscreen"`
	Window    place   `json:"window"`
}

// place is where a window lies on the screen, in the window system's units; without a size it was never placed.
type place struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"width"`
	H int `json:"height"`
}

// settingsFile is the file's path, empty where there is no such folder.
func settingsFile() string {
	folder, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(folder, "cyclevk", "live.json")
}

// readSettings reads a file; there is none where it is nil. The error names what cannot be used.
func readSettings(path string) (*settings, error) {
	text, err := os.ReadFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s := &settings{}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err = d.Decode(s); err == nil && d.More() {
			err = errors.New("something follows them")
		}
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, fmt.Errorf("the settings in %s are left aside: %w", path, err)
	}
	return s, nil
}

// longest is more than any screen's side.
const longest = math.MaxInt16

func (s *settings) check() error {
	share := func(v float32) bool { return v >= 0 && v <= 1 }
	w := s.Window
	_, known := modes()[s.View]
	switch {
	case s.Version != settingsVersion:
		return fmt.Errorf("they have version %d, this program's have %d", s.Version, settingsVersion)
	case !known:
		return fmt.Errorf("view %q", s.View)
	case !share(s.Split) || !share(s.Strength) || !share(s.Smoothing) || s.Smoothing == 1:
		return fmt.Errorf("split %v, strength %v, smoothing %v: want shares", s.Split, s.Strength, s.Smoothing)
	case s.Size < 0 || s.Size > longest:
		return fmt.Errorf("size %d", s.Size)
	case w != place{} && (min(w.W, w.H) < 1 || max(w.W, w.H) > longest || max(w.X, -w.X, w.Y, -w.Y) > longest):
		return fmt.Errorf("a window of %dx%d at %d, %d", w.W, w.H, w.X, w.Y)
	}
	return nil
}

// write replaces the file.
func (s *settings) write(path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	s.Version = settingsVersion
	return app.WriteJSON(path, s)
}

// apply brings them into the options, but for those that the command line has.
func (s *settings) apply(o *options.Options, given func(option string) bool) {
	set := func(option string, take func()) {
		if !given(option) {
			take()
		}
	}
	v := &o.Settings
	v.Split = s.Split
	set("view", func() { v.Mode = modes()[s.View] })
	set("strength", func() { v.Strength = s.Strength })
	set("smoothing", func() { v.Smoothing = s.Smoothing })
	set("mirror", func() { v.Mirror = s.Mirror })
	set("size", func() { v.Size = s.Size })
	set("fullscreen", func() { o.Full = s.Full && !given("window") })
}

// keep takes over what the loop has now.
func (s *settings) keep(v live.Settings) {
	s.View, s.Split, s.Strength, s.Smoothing, s.Mirror, s.Size = v.Mode.String(), v.Split, v.Strength, v.Smoothing, v.Mirror, v.Size
}

// modes are those of a view by their names.
func modes() map[string]live.Mode {
	all := map[string]live.Mode{}
	for m := live.Translated; len(all) == 0 || m != live.Translated; m = m.Next() {
		all[m.String()] = m
	}
	return all
}
