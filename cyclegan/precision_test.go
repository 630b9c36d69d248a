// Training and translation in 16 bits: exact where it has to be, close to fp32 where it cannot, and unharmed by overflows.

package cyclegan

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// halfModes are tiny configurations in 16 bits.
func halfModes() (list []Config) {
	for _, precision := range []string{"fp16", "bf16"} {
		c := tiny()
		c.Precision = precision
		list = append(list, c)
	}
	list[1].Norm, list[1].NoDropout, list[1].Accumulate, list[1].LowMemory = NormBatch, false, 2, true
	return list
}

// setScale puts a loss scale in place of what a trainer began with.
func setScale(t *testing.T, tr *Trainer, s kernels.ScaleState) {
	t.Helper()
	tr.scaling = s
	if err := tr.dev.Write(tr.scale.All(), s.Encode()); err != nil {
		t.Fatal(err)
	}
}

// tooLarge is a scale with which the first steps in fp16 overflow: an L1 gradient of 10 / 768 times it is over 65504.
var tooLargeScale = kernels.ScaleState{Scale: 1 << 24, Good: 5}

// TestPrecisionRestore: a run that is saved and restored, in the middle of skipped steps and after them, is the run that was not,
// bit for bit.
func TestPrecisionRestore(t *testing.T) {
	dev := vktest.Device(t)
	for _, config := range halfModes() {
		t.Run(config.Precision, func(t *testing.T) {
			tr := startTrainer(t, dev, config, nil)
			defer func() { tr.Close() }()
			if config.Precision == "fp16" {
				setScale(t, tr, tooLargeScale)
			}
			train(t, tr, 14)
			want, err := tr.Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			whole := train(t, tr, 0)
			if s := want.LossScale; config.Precision == "fp16" && (s.Skipped < 3 || s.Skipped > 12 || s.Scale != float32(math.Ldexp(1<<24, -int(s.Skipped)))) {
				t.Errorf("a loss scale of %+v after 14 steps from %+v", s, tooLargeScale)
			} else if config.Precision == "bf16" && *s != (kernels.ScaleState{Scale: 1, Good: 14}) {
				t.Errorf("a loss scale of %+v after 14 steps", s)
			}

			tr.Close()
			tr = startTrainer(t, dev, config, nil)
			if config.Precision == "fp16" {
				setScale(t, tr, tooLargeScale)
			}
			var got []byte
			for _, steps := range []int{1, 2, 6, 5} {
				got = train(t, tr, steps)
				path := filepath.Join(t.TempDir(), FileName(tr.Steps()))
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
				c, err := Load(filepath.Dir(path))
				if err != nil {
					t.Fatal(err)
				}
				tr.Close()
				tr = startTrainer(t, dev, c.Config, c)
			}
			if !bytes.Equal(got, whole) {
				t.Error("a run that was saved and restored differs from one that was not")
			}
		})
	}
}

// TestSkippedSteps: an overflow leaves weights and moments as they are, is reported, and does not count for Adam, whose first step
// moves a weight by the learning rate whatever its gradient. The copy in 16 bits is that of the weights.
func TestSkippedSteps(t *testing.T) {
	dev := vktest.Device(t)
	config := tiny()
	config.Precision = "fp16"
	tr := startTrainer(t, dev, config, nil)
	defer tr.Close()
	setScale(t, tr, tooLargeScale)
	before, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	const lr = 1e-3
	skipped := 0
	for moved := false; !moved; {
		if _, err := tr.Step(randomBatch(config, uint64(tr.Steps())), lr); err != nil {
			t.Fatal(err)
		}
		results, err := tr.Drain()
		if err != nil || len(results) != 1 {
			t.Fatalf("%d results, %v", len(results), err)
		}
		r := results[0]
		missed := int(r.Scaling.Skipped) > skipped
		after, err := tr.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		for net, was := range before.Nets {
			is := after.Nets[net]
			for name, w := range was.Weights {
				largest := 0.0
				for i, x := range w {
					largest = max(largest, math.Abs(float64(is.Weights[name][i]-x)))
				}
				if missed && (largest > 0 || !allZero(is.M[name]) || !allZero(is.V[name])) {
					t.Fatalf("step %d was skipped, and moved %s.%s by %g", r.Step, net, name, largest)
				}
				if !missed && largest > 0 && math.Abs(largest/lr-1) > 1e-3 {
					t.Errorf("the first step that counts moves %s.%s by %g times the learning rate", net, name, largest/lr)
				}
			}
		}
		if moved = !missed; missed {
			skipped++
		}
		if want := (kernels.ScaleState{Scale: float32(math.Ldexp(1<<24, -skipped)), Skipped: uint32(skipped)}); !moved && r.Scaling != want {
			t.Fatalf("step %d: %+v, want %+v", r.Step, r.Scaling, want)
		}
		if skipped > 12 {
			t.Fatal("no scale fits")
		}
	}
	if skipped < 2 {
		t.Errorf("%d steps skipped", skipped)
	}
	for _, ps := range tr.networks() {
		w, err := ps.read(dev, ps.Weights)
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, ps.Half.Size)
		if err := dev.Read(ps.Half.All(), half); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(half, kernels.Float16.Encode(bytesFloats(w))) {
			t.Errorf("%s: the copy in fp16 is not that of the weights", ps.Net)
		}
	}
}

func allZero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// TestHalfVerdicts: what ends a training in 16 bits and what does not.
func TestHalfVerdicts(t *testing.T) {
	c := halfModes()[0]
	m, err := newModel(vktest.Device(t), c, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set  []int
		ends string
	}{
		"healthy":   {},
		"overflow":  {set: []int{guardNetworks + 1}}, // which skips the step
		"loss":      {set: []int{guardLosses}, ends: "step 9: loss "},
		"both":      {set: []int{guardLosses, guardNetworks}, ends: "step 9: gradient of G_A."},
		"exhausted": {set: []int{guardEnd, guardNetworks + 2}, ends: "step 9: gradient of D_A."},
	} {
		words := make([]byte, m.guardBytes())
		for _, i := range c.set {
			copy(words[i*vk.Alignment:], []byte{0xff, 0xff, 0xff, 0xff})
		}
		err := m.verdict(words, 9)
		if (err != nil) != (c.ends != "") || err != nil && (!errors.Is(err, ErrNotFinite) ||
			!strings.HasPrefix(err.Error(), c.ends) || !strings.Contains(err.Error(), "--precision bf16")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBrokenHalves: weights that the first step makes enormous end a training in 16 bits, too, and the first step can be saved.
func TestBrokenHalves(t *testing.T) {
	dev := vktest.Device(t)
	for _, config := range halfModes() {
		tr := startTrainer(t, dev, config, nil)
		var err error
		for i := uint64(0); i < 40 && err == nil; i++ {
			_, err = tr.Step(randomBatch(config, i), 1e30)
		}
		if !errors.Is(err, ErrNotFinite) {
			t.Errorf("%s: a learning rate of 1e30: %v", config.Precision, err)
		}
		c, err := tr.Checkpoint()
		if err == nil {
			_, err = (&RunFolder{Path: t.TempDir()}).Save(c)
		}
		if err != nil {
			t.Errorf("%s: %v", config.Precision, err)
		}
		tr.Close()
	}
}

// TestPrecisionIsClose holds gradients of a first step and a translation in 16 bits against fp32. How far they may be follows from
// what fp32 itself is away from float64, measured on PyTorch: 2e-6 in discriminators, which grows with the unit roundoff; and 4e-3 in
// generators, which grows with its root, since what moves them is that kinks of L1 and ReLU flip, and so many more do. In a picture, each
// layer adds its rounding twice, before its norm and after.
func TestPrecisionIsClose(t *testing.T) {
	dev := vktest.Device(t)
	var exact map[string][]float64
	var exactPicture *data.Image
	for _, precision := range []string{"fp32", "fp16", "bf16"} {
		unit := map[string]float64{"fp16": 0x1p-11, "bf16": 0x1p-8}[precision]
		config := tiny()
		config.CropSize, config.NetG, config.Precision = 32, "resnet_3blocks", precision
		tr := startTrainer(t, dev, config, nil)
		if g := firstGradients(t, tr); precision == "fp32" {
			exact = g
		} else {
			nearGradients(t, tr, g, exact, unit)
		}
		c, err := tr.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		tr.Close()
		e, err := kernels.ParseElement(precision)
		if err != nil {
			t.Fatal(err)
		}
		c.Nets["G_A"] = NetState{Weights: tr.GA.Params.InitState(3, InitNormal, 0.1)}
		translator, err := NewTranslatorIn(dev, c, "AtoB", e)
		if err != nil {
			t.Fatal(err)
		}
		x := data.Format{C: 3, Bits: 16}.NewImage(36, 28)
		for i := range x.Pix {
			x.Pix[i] = uint8(i * i >> 3)
		}
		y, err := translator.Translate(x)
		translator.Close()
		if err != nil {
			t.Fatal(err)
		}
		if precision == "fp32" {
			exactPicture = y
			continue
		}
		var d []float64
		for i := 0; i < len(y.Pix); i += 2 {
			v := float64(int(y.Pix[i])|int(y.Pix[i+1])<<8) - float64(int(exactPicture.Pix[i])|int(exactPicture.Pix[i+1])<<8)
			d = append(d, v/math.MaxUint16)
		}
		const layers = 12
		if off, bound := norm(d)/math.Sqrt(float64(len(d))), 0.5*unit*math.Sqrt(2*layers); !(off <= bound) {
			t.Errorf("%s: a picture is off by %.5f, at most %.5f", precision, off, bound)
		}
	}
}

// firstGradients takes the first step and returns the gradients of each network.
func firstGradients(t *testing.T, tr *Trainer) map[string][]float64 {
	t.Helper()
	if _, err := tr.Step(randomBatch(tr.Config, 3), tr.Config.LR); err != nil {
		t.Fatal(err)
	}
	results, err := tr.Drain()
	if err != nil {
		t.Fatal(err)
	}
	scale := 1.0
	if results[0].Scaling.Scale > 0 {
		scale = float64(results[0].Scaling.Scale)
	}
	gradients := map[string][]float64{}
	for _, ps := range tr.networks() {
		raw, err := ps.read(tr.dev, ps.Grads)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range bytesFloats(raw) {
			gradients[ps.Net] = append(gradients[ps.Net], float64(x)/scale)
		}
	}
	return gradients
}

// nearGradients holds those of a step by a unit roundoff against those of fp32, see TestPrecisionIsClose.
func nearGradients(t *testing.T, tr *Trainer, got, exact map[string][]float64, unit float64) {
	t.Helper()
	for net, g := range got {
		d := make([]float64, len(g))
		for i := range d {
			d[i] = g[i] - exact[net][i]
		}
		bound := 4e-3 * math.Sqrt(unit/kernels.U)
		if net == tr.DA.Params.Net || net == tr.DB.Params.Net {
			bound = 2e-6 * unit / kernels.U
		}
		off := norm(d) / norm(exact[net])
		if !(off <= bound) {
			t.Errorf("%s: the gradient of %s is off by %.4f, at most %.4f", tr.Config.Precision, net, off, bound)
		}
		t.Logf("%s, winograd %v: the gradient of %s is off by %.4f of at most %.4f", tr.Config.Precision, tr.Config.Winograd, net, off, bound)
	}
}

// TestPrecisionOfEveryNetwork plans a step of every kind of network and loss in 16 bits: no kernel meets tensors of two types.
func TestPrecisionOfEveryNetwork(t *testing.T) {
	dev := vktest.Device(t)
	for _, change := range []func(c *Config){
		func(c *Config) { c.NetG, c.CropSize, c.NoDropout = "unet_32", 32, false },
		func(c *Config) { c.Upsample, c.Norm = UpsampleResize, NormBatch },
		func(c *Config) { c.Norm, c.NetD, c.GANMode = NormNone, "pixel", "wgangp" },
		func(c *Config) { c.CycleLoss, c.Accumulate, c.BatchSize, c.GANMode = "gan", 2, 3, "vanilla" },
		func(c *Config) { c.NetG, c.LowMemory = "resnet_4blocks", true },
		func(c *Config) { c.InputNC, c.OutputNC, c.LambdaIdentity, c.Bits = 1, 4, 0, 16 },
		func(c *Config) { c.LambdaA, c.LambdaB, c.PoolSize, c.Height, c.Width = 0, 0, 0, 24, 16 },
	} {
		c := tiny()
		c.Precision = "fp16"
		change(&c)
		half, err := NewTrainer(dev, c)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		c.Precision = "fp32"
		full, err := NewTrainer(dev, c)
		if err != nil {
			t.Fatal(err)
		}
		less, errLess := half.step.Temporaries().Bytes()
		more, errMore := full.step.Temporaries().Bytes()
		if err := errors.Join(errLess, errMore); err != nil || float64(less) > 0.7*float64(more) {
			t.Errorf("%+v: temporaries of %d bytes, %d in fp32, %v", c, less, more, err)
		}
	}
}
