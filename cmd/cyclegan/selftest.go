// The command selftest: whether a device computes correctly, as a page for a bug report.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/atomicfile"
	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
)

func selftestCommand() *cli.Command {
	return &cli.Command{
		Name:  "selftest",
		Usage: "hold every kernel against its float64 reference on a device, and write a report",
		Description: `Every kernel runs over its cases: odd sizes, every option, images as small as they may be. Each case runs on poisoned memory between
guard zones, twice, and each value that it computes has to lie within the bound of its float64 reference. What a device lacks
costs the cases that need it, which are listed as skipped with the reason; a driver that refuses a pipeline, those that use it.
The report is Markdown, names no user and no file, and is made to be pasted into a bug report.
Exit code 0 if nothing failed, 1 if something did. CYCLEVK_VALIDATE=1 has the validation layers look on.

Examples:
   cyclegan selftest
   cyclegan selftest --device radeon --report selftest.md --json selftest.json
   cyclegan selftest --kernel conv_forward
   cyclegan selftest --kernel norm --seed 7`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "kernel", Usage: "`NAME` of one kernel of the report, or of a shader, to test alone"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the numbers that the kernels compute on"},
			&cli.PathFlag{Name: "report", Usage: "write the report to a `FILE`, too"},
			&cli.PathFlag{Name: "json", Usage: "write everything to a `FILE`"},
			app.DeviceFlag(),
		},
		Action: selftest,
	}
}

func selftest(c *cli.Context) error {
	list, err := checksOf(c.String("kernel"))
	if err != nil {
		return app.BadInput(err)
	}
	ctx, stop := app.Interruptible(c.Context)
	defer stop()
	var report *selftestReport
	// The user's cache would only fill with what nothing else launches.
	err = app.WithBareDevice(c.String("device"), func(dev *vk.Device) error {
		bar := app.NewProgress(c.App.ErrWriter, 0)
		defer bar.Clear()
		report, err = runSelftest(ctx, dev, list, c.Uint64("seed"), bar)
		return err
	})
	if report == nil {
		return err
	}
	// A device that has been lost does not close well either: the report says more.
	if len(report.Failed) > 0 {
		err = report.err()
	}
	writing := report.print(c.App.Writer)
	if path := c.Path("report"); path != "" {
		writing = errors.Join(writing, atomicfile.Write(path, report.print))
	}
	if path := c.Path("json"); path != "" {
		writing = errors.Join(writing, app.WriteJSON(path, report))
	}
	if err != nil {
		return errors.Join(err, writing) // exit code 1 whatever can be written
	}
	return app.BadInput(writing)
}

// checksOf are the checks of a kernel, by their own name or by that of a shader that they launch; all where it is empty.
func checksOf(kernel string) ([]kernels.Check, error) {
	all := kernels.Checks()
	if kernel == "" {
		return all, nil
	}
	var names []string
	for _, c := range all {
		if c.Name == kernel {
			return []kernels.Check{c}, nil
		}
		names = append(names, c.Name)
	}
	list := slices.DeleteFunc(slices.Clone(all), func(c kernels.Check) bool { return !slices.Contains(c.Shaders, kernel) })
	if len(list) == 0 {
		return nil, fmt.Errorf("--kernel %s: no such kernel%s; use one of %s, or a shader's name",
			kernel, app.Nearest(kernel, slices.Concat(names, shaders.Names())), strings.Join(names, ", "))
	}
	return list, nil
}

// selftestReport is what --json writes.
type selftestReport struct {
	Schema   int     `json:"schema"`
	Passed   bool    `json:"passed"` // nothing failed; what was skipped does not count
	Program  string  `json:"program"`
	Platform string  `json:"platform"`
	Shaders  string  `json:"shaders"` // hash of all
	Seed     uint64  `json:"seed"`
	Seconds  float64 `json:"seconds"`
	Device   string  `json:"device"`
	Facts    []fact  `json:"facts"`

	Kernels    []kernelVerdict `json:"kernels"`
	Failed     []caseVerdict   `json:"failed"`
	Skipped    []caseVerdict   `json:"skipped"`
	NotRun     int             `json:"not_run"`      // cases after the one in which the device was lost or hung
	Unlaunched []string        `json:"not_launched"` // shaders of these kernels that no case launched on this device
}

// kernelVerdict is how the cases of one check did.
type kernelVerdict struct {
	Kernel  string  `json:"kernel"`
	Cases   int     `json:"cases"`
	Passed  int     `json:"passed"`
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
	Worst   float64 `json:"of_bound"` // the largest error, as a part of what it may be; 0 where all bits are right
}

// caseVerdict says why a case did not pass.
type caseVerdict struct {
	Kernel string `json:"kernel"`
	Case   string `json:"case"`
	Why    string `json:"why"`
}

// runSelftest runs the cases of checks and gathers what came of them.
func runSelftest(ctx context.Context, dev *vk.Device, list []kernels.Check, seed uint64, bar *app.Progress) (*selftestReport, error) {
	r := &selftestReport{
		Schema: 1, Program: "cyclegan " + app.Version, Platform: runtime.GOOS + "/" + runtime.GOARCH, Shaders: shaders.Hash(), Seed: seed,
		Device: dev.Info.Name, Facts: append(deviceFacts(dev.Info), devicePaths(dev.Info)...),
		Failed: []caseVerdict{}, Skipped: []caseVerdict{}, Unlaunched: []string{},
	}
	verdicts := map[string]*kernelVerdict{}
	r.Kernels = make([]kernelVerdict, len(list))
	for i, c := range list {
		r.Kernels[i] = kernelVerdict{Kernel: c.Name, Cases: len(c.Cases)}
		verdicts[c.Name] = &r.Kernels[i]
		r.NotRun += len(c.Cases)
	}
	total, start, launched := r.NotRun, time.Now(), map[string]bool{}
	bar.Of(total)
	for result := range kernels.Selftest(dev, list, seed) {
		if ctx.Err() != nil {
			return nil, app.ErrInterrupted
		}
		r.NotRun--
		bar.Set(total-r.NotRun, result.Check)
		v := verdicts[result.Check]
		v.Worst = max(v.Worst, result.Worst)
		for _, s := range result.Shaders {
			launched[s] = true
		}
		switch err := result.Err; {
		case err == nil:
			v.Passed++
		case kernels.Skipped(err):
			v.Skipped++
			r.Skipped = append(r.Skipped, caseVerdict{result.Check, result.Case, oneLine(err)})
		default:
			v.Failed++
			r.Failed = append(r.Failed, caseVerdict{result.Check, result.Case, oneLine(err)})
		}
	}
	for _, c := range list {
		for _, s := range c.Shaders {
			if !launched[s] && !slices.Contains(r.Unlaunched, s) {
				r.Unlaunched = append(r.Unlaunched, s)
			}
		}
	}
	slices.Sort(r.Unlaunched)
	r.Passed, r.Seconds = len(r.Failed) == 0, time.Since(start).Seconds()
	return r, nil
}

// oneLine is an error as a report can hold it: validation messages fill pages.
func oneLine(err error) string {
	const most = 600
	text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "trial: ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// err names the kernels that failed; nil where none did.
func (r *selftestReport) err() error {
	var names []string
	for _, k := range r.Kernels {
		if k.Failed > 0 {
			names = append(names, k.Kernel)
		}
	}
	if len(names) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s on %s", r.verdict(), r.Device)
	return fmt.Errorf("%s: %s", text, strings.Join(names, ", "))
}

// verdict is the report in a few words.
func (r *selftestReport) verdict() string {
	cases := 0
	for _, k := range r.Kernels {
		cases += k.Cases
	}
	text := fmt.Sprintf("passed, %d cases", cases-len(r.Skipped))
	if !r.Passed {
		text = fmt.Sprintf("%d of %d cases failed", len(r.Failed), cases)
	}
	if len(r.Skipped) > 0 {
		text += fmt.Sprintf(", %d skipped", len(r.Skipped))
	}
	if r.NotRun > 0 {
		text += fmt.Sprintf(", %d not run", r.NotRun)
	}
	return text
}

// listed is how many failed cases the page has room for.
const listed = 20

// print writes the page.
func (r *selftestReport) print(out io.Writer) error {
	var page strings.Builder
	fmt.Fprintf(&page, "## cyclegan selftest: %s\n\n", r.verdict())
	rows := [][]string{{"device", r.Device}}
	for _, f := range r.Facts {
		rows = append(rows, []string{f.What, f.Is})
	}
	rows = append(rows, []string{"program", fmt.Sprintf("%s, %s, shaders %.12s, seed %d, %.1f s", r.Program, r.Platform, r.Shaders, r.Seed, r.Seconds)})
	markdownTable(&page, rows)

	rows = [][]string{{"kernel", "cases", "passed", "failed", "skipped", "largest error, as a part of its bound"}}
	for _, k := range r.Kernels {
		worst := fmt.Sprintf("%.3f", k.Worst)
		switch {
		case k.Worst == 0 && k.Passed == k.Cases:
			worst = "none"
		case k.Worst == 0:
			worst = "-"
		}
		rows = append(rows, []string{k.Kernel, fmt.Sprint(k.Cases), fmt.Sprint(k.Passed), fmt.Sprint(k.Failed), fmt.Sprint(k.Skipped), worst})
	}
	page.WriteString("\n")
	markdownTable(&page, rows)

	if !r.Passed {
		page.WriteString("\n### Failed\n\n")
		for _, f := range r.Failed[:min(listed, len(r.Failed))] {
			fmt.Fprintf(&page, "- %s, `%s`: %s\n", f.Kernel, f.Case, f.Why)
		}
		if more := len(r.Failed) - listed; more > 0 {
			fmt.Fprintf(&page, "- and %d more, which --json lists\n", more)
		}
	}
	if r.NotRun > 0 {
		fmt.Fprintf(&page, "\nThe device was lost or hung in the last of these: %d cases were not run; --kernel tests one kernel alone.\n", r.NotRun)
	}
	if len(r.Skipped) > 0 {
		page.WriteString("\n### Skipped\n\n")
		counts, reasons := map[caseVerdict]int{}, []caseVerdict{}
		for _, s := range r.Skipped {
			s.Case = ""
			if counts[s]++; counts[s] == 1 {
				reasons = append(reasons, s)
			}
		}
		for _, s := range reasons {
			fmt.Fprintf(&page, "- %s, %d cases: %s\n", s.Kernel, counts[s], s.Why)
		}
	}
	if len(r.Unlaunched) > 0 {
		fmt.Fprintf(&page, "\nNot launched on this device: %s.\n", strings.Join(r.Unlaunched, ", "))
	}
	_, err := io.WriteString(out, page.String())
	return err
}

// markdownTable writes rows, the first as the head, so that they are in line as plain text, too. Columns of numbers go to the right.
func markdownTable(out *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", "/")
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	numbers := len(width) > 2
	for y, row := range rows {
		for i, cell := range row {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if numbers && i > 0 {
				cell = space + cell
			} else {
				cell += space
			}
			fmt.Fprintf(out, "| %s ", cell)
		}
		out.WriteString("|\n")
		if y > 0 {
			continue
		}
		for i, w := range width {
			rule := strings.Repeat("-", w+2)
			if numbers && i > 0 {
				rule = rule[1:] + ":"
			}
			out.WriteString("|" + rule)
		}
		out.WriteString("|\n")
	}
}
