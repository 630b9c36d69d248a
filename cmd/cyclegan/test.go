// The command test: the test pictures, translated and reconstructed, as files and as a page.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/report"
	"cyclevk/vk"
)

func testCommand() *cli.Command {
	return &cli.Command{
		Name:  "test",
		Usage: "translate and reconstruct the test pictures, and show them on a page",
		Description: `Writes RESULTS_DIR/NAME/PHASE_EPOCH/images/STEM_{real_A,fake_B,rec_A,real_B,fake_A,rec_B}.png, STEM being the name of the
test picture without its extension, and beside that folder index.html, which a browser opens from the disk. rec_A is G_B's
translation of fake_B. Pictures keep their own size.

Pictures come from DATAROOT/testA and DATAROOT/testB (unaligned), or where there are none of these, from DATAROOT/test, A and B
side by side in one picture (aligned), or from DATAROOT itself, pictures of the one domain that --direction translates (single).
Which folder, or half, is domain A was settled when the model was trained, with --direction then; --direction now only says what
is translated.

Examples:
   cyclegan test --dataroot datasets/horse2zebra --name horse2zebra
   cyclegan test --dataroot datasets/horse2zebra --name horse2zebra --epoch 100 --num_test 200
   cyclegan test --dataroot holiday/photos --model checkpoints/horse2zebra --direction AtoB`,
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "dataroot", Usage: "`FOLDER` of the pictures (required)"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the run, and of the folder of its results"},
			&cli.PathFlag{Name: "checkpoints_dir", Value: "./checkpoints", Usage: "`FOLDER` that holds the folders of runs"},
			&cli.PathFlag{Name: "model", Usage: "folder of a training `RUN`, or a checkpoint file, instead of --checkpoints_dir and --name"},
			app.EpochFlag(),
			&cli.StringFlag{Name: "phase", Value: "test", Usage: "`PHASE`: the folders are called PHASEA, PHASEB and PHASE"},
			&cli.IntFlag{Name: "num_test", Value: 50, Usage: "`NUMBER` of pictures of each domain at most (0: all)"},
			&cli.StringFlag{Name: "direction", Value: "both", Usage: "what is translated: `both|AtoB|BtoA`"},
			&cli.PathFlag{Name: "results_dir", Value: "./results", Usage: "`FOLDER` for the folders of results"},
			&cli.StringFlag{Name: "dataset_mode", Usage: "`MODE` of the pictures: unaligned, aligned or single (default: what DATAROOT looks like)"},
			app.EvalFlag(),
			&cli.BoolFlag{Name: "no_dropout", Value: true, Usage: "no dropout in use, as always"},
			app.DeviceFlag(),
		},
		Action: test,
	}
}

func test(c *cli.Context) error {
	t, err := readTestOptions(c)
	if err != nil {
		return app.BadInput(err)
	}
	if t.model, err = app.LoadModel(c, t.modelPath, "G_A", "G_B"); err != nil {
		return err
	}
	if err := t.find(c.Path("dataroot"), c.String("phase"), c.String("dataset_mode"), c.Int("num_test")); err != nil {
		return app.BadInput(err)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	err = app.WithDevice(c.String("device"), func(dev *vk.Device) error { return t.run(ctx, dev, c.Bool("eval")) })
	if err != nil && !errors.Is(err, app.ErrInterrupted) {
		return err
	}
	page := filepath.Join(t.folder, "index.html")
	if err := atomicfile.Write(page, t.page(c.String("phase")).Write); err != nil {
		return app.BadInput(err)
	}
	fmt.Fprintf(t.stdout, "%d pictures translated and reconstructed", t.done)
	if t.leftOut > 0 {
		fmt.Fprintf(t.stdout, ", %d left out", t.leftOut)
	}
	fmt.Fprintf(t.stdout, ": %s\n", page)
	return err
}

// testRun is one run of the command.
type testRun struct {
	name      string // of the run
	model     *cyclegan.Checkpoint
	modelPath string
	epoch     string // a number or latest
	direction string // both, AtoB or BtoA
	folder    string // of the results
	device    string // on which they were made

	sides         [2]*testSide // A and B
	done, leftOut int

	stdout, stderr io.Writer
}

// readTestOptions refuses what cannot be used.
func readTestOptions(c *cli.Context) (*testRun, error) {
	if err := app.Required(c, "dataroot"); err != nil {
		return nil, err
	}
	t := &testRun{
		name: c.String("name"), modelPath: c.Path("model"), epoch: c.String("epoch"), direction: c.String("direction"),
		stdout: c.App.Writer, stderr: c.App.ErrWriter,
	}
	if m := t.modelPath; m == "cycle_gan" || m == "test" { // the official --model names a method, which a run knows by itself
		if _, err := os.Stat(m); err != nil {
			t.modelPath = ""
		}
	}
	if t.modelPath == "" && t.name == "" {
		return nil, errors.New("option --name is missing; `cyclegan test --help` has examples")
	}
	if t.name == "" {
		path, err := filepath.Abs(t.modelPath)
		if err != nil {
			return nil, err
		}
		t.name = strings.TrimSuffix(filepath.Base(path), cyclegan.Extension)
	}
	if err := checkName(t.name); err != nil {
		return nil, err
	}
	if t.modelPath == "" {
		t.modelPath = runPath(c)
	}
	if t.direction != "both" && t.direction != "AtoB" && t.direction != "BtoA" {
		return nil, fmt.Errorf("--direction %q: use both, AtoB or BtoA", t.direction)
	}
	if n, err := strconv.Atoi(t.epoch); t.epoch != cyclegan.Latest && (err != nil || n < 0) {
		return nil, fmt.Errorf("--epoch %q: use the number of an epoch, or latest", t.epoch)
	}
	if phase := c.String("phase"); phase == "" || phase != filepath.Base(phase) {
		return nil, fmt.Errorf("--phase %q: use the name that folders of DATAROOT begin with, such as test", phase)
	}
	if n := c.Int("num_test"); n < 0 {
		return nil, fmt.Errorf("--num_test %d: use a number of pictures, or 0 for all", n)
	}
	t.folder = filepath.Join(c.Path("results_dir"), t.name, c.String("phase")+"_"+t.epoch)
	return t, nil
}

// run translates every picture that can be read. It fails where none can.
func (t *testRun) run(ctx context.Context, dev *vk.Device, eval bool) error {
	t.device = dev.Info.Name
	if err := os.MkdirAll(filepath.Join(t.folder, imageFolder), 0o755); err != nil {
		return app.BadInput(err)
	}
	total := 0
	for _, s := range t.sides {
		total += len(s.names)
	}
	bar := app.NewProgress(t.stderr, total)
	defer bar.Clear()
	for _, s := range t.sides {
		if len(s.names) == 0 {
			continue
		}
		if err := t.translate(ctx, dev, s, eval, bar); err != nil {
			return err
		}
	}
	if t.done == 0 {
		return app.BadInput(fmt.Errorf("none of %d pictures could be read", total))
	}
	return nil
}

// translate makes the strips of one direction.
func (t *testRun) translate(ctx context.Context, dev *vk.Device, s *testSide, eval bool, bar *app.Progress) error {
	cycle, err := cyclegan.NewCycle(dev, t.model, s.direction)
	if err != nil {
		return app.BadInput(err)
	}
	defer cycle.Close()
	cycle.Eval, cycle.Progress = eval, func(float64) error {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		return nil
	}
	for i, name := range s.names {
		if ctx.Err() != nil {
			return fmt.Errorf("%w after %d pictures", app.ErrInterrupted, t.done)
		}
		real, err := s.decode(name, t.model.Data.ExifOrientation)
		if err != nil {
			bar.Clear()
			fmt.Fprintf(t.stderr, "cyclegan test: left out: %v\n", err)
			t.leftOut++
			continue
		}
		fake, rec, err := cycle.Run(real)
		if err != nil {
			return fmt.Errorf("%s (%dx%d): %w", filepath.Join(s.folder, name), real.W, real.H, err)
		}
		strip := &report.Strip{Name: filepath.ToSlash(name)}
		for j, m := range []*data.Image{real, fake, rec} {
			file := s.stems[i] + "_" + s.labels[j] + ".png"
			if err := data.EncodePNG(filepath.Join(t.folder, imageFolder, file), m); err != nil {
				return app.BadInput(err)
			}
			strip.Pictures = append(strip.Pictures, report.Picture{Label: s.labels[j], File: imageFolder + "/" + file, W: m.W, H: m.H})
		}
		s.strips[i] = strip
		t.done++
		bar.Set(t.done+t.leftOut, "translating "+s.direction)
	}
	return nil
}

// page shows what is done.
func (t *testRun) page(phase string) *report.Results {
	c, d := &t.model.Config, &t.model.Data
	p := &report.Results{Title: fmt.Sprintf("Experiment = %s, Phase = %s, Epoch = %s", t.name, phase, t.epoch)}
	fact := func(name, format string, args ...any) {
		p.Facts = append(p.Facts, report.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	fact("checkpoint", "%s", filepath.Base(t.model.Path))
	fact("generators", "%s, ngf %d, norm %s", c.NetG, c.NGF, c.Norm)
	if d.SizeA > 0 { // not known of weights from elsewhere
		fact("trained", "%d steps, on %d pictures of A and %d of B, at %dx%d (%s, load_size %d)",
			t.model.Step, d.SizeA, d.SizeB, c.CropSize, c.CropSize, d.Preprocess, d.LoadSize)
	}
	fact("tested on", "%s, cyclegan %s", t.device, app.Version)
	for i := range max(len(t.sides[0].strips), len(t.sides[1].strips)) {
		var row report.Row
		for _, s := range t.sides {
			if i < len(s.strips) && s.strips[i] != nil {
				row.Strips = append(row.Strips, *s.strips[i])
			}
		}
		if len(row.Strips) > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	return p
}
