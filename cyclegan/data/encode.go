// Writing pictures so that a reader never meets half of one.

package data

import (
	"image/png"
	"io"

	"cyclevk/cyclegan/atomicfile"
)

// EncodePNG writes m to path as a PNG of m's own channels and depth, whole or not at all.
func EncodePNG(path string, m *Image) error {
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, m.Std()) })
}
