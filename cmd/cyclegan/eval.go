// The command eval: how good a model's translations of the test pictures are.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/metrics"
	"cyclevk/cyclegan/synth"
	"cyclevk/vk"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "measure a model on the test pictures, DATAROOT/testA and DATAROOT/testB, or on the pairs in DATAROOT/test",
		Description: `Both directions are translated. Where pictures of testA and testB have the same name they are taken for pairs, and the
translation is held against the truth: PSNR, beside that of two outputs that need no network: the input itself, and the best
affine map of colours, fitted on these very pairs. On a set of ` + "`cyclegan synth`" + ` the class of each pixel is scored too.
With --dataset_mode aligned each picture in DATAROOT/test holds A in its left half and B in its right one.
For any pictures: how far the mean colour (CIE L*a*b*) of the translations is from that of the target domain.

Examples:
   cyclegan eval --model checkpoints/scenes --dataroot scenes
   cyclegan eval --model checkpoints/scenes --dataroot scenes --json scores.json --grid scores.png`,
		Flags: []cli.Flag{
			app.ModelFlag(),
			app.EpochFlag(),
			&cli.PathFlag{Name: "dataroot", Usage: "`FOLDER` that holds testA and testB, or test (required)"},
			&cli.StringFlag{Name: "dataset_mode", Usage: "`MODE` of the test pictures, unaligned or aligned (default: that of the training)"},
			&cli.PathFlag{Name: "json", Usage: "write the scores to a `FILE`"},
			&cli.PathFlag{Name: "grid", Usage: "write the first pictures, their translations and the truth to a PNG `FILE`"},
			app.EvalFlag(),
			app.DeviceFlag(),
		},
		Action: evaluate,
	}
}

func evaluate(c *cli.Context) error {
	if err := app.Required(c, "model", "dataroot"); err != nil {
		return err
	}
	model, err := app.LoadModel(c, c.Path("model"), "G_A", "G_B")
	if err != nil {
		return err
	}
	mode := c.String("dataset_mode")
	if mode == "" {
		mode = model.Data.DatasetMode
	}
	e, err := openEvaluation(c.Path("dataroot"), mode, model)
	if err != nil {
		return app.BadInput(err)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	err = app.WithDevice(c.String("device"), func(dev *vk.Device) error { return e.translate(ctx, dev, model, c.Bool("eval"), c.App.ErrWriter) })
	if err != nil {
		return err
	}
	s, err := e.score()
	if err != nil {
		return app.BadInput(err)
	}
	s.Step = model.Step
	if err := s.print(c.App.Writer); err != nil {
		return err
	}
	if path := c.Path("json"); path != "" {
		if err := app.WriteJSON(path, s); err != nil {
			return app.BadInput(err)
		}
	}
	if path := c.Path("grid"); path != "" {
		return app.BadInput(data.EncodePNG(path, e.grid()))
	}
	return nil
}

// pictureFormat is how a model takes the pictures of domain A or B.
func pictureFormat(model *cyclegan.Checkpoint, domain string) data.Format {
	f := data.Format{C: model.Config.InputNC, Bits: model.Config.Bits}
	if domain == "B" {
		f.C = model.Config.OutputNC
	}
	return f
}

// evaluation is a model's two directions on a test set.
type evaluation struct {
	directions [2]*testDirection // AtoB, BtoA
	classes    *synth.Manifest   // nil for pictures that synth did not draw
}

// testDirection is the test pictures seen from one direction.
type testDirection struct {
	name       string
	source     *testFolder
	target     *testFolder
	pairs      [][2]int // indices in source and target
	translated []*data.Image

	labels [][]uint8 // by source picture; nil without classes
}

// testFolder is the pictures of one domain.
type testFolder struct {
	names    []string      // without extensions
	inputs   []*data.Image // as the networks take them
	pictures []*data.Image // as they are seen, 8-bit RGB, for the scores
	domain   synth.Domain
}

// openEvaluation reads the test pictures, and the labels where there are any. The roles of the folders, or halves, are those of
// training.
func openEvaluation(root, mode string, model *cyclegan.Checkpoint) (*evaluation, error) {
	left, right := "A", "B" // the domains of testA and testB
	if model.Data.Direction == "BtoA" {
		left, right = right, left
	}
	folders := map[string]*testFolder{}
	for i, domain := range []string{left, right} {
		f := &testFolder{domain: [...]synth.Domain{synth.A, synth.B}[i]}
		var err error
		switch mode {
		case "unaligned", "":
			err = f.open(filepath.Join(root, [...]string{"testA", "testB"}[i]), 0, 1, pictureFormat(model, domain), model.Data.ExifOrientation)
		case "aligned":
			err = f.open(filepath.Join(root, "test"), i, 2, pictureFormat(model, domain), model.Data.ExifOrientation)
		default:
			err = fmt.Errorf("--dataset_mode %q: use unaligned or aligned", mode)
		}
		if err != nil {
			return nil, err
		}
		folders[domain] = f
	}
	a, b := folders["A"], folders["B"]
	e := &evaluation{directions: [2]*testDirection{{name: "AtoB", source: a, target: b}, {name: "BtoA", source: b, target: a}}}
	var err error
	if e.classes, err = synth.ReadManifest(root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, d := range e.directions {
		d.pairs = pairByName(d.source.names, d.target.names)
		if e.classes == nil {
			continue
		}
		for i, name := range d.source.names {
			labels, err := readLabels(filepath.Join(root, "testLabels", name+".png"), d.source.pictures[i])
			if err != nil {
				return nil, err
			}
			d.labels = append(d.labels, labels)
		}
	}
	return e, nil
}

// open reads a part of each picture in a folder: that of this number, from the left, of so many.
func (f *testFolder) open(path string, part, parts int, format data.Format, o data.Orientation) error {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return fmt.Errorf("folder %q does not exist: put test pictures there, or correct --dataroot", path)
	}
	names, err := listPictures(path, "")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("folder %q holds no pictures: put some there, or correct --dataroot", path)
	}
	for _, name := range names {
		m, err := data.Decode(filepath.Join(path, name), format, o)
		if err != nil {
			return err
		}
		if m, err = m.Part(part, parts); err != nil {
			return fmt.Errorf("picture %q: %w", filepath.Join(path, name), err)
		}
		f.names = append(f.names, strings.TrimSuffix(name, filepath.Ext(name)))
		f.inputs, f.pictures = append(f.inputs, m), append(f.pictures, m.Convert(data.RGB))
	}
	return nil
}

// pairByName returns the indices of equal names.
func pairByName(a, b []string) (pairs [][2]int) {
	at := map[string]int{}
	for i, name := range b {
		at[name] = i
	}
	for i, name := range a {
		if j, ok := at[name]; ok {
			pairs = append(pairs, [2]int{i, j})
		}
	}
	return pairs
}

func readLabels(path string, of *data.Image) ([]uint8, error) {
	labels, w, h, err := synth.ReadLabels(path)
	if err == nil && (w != of.W || h != of.H) {
		err = fmt.Errorf("labels %q are %dx%d for a picture of %dx%d: draw the set anew", path, w, h, of.W, of.H)
	}
	return labels, err
}

// translate fills in the translations of both directions.
func (e *evaluation) translate(ctx context.Context, dev *vk.Device, model *cyclegan.Checkpoint, eval bool, stderr io.Writer) error {
	bar := app.NewProgress(stderr, len(e.directions[0].source.pictures)+len(e.directions[1].source.pictures))
	defer bar.Clear()
	done := 0
	for _, d := range e.directions {
		translator, err := cyclegan.NewTranslator(dev, model, d.name)
		if err != nil {
			return err
		}
		defer translator.Close()
		translator.Eval = eval
		for i, m := range d.source.inputs {
			if ctx.Err() != nil {
				return app.ErrInterrupted
			}
			y, err := translator.Translate(m)
			if err != nil {
				return fmt.Errorf("%s (%dx%d): %w", d.source.names[i], m.W, m.H, err)
			}
			d.translated = append(d.translated, y.Convert(data.RGB))
			done++
			bar.Set(done, "translating "+d.name)
		}
	}
	return nil
}

// gridRows is how many pictures of each domain the grid shows.
const gridRows = 8

// grid shows both directions side by side: real, translated and, for pairs, the truth.
func (e *evaluation) grid() *data.Image {
	rows := make([][]*data.Image, gridRows)
	var captions []string
	for k, d := range e.directions {
		shown := d.pairs
		captions = append(captions, [...]string{"real_A", "real_B"}[k], [...]string{"fake_B", "fake_A"}[k])
		paired := len(shown) > 0
		if paired {
			captions = append(captions, [...]string{"true_B", "true_A"}[k])
		} else {
			for i := range d.source.pictures {
				shown = append(shown, [2]int{i, 0})
			}
		}
		for i := range rows {
			cells := make([]*data.Image, 3)
			if i < len(shown) {
				cells[0], cells[1], cells[2] = d.source.pictures[shown[i][0]], d.translated[shown[i][0]], d.target.pictures[shown[i][1]]
			}
			if !paired {
				cells = cells[:2]
			}
			rows[i] = append(rows[i], cells...)
		}
	}
	most := max(len(e.directions[0].source.pictures), len(e.directions[1].source.pictures))
	return metrics.Grid(rows[:min(gridRows, most)], captions)
}
