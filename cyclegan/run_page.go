// The pages of a run folder: web/index.html shows how the training goes, and opens from the disk.

package cyclegan

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/report"
)

const pageFolder = "web"

var gridName = regexp.MustCompile(`^epoch(\d+)_step(\d+)\.png$`)

// openPage takes in the grids up to a step that the folder holds already.
func (r *RunFolder) openPage(step int) error {
	r.page.Title = "Experiment name = " + filepath.Base(r.Path)
	entries, err := os.ReadDir(filepath.Join(r.Path, gridFolder))
	if err != nil {
		return unwritable(r.Path, err)
	}
	var grids []report.Grid
	for _, e := range entries {
		if m := gridName.FindStringSubmatch(e.Name()); m != nil {
			g := report.Grid{File: gridFile(e.Name())}
			g.Epoch, _ = strconv.Atoi(m[1])
			g.Step, err = strconv.Atoi(m[2])
			if err == nil && g.Step <= step {
				grids = append(grids, g)
			}
		}
	}
	slices.SortFunc(grids, func(a, b report.Grid) int { return cmp.Compare(a.Step, b.Step) })
	for _, g := range grids {
		r.page.AddGrid(g)
	}
	return nil
}

// gridFile is a grid's file as the page names it.
func gridFile(name string) string {
	folder, _ := filepath.Rel(pageFolder, gridFolder)
	return path.Join(filepath.ToSlash(folder), name)
}

// SaveGrid writes a grid of sample pictures under web/images, and once more as latest.png, and brings the page up to date.
func (r *RunFolder) SaveGrid(epoch, step int, grid *data.Image) error {
	name := fmt.Sprintf("epoch%03d_step%06d.png", epoch, step)
	for _, name := range []string{name, "latest.png"} {
		if err := data.EncodePNG(filepath.Join(r.Path, gridFolder, name), grid); err != nil {
			return err
		}
	}
	r.page.AddGrid(report.Grid{Epoch: epoch, Step: step, File: gridFile(name)})
	return r.page.Write(func(name string, page func(io.Writer) error) error {
		return atomicfile.Write(filepath.Join(r.Path, pageFolder, name), page)
	})
}
