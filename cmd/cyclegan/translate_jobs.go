// Which pictures are translated, and where each result goes.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cyclevk/cyclegan/data"
)

// job is one picture to translate.
type job struct{ in, out string }

// findJobs lists the pictures among files and folders with the place of each below the folder out. It refuses to write two
// results to one place, or one over a picture that is to be translated.
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
			jobs = append(jobs, job{operand, filepath.Join(out, filepath.Base(operand))})
			continue
		}
		names, err := listPictures(operand, out)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("folder %q holds no pictures", operand)
		}
		for _, name := range names {
			jobs = append(jobs, job{filepath.Join(operand, name), filepath.Join(out, name)})
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
func listPictures(folder, out string) (names []string, err error) {
	results, _ := os.Stat(out) // nil where there is none yet
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("folder %q: %w", folder, err)
		}
		if !entry.IsDir() {
			if data.IsPicture(name) {
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

// nameResults puts .png in the place of each extension, or behind it where pictures differ in nothing else.
func nameResults(jobs []job) {
	stem := func(j job) string { return strings.TrimSuffix(j.out, filepath.Ext(j.out)) }
	used := map[string]int{}
	for _, j := range jobs {
		used[stem(j)]++
	}
	for i, j := range jobs {
		if used[stem(j)] == 1 {
			jobs[i].out = stem(j)
		}
		jobs[i].out += ".png"
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

// checkInputs refuses a result in the place of a picture that is to be translated.
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
				return fmt.Errorf("the result of %s would overwrite the picture %s: choose another --out", j.in, j.out)
			}
		}
	}
	return nil
}
