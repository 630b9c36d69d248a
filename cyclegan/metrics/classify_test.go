// The classifier and the baselines on the synthetic set itself.

package metrics

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/synth"
)

func manifest() *synth.Manifest { return &synth.Manifest{Classes: synth.Classes()} }

func TestTruthScoresFull(t *testing.T) {
	names := map[synth.Domain][]string{
		synth.A: {"sky+lake", "mountain", "meadow", "tree", "house", "sun"},
		synth.B: {"sky", "mountain+lake", "meadow", "tree+house", "sun"},
	}
	for d, want := range names {
		c := NewClassifier(manifest(), d)
		if diff := cmp.Diff(want, c.Names()); diff != "" {
			t.Error(diff)
		}
		confusion := NewConfusion(len(want))
		for id := range uint32(100) {
			s := synth.NewScene(4, 0, id)
			if err := confusion.Add(c.Merge(synth.Labels(s, 32)), c.Classify(synth.Render(s, d, 32))); err != nil {
				t.Fatal(err)
			}
		}
		if got := confusion.Scores(); got != (Scores{1, 1, 1}) {
			t.Errorf("domain %d: the truth itself scores %+v", d, got)
		}
	}
}

func TestUntranslatedPicturesScoreLow(t *testing.T) {
	c := NewClassifier(manifest(), synth.B)
	confusion := NewConfusion(len(c.Names()))
	for id := range uint32(20) {
		s := synth.NewScene(4, 0, id)
		if err := confusion.Add(c.Merge(synth.Labels(s, 32)), c.Classify(synth.Render(s, synth.A, 32))); err != nil {
			t.Fatal(err)
		}
	}
	if got := confusion.Scores().ClassIoU; got > 0.35 {
		t.Errorf("the input scores a class IoU of %.2f as if it were a translation", got)
	}
}

func TestUnknownLabelIsRefused(t *testing.T) {
	c := NewClassifier(manifest(), synth.A)
	if NewConfusion(len(c.Names())).Add(c.Merge([]uint8{99}), []uint8{0}) == nil {
		t.Error("label 99 was counted")
	}
}

// TestColourAloneDoesNotGiveTheTruth holds the set to its purpose: output = input is far
// from the truth, and the best affine colour map, fitted on the very pairs that it is
// scored on, stays far from it too.
func TestColourAloneDoesNotGiveTheTruth(t *testing.T) {
	sets := map[synth.Domain][]*data.Image{}
	for id := range uint32(60) {
		s := synth.NewScene(1, 2, id)
		for _, d := range []synth.Domain{synth.A, synth.B} {
			sets[d] = append(sets[d], synth.Render(s, d, 32))
		}
	}
	input, err := MeanPSNR(sets[synth.A], sets[synth.B])
	if err != nil {
		t.Fatal(err)
	}
	if input > 12 {
		t.Errorf("output = input already has %.1f dB", input)
	}
	for _, d := range []synth.Domain{synth.A, synth.B} {
		src, dst := sets[d], sets[synth.B-d]
		fit, err := FitAffine(src, dst)
		if err != nil {
			t.Fatal(err)
		}
		var mapped []*data.Image
		for _, m := range src {
			mapped = append(mapped, fit.Apply(m))
		}
		got, err := MeanPSNR(mapped, dst)
		if err != nil {
			t.Fatal(err)
		}
		if got <= input || got > 16.5 {
			t.Errorf("from domain %d the affine map has %.1f dB, output = input %.1f", d, got, input)
		}
	}
}
