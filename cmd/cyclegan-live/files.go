// Files that keys make: a PNG or an MP4 in the current folder, never in the place of another file.

package main

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"

	"cyclevk/cyclegan/atomicfile"
)

// newFile is a name that no file has, for what a model showed at a time: "horse2zebra_AtoB_20240501-183000.png", with -2 and so on where
// that is taken, there or in the view of taken.
func newFile(model, direction, extension string, now time.Time, taken func(string) bool) (string, error) {
	stem := fmt.Sprintf("%s_%s_%s", plain(model), direction, now.Format("20060102-150405"))
	for n := 1; ; n++ {
		name := stem + extension
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, n, extension)
		}
		switch _, err := os.Lstat(name); {
		case taken(name) || err == nil:
		case errors.Is(err, fs.ErrNotExist):
			return name, nil
		default:
			return "", err
		}
	}
}

// plain is a name with nothing in it that shells or file systems take for something else.
func plain(name string) string {
	name = strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("-_.+", c) {
			return c
		}
		return '-'
	}, name)
	return strings.TrimLeft(name, "-.")
}

func writePNG(path string, m image.Image) error {
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, m) })
}
