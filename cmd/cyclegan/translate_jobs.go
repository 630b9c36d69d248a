// What is translated, and where each result goes.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
)

// job is one file to translate.
type job struct {
	in, out string
	kind
}

// kind of a file decides how it is translated, and the extension of the result.
type kind string

const (
	picture   kind = ".png"
	animation kind = ".gif"
	film      kind = ".mp4"
)

// kindOf goes by the name for videos, and by the content for pictures.
func kindOf(path string) kind {
	switch {
	case video.IsVideo(path):
		return film
	case data.Animated(path) == "gif":
		return animation
	}
	return picture
}

// findJobs lists the pictures and videos among files and folders with the place of each below the folder out. It refuses to write
// two results to one place, or one over a file that is to be translated.
func findJobs(out string, operands []string) ([]job, error) {
	if len(operands) == 0 {
		return nil, errors.New("no pictures given: name files or folders")
	}
	var jobs []job
	for _, operand := range operands {
		info, err := os.Stat(operand)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			jobs = append(jobs, job{operand, filepath.Join(out, filepath.Base(operand)), kindOf(operand)})
			continue
		}
		names, err := listFiles(operand, out, func(name string) bool { return data.IsPicture(name) || video.IsVideo(name) })
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("folder %q holds no pictures and no videos", operand)
		}
		for _, name := range names {
			in := filepath.Join(operand, name)
			jobs = append(jobs, job{in, filepath.Join(out, name), kindOf(in)})
		}
	}
	if err := checkPlaces(jobs); err != nil {
		return nil, err
	}
	nameResults(jobs)
	if err := checkPlaces(jobs); err != nil {
		return nil, err
	}
	return jobs, checkInputs(jobs)
}

// listPictures returns the paths below a folder of the pictures in it and in its sub-folders but for the folder out.
func listPictures(folder, out string) ([]string, error) {
	return listFiles(folder, out, data.IsPicture)
}

// listFiles returns the paths below a folder of the wanted files in it and in its sub-folders but for the folder out.
func listFiles(folder, out string, wanted func(name string) bool) (names []string, err error) {
	results, _ := os.Stat(out) // nil where there is none yet
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("folder %q: %w", folder, err)
		}
		if !entry.IsDir() {
			if wanted(name) {
				names = append(names, filepath.FromSlash(name))
			}
			return nil
		}
		if info, err := entry.Info(); err == nil && results != nil && name != "." && os.SameFile(info, results) {
			return fs.SkipDir
		}
		return nil
	})
	return names, err
}

// nameResults puts the extension of the result in the place of each file's own, or behind it where two would become one.
func nameResults(jobs []job) {
	short := func(j job) string { return strings.TrimSuffix(j.out, filepath.Ext(j.out)) + string(j.kind) }
	used := map[string]int{}
	for _, j := range jobs {
		used[short(j)]++
	}
	for i, j := range jobs {
		if used[short(j)] == 1 {
			jobs[i].out = short(j)
		} else {
			jobs[i].out += string(j.kind)
		}
	}
}

// checkPlaces refuses two results at one place.
func checkPlaces(jobs []job) error {
	from := map[string]string{}
	for _, j := range jobs {
		if other, taken := from[j.out]; taken {
			return fmt.Errorf("%s and %s would both become %s: translate them to two folders", other, j.in, j.out)
		}
		from[j.out] = j.in
	}
	return nil
}

// checkInputs refuses a result in the place of a file that is to be translated.
func checkInputs(jobs []job) error {
	var inputs []fs.FileInfo
	for _, j := range jobs {
		if info, err := os.Stat(j.in); err == nil { // a broken link is left out later, with its reason
			inputs = append(inputs, info)
		}
	}
	for _, j := range jobs {
		there, err := os.Stat(j.out)
		if err != nil {
			continue
		}
		for _, input := range inputs {
			if os.SameFile(there, input) {
				return fmt.Errorf("the result of %s would overwrite %s: choose another --out", j.in, j.out)
			}
		}
	}
	return nil
}
