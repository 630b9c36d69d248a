// Each score against values worked out by hand or published elsewhere.

package metrics

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"cyclevk/cyclegan/data"
)

func uniform(w, h int, r, g, b uint8) *data.Image {
	m := data.NewImage(w, h)
	for i := 0; i < len(m.Pix); i += 3 {
		m.Pix[i], m.Pix[i+1], m.Pix[i+2] = r, g, b
	}
	return m
}

func close(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance || math.IsNaN(got) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPSNR(t *testing.T) {
	black, other := uniform(4, 3, 0, 0, 0), uniform(4, 3, 30, 0, 0)
	got, err := PSNR(black, other)
	if err != nil {
		t.Fatal(err)
	}
	close(t, "PSNR", got, 20*math.Log10(255)-10*math.Log10(300), 1e-12) // MSE 900/3
	if got, err = PSNR(black, black); err != nil || !math.IsInf(got, 1) {
		t.Errorf("of equal pictures: %v %v", got, err)
	}
	white := uniform(4, 3, 255, 255, 255)
	mean, err := MeanPSNR([]*data.Image{black, black}, []*data.Image{other, white})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := PSNR(black, other)
	close(t, "mean PSNR", mean, (first+0)/2, 1e-12)
	for _, c := range [][2][]*data.Image{{{black}, {uniform(3, 4, 0, 0, 0)}}, {{black}, {}}, {{}, {}}, {{data.NewImage(0, 0)}, {data.NewImage(0, 0)}}} {
		if _, err := MeanPSNR(c[0], c[1]); err == nil {
			t.Errorf("no error for %v", c)
		}
	}
}

func TestConfusionScores(t *testing.T) {
	c := NewConfusion(4)
	// Class 0: 3 of 4 right, one taken for 1. Class 1: 1 of 2 right, one taken for 3, which
	// has no true pixel. Class 2: 2 of 2.
	if err := c.Add([]uint8{0, 0, 0, 0, 1, 1}, []uint8{0, 0, 0, 1, 1, 3}); err != nil {
		t.Fatal(err)
	}
	if err := c.Add([]uint8{2, 2}, []uint8{2, 2}); err != nil {
		t.Fatal(err)
	}
	want := Scores{PixelAccuracy: 6.0 / 8, ClassAccuracy: (0.75 + 0.5 + 1) / 3, ClassIoU: (3.0/4 + 1.0/3 + 1) / 3}
	if diff := cmp.Diff(want, c.Scores(), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
	per := []ClassScores{{4, 0.75, 0.75}, {2, 0.5, 1.0 / 3}, {2, 1, 1}, {}}
	if diff := cmp.Diff(per, c.PerClass(), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
	if c.Count(1, 3) != 1 || c.Count(3, 1) != 0 {
		t.Error("rows are not the true classes")
	}
	if NewConfusion(2).Scores() != (Scores{}) {
		t.Error("an empty matrix has scores")
	}
	before := c.Scores()
	for _, bad := range [][2][]uint8{{{0}, {}}, {{0, 4}, {0, 0}}, {{0, 0}, {0, 4}}} {
		if c.Add(bad[0], bad[1]) == nil || c.Scores() != before {
			t.Errorf("%v was counted", bad)
		}
	}
}

// TestAffineIsFound recovers a map whose results stay inside 0 to 255 from its own
// output, which was rounded to 8 bits.
func TestAffineIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Affine{}
		for c := range want {
			for j := range 3 {
				want[c][j] = rapid.Float64Range(-0.25, 0.25).Draw(t, "slope")
			}
			want[c][3] = rapid.Float64Range(100, 150).Draw(t, "offset") - 127*(want[c][0]+want[c][1]+want[c][2])
		}
		src := data.NewImage(16, 16)
		for i := range src.Pix {
			src.Pix[i] = uint8(uint32(i+1) * 2654435761 >> 24)
		}
		dst := want.Apply(src)
		got, err := FitAffine([]*data.Image{src}, []*data.Image{dst})
		if err != nil {
			t.Fatal(err)
		}
		again, err := PSNR(got.Apply(src), dst)
		if err != nil || again < 51 { // a mean squared error of half a level
			t.Fatalf("PSNR %v %v", again, err)
		}
		for c := range want {
			for j := range 3 {
				// Rounding by half a level, all of it pointing one way, tilts a slope by
				// E|x| / (2 Var x) = 0.006; the channels are not quite uncorrelated.
				if d := math.Abs(got[c][j] - want[c][j]); d > 0.008 {
					t.Fatalf("coefficient %d,%d is off by %v", c, j, d)
				}
			}
		}
	})
}

// TestAffineIsTheBest: no small change of a coefficient lowers the squared error.
func TestAffineIsTheBest(t *testing.T) {
	src, dst := data.NewImage(20, 20), data.NewImage(20, 20)
	for i := range src.Pix {
		src.Pix[i], dst.Pix[i] = uint8(uint32(i+1)*2654435761>>24), uint8(uint32(i+1)*2246822519>>24)
	}
	best, err := FitAffine([]*data.Image{src}, []*data.Image{dst})
	if err != nil {
		t.Fatal(err)
	}
	loss := func(a Affine) float64 {
		sum := 0.0
		for p := 0; p < len(src.Pix); p += 3 {
			for c, row := range a {
				v := row[3]
				for j := range 3 {
					v += row[j] * float64(src.Pix[p+j])
				}
				sum += (v - float64(dst.Pix[p+c])) * (v - float64(dst.Pix[p+c]))
			}
		}
		return sum
	}
	least := loss(best)
	for c := range best {
		for j := range best[c] {
			for _, step := range []float64{-1e-2, 1e-2} {
				other := best
				other[c][j] += step
				if loss(other) <= least {
					t.Errorf("coefficient %d,%d moved by %v is better", c, j, step)
				}
			}
		}
	}
}

func TestAffineOfOneColour(t *testing.T) {
	src, dst := uniform(4, 4, 10, 20, 30), uniform(4, 4, 200, 100, 0)
	a, err := FitAffine([]*data.Image{src}, []*data.Image{dst})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PSNR(a.Apply(src), dst); err != nil || !math.IsInf(got, 1) {
		t.Errorf("PSNR %v %v: one colour can be mapped exactly", got, err)
	}
	if _, err := FitAffine(nil, nil); err == nil {
		t.Error("a map from no pictures")
	}
}

func TestLab(t *testing.T) {
	for _, c := range []struct {
		rgb  [3]uint8
		want [3]float64 // published conversions, D65
	}{
		{[3]uint8{255, 255, 255}, [3]float64{100, 0, 0}},
		{[3]uint8{0, 0, 0}, [3]float64{0, 0, 0}},
		{[3]uint8{255, 0, 0}, [3]float64{53.24, 80.09, 67.20}},
		{[3]uint8{0, 255, 0}, [3]float64{87.73, -86.18, 83.18}},
		{[3]uint8{0, 0, 255}, [3]float64{32.30, 79.19, -107.86}},
		{[3]uint8{119, 119, 119}, [3]float64{50.03, 0, 0}},
		{[3]uint8{1, 1, 1}, [3]float64{0.27, 0, 0}},
	} {
		got := Lab(c.rgb[0], c.rgb[1], c.rgb[2])
		for i := range got {
			close(t, "Lab", got[i], c.want[i], 0.01)
		}
	}
}

func TestMeanLabAndDeltaE(t *testing.T) {
	got, err := MeanLab([]*data.Image{uniform(2, 2, 255, 255, 255), uniform(9, 9, 0, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	close(t, "mean L", got[0], 50, 1e-4) // each picture weighs the same
	if _, err := MeanLab(nil); err == nil {
		t.Error("a mean of nothing")
	}
	if _, err := MeanLab([]*data.Image{data.NewImage(0, 3)}); err == nil {
		t.Error("a mean of no pixels")
	}
	close(t, "difference", DeltaE([3]float64{1, 2, 3}, [3]float64{4, 6, 15}), 13, 1e-12)
}
