// What the losses rest on that needs no device: derivatives against central differences, the cut into stretches, names.

package kernels

import (
	"math"
	"testing"
)

// derivativeFault compares an analytic derivative with the central difference of f at x, in float64.
func derivativeFault(f func(x float64) (value, slope float64), x float64) (got, want float64, ok bool) {
	h := 1e-6 * max(1, math.Abs(x))
	up, _ := f(x + h)
	down, _ := f(x - h)
	_, got = f(x)
	want = (up - down) / (2 * h)
	return got, want, math.Abs(got-want) <= 1e-6*math.Abs(want)+1e-9
}

func TestLossReferencesAreDerivatives(t *testing.T) {
	points := []float64{-30, -4.2, -1, -0.3, -1e-3, 0.2, 0.9, 1.5, 7, 30} // no kink within 10 h
	for _, x := range points {
		f := func(x float64) (float64, float64) { return l1Reference(x, 0.1) }
		if got, want, ok := derivativeFault(f, x); !ok {
			t.Errorf("l1 at %g: derivative %g, central difference %g", x, got, want)
		}
		for mode := range GANMode(len(ganModes)) {
			for _, real := range []bool{false, true} {
				f := func(x float64) (float64, float64) { return ganReference(mode, x, real) }
				if got, want, ok := derivativeFault(f, x); !ok {
					t.Errorf("%v at %g, real %v: derivative %g, central difference %g", mode, x, real, got, want)
				}
			}
		}
	}
	if value, slope := l1Reference(0.5, 0.5); value != 0 || slope != 0 {
		t.Errorf("l1 of equal numbers: %g with slope %g, want 0 and 0", value, slope)
	}
}

// The min-max and the non-saturating form pull the same way, and agree where the discriminator is undecided.
func TestVanillaForms(t *testing.T) {
	for _, x := range []float64{-20, -1, 0, 1, 20} {
		_, a := ganReference(Vanilla, x, true)
		_, b := ganReference(VanillaMinMax, x, true)
		if a >= 0 || b >= 0 || x == 0 && a != b {
			t.Errorf("at %g: slopes %g and %g", x, a, b)
		}
	}
	if value, _ := ganReference(Vanilla, 0, true); math.Abs(value-math.Ln2) > 1e-15 {
		t.Errorf("cross entropy of an undecided logit is %g, want ln 2", value)
	}
}

func TestStretchesCoverEverySize(t *testing.T) {
	for _, size := range []int{1, 64, oneStretch, oneStretch + 1, 5000, minStretch * maxPartials, minStretch*maxPartials + 1, 3 << 24} {
		count, length := stretches(size)
		if count > maxPartials || count*length < size || (count-1)*length >= size {
			t.Errorf("%d vec4: %d stretches of %d", size, count, length)
		}
	}
}

func TestGANModeNames(t *testing.T) {
	for name, want := range map[string]GANMode{"lsgan": LSGAN, "vanilla": Vanilla, "wgangp": WGANGP, "vanilla_minmax": VanillaMinMax} {
		if got, err := ParseGANMode(name); err != nil || got != want || got.String() != name {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := ParseGANMode("hinge"); err == nil {
		t.Error("hinge is no mode, and was taken for one")
	}
}
