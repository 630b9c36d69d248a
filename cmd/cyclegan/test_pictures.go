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
	half      int      // of a picture with A and B side by side: 1 is the left one, 2 the right one; 0 is all of it
	names     []string // of the files, below the folder
	stems     []string // of the results
	strips    []*report.Strip
}

// find looks for the pictures, at most limit of each domain. Without a mode the folders decide.
func (t *testRun) find(root, phase, mode string, limit int) error {
	a := &testSide{direction: "AtoB", labels: [3]string{"real_A", "fake_B", "rec_A"}, format: pictureFormat(t.model, "A")}
	b := &testSide{direction: "BtoA", labels: [3]string{"real_B", "fake_A", "rec_B"}, format: pictureFormat(t.model, "B")}
	t.sides = [2]*testSide{a, b}
	first, second := a, b // of which the data set calls A and B
	if t.model.Data.Direction == "BtoA" {
		first, second = b, a
	}
	pairs := filepath.Join(root, phase)
	switch first.folder, second.folder = pairs+"A", pairs+"B"; {
	case mode != "" && mode != "unaligned" && mode != "aligned" && mode != "single":
		return fmt.Errorf("--dataset_mode %q: use unaligned, aligned or single", mode)
	case mode == "unaligned", mode == "" && (isFolder(first.folder) || isFolder(second.folder)):
	case mode == "aligned", mode == "" && isFolder(pairs):
		first.folder, second.folder = pairs, pairs
		first.half, second.half = 1, 2
	case mode == "single" && t.direction == "both":
		return errors.New("--dataset_mode single: say with --direction which way the pictures go, AtoB or BtoA")
	case t.direction == "both":
		return fmt.Errorf("folder %q has neither %sA nor %sB nor %s: correct --dataroot, or say with --direction which way its own pictures go",
			root, phase, phase, phase)
	default:
		a.folder, b.folder = root, root
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
		return fmt.Errorf("folder %q holds no pictures to translate (--phase %s, --direction %s): put some there, or correct --dataroot", root, phase, t.direction)
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
	if err != nil || s.half == 0 {
		return m, err
	}
	if m.W < 2 {
		return nil, fmt.Errorf("%s is one pixel wide: two pictures side by side were expected", filepath.Join(s.folder, name))
	}
	return m.Crop((s.half-1)*(m.W/2), 0, m.W/2, m.H)
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
