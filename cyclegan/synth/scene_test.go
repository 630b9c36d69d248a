// What the data set promises: scenes that depend on their number alone, labels that agree
// with pictures, and a truth that colour alone cannot give.

package synth

import (
	"bytes"
	"reflect"
	"testing"
)

func TestScenesDependOnTheirNumberAlone(t *testing.T) {
	if !reflect.DeepEqual(NewScene(5, streamTest, 9), NewScene(5, streamTest, 9)) {
		t.Error("the same scene came out differently")
	}
	seen := make(map[string]bool)
	const side = 24
	for seed := range uint64(3) {
		for _, stream := range []uint32{streamTrainA, streamTrainB, streamTest} {
			for id := range uint32(40) {
				seen[string(Render(NewScene(seed, stream, id), A, side).Pix)] = true
			}
		}
	}
	if len(seen) != 3*3*40 {
		t.Errorf("%d different scenes of %d: training sets and test set must share none", len(seen), 3*3*40)
	}
}

func TestEveryClassIsInEveryScene(t *testing.T) {
	for id := range uint32(100) {
		var count [len(classes)]int
		for _, label := range Labels(NewScene(1, streamTest, id), 48) {
			count[label]++
		}
		for label, n := range count {
			if float64(n) < classes[label].least*48*48 {
				t.Errorf("scene %d shows %d pixels of %s", id, n, classes[label].Name)
			}
		}
	}
}

// TestAnySizeIsTheSameScene: the centre of a 3x3 block of pixels is the centre of the one
// pixel in a picture of a third of the size.
func TestAnySizeIsTheSameScene(t *testing.T) {
	for id := range uint32(20) {
		s := NewScene(2, streamTrainA, id)
		for _, size := range []int{16, 33, 64} {
			coarse, fine := Labels(s, size), Labels(s, 3*size)
			for i, label := range coarse {
				if x, y := i%size*3+1, i/size*3+1; fine[y*3*size+x] != label {
					t.Fatalf("scene %d at %d: pixel %d is %d, and %d at three times the size", id, size, i, label, fine[y*3*size+x])
				}
			}
		}
	}
}

// TestTruthIsNoFunctionOfColour looks for pixels of exactly one colour in the one domain
// and far apart in the other, for the pairs of classes that share a colour there.
func TestTruthIsNoFunctionOfColour(t *testing.T) {
	const size = 32
	for _, c := range []struct {
		in, out     Domain
		these, like uint8
	}{
		{A, B, lake, sky},
		{B, A, lake, mountain},
		{B, A, house, tree},
	} {
		colours := make(map[[3]uint8][]uint8) // colour of `like` in one domain: the other's
		for id := range uint32(200) {
			s := NewScene(1, streamTest, id)
			in, out := Render(s, c.in, size), Render(s, c.out, size)
			for i, label := range Labels(s, size) {
				if label == c.like {
					colours[[3]uint8(in.Pix[i*3:])] = out.Pix[i*3 : i*3+3]
				}
			}
		}
		pixels, ambiguous := 0, 0
		for id := range uint32(50) {
			s := NewScene(1, streamTest, id)
			in, out := Render(s, c.in, size), Render(s, c.out, size)
			for i, label := range Labels(s, size) {
				if label != c.these {
					continue
				}
				pixels++
				other, shared := colours[[3]uint8(in.Pix[i*3:])]
				if shared && distance2(other, out.Pix[i*3:]) > 80*80 {
					ambiguous++
				}
			}
		}
		if ambiguous*2 < pixels {
			t.Errorf("%s: only %d of %d pixels have a colour of %s and another truth",
				classes[c.these].Name, ambiguous, pixels, classes[c.like].Name)
		}
	}
}

func distance2(p, q []uint8) int {
	sum := 0
	for c := range 3 {
		d := int(p[c]) - int(q[c])
		sum += d * d
	}
	return sum
}

func TestDomainsShowTheSameScene(t *testing.T) {
	s := NewScene(3, streamTest, 0)
	a, b := Render(s, A, 64), Render(s, B, 64)
	if bytes.Equal(a.Pix, b.Pix) {
		t.Fatal("the domains look alike")
	}
	for i, label := range Labels(s, 64) {
		y := centre(i/64, 64)
		for c := range 3 { // both are the class's colour times one light
			lightA := float64(a.Pix[i*3+c]) / classes[label].A.At(y)[c]
			lightB := float64(b.Pix[i*3+c]) / classes[label].B.At(y)[c]
			slack := 0.5/classes[label].A.At(y)[c] + 0.5/classes[label].B.At(y)[c]
			if clipped := a.Pix[i*3+c] == 255 || b.Pix[i*3+c] == 255; !clipped && abs(lightA-lightB) > slack+1e-9 {
				t.Fatalf("pixel %d: light %.3f by day and %.3f at dusk", i, lightA, lightB)
			}
		}
	}
}
