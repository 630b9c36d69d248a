// Where the pictures of the command test come from, and what their results are called.

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/report"
)

// imageFolder holds the pictures, beside their page.
const imageFolder = "images"

// testSide is the test pictures of one domain.
type testSide struct {
	direction string    // in which they are translated
	labels    [3]string // real, fake and reconstructed, by their official names
	folder    string
	format    data.Format
	part      int      // of a picture, from the left
	parts     int      // that a picture has: 2 where A and B are side by side
	names     []string // of the files, below the folder
	stems     []string // of the results
	strips    []*report.Strip
}

// find looks for the pictures, at most limit of each domain. Without a mode, the folders say which one is meant.
func (t *testRun) find(root, phase, mode string, limit int) error {
	a := &testSide{direction: "AtoB", labels: [3]string{"real_A", "fake_B", "rec_A"}, format: pictureFormat(t.model, "A")}
	b := &testSide{direction: "BtoA", labels: [3]string{"real_B", "fake_A", "rec_B"}, format: pictureFormat(t.model, "B")}
	t.sides = [2]*testSide{a, b}
	first, second := a, b // of which the data set calls A and B
	if t.model.Data.Direction == "BtoA" {
		first, second = b, a
	}
	pairs := filepath.Join(root, phase)
	given := mode != ""
	if !given {
		switch {
		case isFolder(pairs+"A") || isFolder(pairs+"B"):
			mode = "unaligned"
		case isFolder(pairs):
			mode = "aligned"
		default:
			mode = "single"
		}
	}
	a.parts, b.parts = 1, 1
	switch mode {
	case "unaligned":
		first.folder, second.folder = pairs+"A", pairs+"B"
	case "aligned":
		first.folder, second.folder = pairs, pairs
		first.parts, second.parts, second.part = 2, 2, 1
	case "single":
		switch {
		case t.direction == "both" && given:
			return errors.New("--dataset_mode single: say with --direction which way the pictures go, AtoB or BtoA")
		case t.direction == "both":
			return fmt.Errorf("folder %q has neither %sA nor %sB nor %s: correct --dataroot, or say with --direction which way its own pictures go",
				root, phase, phase, phase)
		}
		a.folder, b.folder = root, root
	default:
		return fmt.Errorf("--dataset_mode %q: use unaligned, aligned or single", mode)
	}
	found := 0
	for _, s := range t.sides {
		if t.direction != "both" && t.direction != s.direction || !isFolder(s.folder) {
			continue
		}
		names, err := listPictures(s.folder, t.folder)
		if err != nil {
			return err
		}
		if limit > 0 && len(names) > limit {
			names = names[:limit]
		}
		s.names, s.stems, s.strips = names, stems(names), make([]*report.Strip, len(names))
		found += len(names)
	}
	if found == 0 {
		return fmt.Errorf("folder %q holds no pictures to translate (--phase %s, --direction %s, --dataset_mode %s): put some there, or correct --dataroot",
			root, phase, t.direction, mode)
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// decode reads a picture, or its half.
func (s *testSide) decode(name string, o data.Orientation) (*data.Image, error) {
	m, err := data.Decode(filepath.Join(s.folder, name), s.format, o)
	if err != nil {
		return nil, err
	}
	if m, err = m.Part(s.part, s.parts); err != nil {
		return nil, fmt.Errorf("picture %q: %w", filepath.Join(s.folder, name), err)
	}
	return m, nil
}

// stems names the results of files: without the extension where that is no other's name, with _ for the separators of folders.
// No two are the same, on disks too that do not tell capitals apart.
func stems(names []string) (out []string) {
	flat := func(name string) string { return strings.ReplaceAll(filepath.ToSlash(name), "/", "_") }
	short := func(name string) string { return flat(strings.TrimSuffix(name, filepath.Ext(name))) }
	sharing, used := map[string]int{}, map[string]bool{}
	for _, name := range names {
		sharing[strings.ToLower(short(name))]++
	}
	for _, name := range names {
		stem := short(name)
		if sharing[strings.ToLower(stem)] > 1 {
			stem = flat(name)
		}
		for used[strings.ToLower(stem)] {
			stem += "_"
		}
		used[strings.ToLower(stem)] = true
		out = append(out, stem)
	}
	return out
}
