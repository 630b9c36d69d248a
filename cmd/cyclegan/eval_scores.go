// What the command eval computes from translations, and how it prints it.

package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/metrics"
)

// scores are what eval writes as JSON.
type scores struct {
	Step       int                `json:"step"`
	Directions [2]directionScores `json:"directions"`
}

// directionScores are those of one direction.
type directionScores struct {
	Direction string         `json:"direction"`
	Pictures  int            `json:"pictures"`
	Pairs     int            `json:"pairs"`
	Outputs   []outputScores `json:"outputs"` // the model's, then the baselines'; none without pairs
	Classes   []classScores  `json:"classes,omitempty"`
	Colour    colourScores   `json:"colour"`
}

// outputScores hold one way to get from A to B against the truth.
type outputScores struct {
	Name    string          `json:"name"`
	PSNR    decibel         `json:"psnr_db"`
	Classes *metrics.Scores `json:"classes,omitempty"`
}

// classScores say what became of the pixels of one class. Classes that look alike in the target domain are one.
type classScores struct {
	Name     string  `json:"name"`
	Share    float64 `json:"share"` // of all pixels
	Accuracy float64 `json:"accuracy"`
	IoU      float64 `json:"iou"`
	TakenFor string  `json:"mostly_taken_for"`
}

// colourScores are distances of mean colours, CIE 1976 ΔE.
type colourScores struct {
	Before    float64 `json:"delta_e_before"` // of the source domain to the target domain
	After     float64 `json:"delta_e_after"`  // of the translations to the target domain
	Reduction float64 `json:"reduction_percent"`
}

// decibel is a PSNR; infinite, which JSON cannot say and becomes null, for equal pictures.
type decibel float64

func (d decibel) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(d), 0) {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%.4f", float64(d)), nil
}

func (e *evaluation) score() (*scores, error) {
	s := &scores{}
	for i, d := range e.directions {
		var classifier *metrics.Classifier
		if e.classes != nil {
			classifier = metrics.NewClassifier(e.classes, d.target.domain)
		}
		one, err := d.score(classifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		s.Directions[i] = *one
	}
	return s, nil
}

func (d *testDirection) score(classifier *metrics.Classifier) (*directionScores, error) {
	s := &directionScores{Direction: d.name, Pictures: len(d.source.pictures), Pairs: len(d.pairs)}
	var err error
	if s.Colour, err = d.colour(); err != nil || len(d.pairs) == 0 {
		return s, err
	}
	var input, output, truth []*data.Image
	var labels [][]uint8
	for _, p := range d.pairs {
		input, output, truth = append(input, d.source.pictures[p[0]]), append(output, d.translated[p[0]]), append(truth, d.target.pictures[p[1]])
		if classifier != nil {
			labels = append(labels, classifier.Merge(d.labels[p[0]]))
		}
	}
	affine, err := metrics.FitAffine(input, truth)
	if err != nil {
		return nil, err
	}
	mapped := make([]*data.Image, len(input))
	for i, m := range input {
		mapped[i] = affine.Apply(m)
	}
	for _, o := range []struct {
		name     string
		pictures []*data.Image
	}{{"model", output}, {"output = input", input}, {"best affine colour map", mapped}} {
		psnr, err := metrics.MeanPSNR(o.pictures, truth)
		if err != nil {
			return nil, err
		}
		scored := outputScores{Name: o.name, PSNR: decibel(psnr)}
		if classifier != nil {
			confusion, err := confusionOf(classifier, o.pictures, labels)
			if err != nil {
				return nil, err
			}
			total := confusion.Scores()
			scored.Classes = &total
			if len(s.Outputs) == 0 {
				s.Classes = perClass(confusion, classifier.Names())
			}
		}
		s.Outputs = append(s.Outputs, scored)
	}
	return s, nil
}

// colour compares the mean colours of the source domain, its translations and the target domain.
func (d *testDirection) colour() (s colourScores, err error) {
	var lab [3][3]float64
	for i, set := range [][]*data.Image{d.source.pictures, d.translated, d.target.pictures} {
		if lab[i], err = metrics.MeanLab(set); err != nil {
			return s, err
		}
	}
	s.Before, s.After = metrics.DeltaE(lab[0], lab[2]), metrics.DeltaE(lab[1], lab[2])
	if s.Before > 0 {
		s.Reduction = 100 * (1 - s.After/s.Before)
	}
	return s, nil
}

func confusionOf(classifier *metrics.Classifier, pictures []*data.Image, labels [][]uint8) (*metrics.Confusion, error) {
	confusion := metrics.NewConfusion(len(classifier.Names()))
	for i, m := range pictures {
		if err := confusion.Add(labels[i], classifier.Classify(m)); err != nil {
			return nil, err
		}
	}
	return confusion, nil
}

// perClass lists the classes with what the most of their pixels were taken for.
func perClass(confusion *metrics.Confusion, names []string) []classScores {
	list := make([]classScores, len(names))
	var total int64
	for i, s := range confusion.PerClass() {
		most := 0
		for j := range names {
			if confusion.Count(i, j) > confusion.Count(i, most) {
				most = j
			}
		}
		total += s.Pixels
		list[i] = classScores{Name: names[i], Share: float64(s.Pixels), Accuracy: s.Accuracy, IoU: s.IoU, TakenFor: names[most]}
	}
	for i := range list {
		list[i].Share /= float64(total)
	}
	return list
}

// print writes the scores as tables.
func (s *scores) print(out io.Writer) error {
	fmt.Fprintf(out, "model after %d steps\n", s.Step)
	for _, d := range s.Directions {
		fmt.Fprintln(out)
		if err := d.print(out); err != nil {
			return err
		}
	}
	return nil
}

func (d *directionScores) print(out io.Writer) error {
	fmt.Fprintf(out, "%s: %d pictures, %d pairs\n", d.Direction, d.Pictures, d.Pairs)
	fmt.Fprintf(out, "mean colour: ΔE to the target domain %.1f before, %.1f after (%+.0f %%)\n", d.Colour.Before, d.Colour.After, -d.Colour.Reduction)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, value func(outputScores) any) {
		fmt.Fprint(w, name)
		for _, o := range d.Outputs {
			fmt.Fprintf(w, "\t"+format, value(o))
		}
		fmt.Fprintln(w)
	}
	if len(d.Outputs) > 0 {
		row("", "%s", func(o outputScores) any { return o.Name })
		row("PSNR to the truth, dB", "%.2f", func(o outputScores) any { return o.PSNR })
		if d.Outputs[0].Classes != nil {
			row("pixel accuracy", "%.3f", func(o outputScores) any { return o.Classes.PixelAccuracy })
			row("class accuracy", "%.3f", func(o outputScores) any { return o.Classes.ClassAccuracy })
			row("class IoU", "%.3f", func(o outputScores) any { return o.Classes.ClassIoU })
		}
	}
	if err := w.Flush(); err != nil || len(d.Classes) == 0 {
		return err
	}
	fmt.Fprintln(w, "class\tof all pixels\taccuracy\tIoU\tmostly taken for")
	for _, c := range d.Classes {
		fmt.Fprintf(w, "%s\t%.1f %%\t%.3f\t%.3f\t%s\n", c.Name, 100*c.Share, c.Accuracy, c.IoU, c.TakenFor)
	}
	return w.Flush()
}
