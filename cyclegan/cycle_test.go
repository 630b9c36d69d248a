// There and back against the two generators run one by one.

package cyclegan

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/vk/vktest"
)

func TestCycle(t *testing.T) {
	dev := vktest.Device(t)
	c := &Checkpoint{Info: Info{Config: tiny()}, Nets: map[string]NetState{}}
	random := rand.New(rand.NewPCG(3, 4))
	for _, net := range []string{"G_A", "G_B"} {
		c.Nets[net] = NetState{Weights: lively(exported(t, c.Config, net).Params, random)}
	}
	for direction, nets := range map[string][2]string{"AtoB": {"G_A", "G_B"}, "BtoA": {"G_B", "G_A"}} {
		cycle, err := NewCycle(dev, c, direction)
		if err != nil {
			t.Fatal(err)
		}
		defer cycle.Close()
		translator, err := NewTranslator(dev, c, direction)
		if err != nil {
			t.Fatal(err)
		}
		defer translator.Close()
		for _, size := range [][2]int{{16, 12}, {5, 17}, {16, 12}} { // H, W
			h, w := size[0], size[1]
			x := data.NewImage(w, h)
			for i := range x.Pix {
				x.Pix[i] = uint8(random.IntN(256))
			}
			fake, rec, err := cycle.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := translator.Translate(x); err != nil || !bytes.Equal(want.Pix, fake.Pix) {
				t.Errorf("%s %dx%d: the translation is not Translate's (%v)", direction, w, h, err)
			}
			checkInTurn(t, cycle, x, fake, rec)
			if w%4+h%4 > 0 {
				if rec.W != w || rec.H != h {
					t.Errorf("%s %dx%d: the reconstruction is %dx%d", direction, w, h, rec.W, rec.H)
				}
				continue
			}
			y := planes(x)
			for _, net := range nets {
				y = generate(t, dev, exported(t, c.Config, net), c.Nets[net].Weights, y, [3]int{1, h, w})
			}
			far, differ := 0, false
			for i, v := range rec.Pix {
				at := i%3*h*w + i/3
				level := min(max(int((y[at]+1)/2*255), 0), 255)
				far = max(far, max(level-int(v), int(v)-level))
				differ = differ || v != fake.Pix[i]
			}
			if far > 1 || !differ {
				t.Errorf("%s %dx%d: the reconstruction is %d of 255 from the second generator's output, and differs from the first's: %v", direction, w, h, far, differ)
			}
		}
	}
}

// checkInTurn runs a cycle once more with too little memory for both generators at once.
func checkInTurn(t *testing.T, cycle *Cycle, x, fake, rec *data.Image) {
	t.Helper()
	need, err := cycle.program.Plan()
	if err != nil {
		t.Fatal(err)
	}
	used, _ := cycle.dev.Allocated()
	with := *cycle
	with.program, with.shape, with.MaxMemory = nil, shape{}, used+need-1
	f, r, err := with.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	if with.program != nil {
		with.program.Free()
		t.Fatal("the program for both fits into so little memory")
	}
	for i := range fake.Pix {
		if d := int(f.Pix[i]) - int(fake.Pix[i]); d < -1 || d > 1 {
			t.Fatalf("one generator after the other: sample %d of the translation is %d, not %d", i, f.Pix[i], fake.Pix[i])
		}
		if d := int(r.Pix[i]) - int(rec.Pix[i]); d < -1 || d > 1 {
			t.Fatalf("one generator after the other: sample %d of the reconstruction is %d, not %d", i, r.Pix[i], rec.Pix[i])
		}
	}
}

// planes is a picture as a network takes it, in the order [C,H,W].
func planes(m *data.Image) []float32 {
	out := make([]float32, len(m.Pix))
	for i, v := range m.Pix {
		out[i%3*m.W*m.H+i/3] = (float32(v)/255 - 0.5) / 0.5
	}
	return out
}
