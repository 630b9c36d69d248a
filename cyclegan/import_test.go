// Weights that move: out of a checkpoint into files and back to the bit, and what is said of files that do not fit.

package cyclegan

import (
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan/atomicfile"
)

// importConfig is a small training with options that differ from the defaults.
func importConfig(netG, netD, norm string) Config {
	c := DefaultConfig()
	c.NetG, c.NetD, c.Norm, c.NGF, c.NDF, c.CropSize, c.LayersD = netG, netD, norm, 3, 5, 64, 2
	return c
}

// drawnCheckpoint is a checkpoint of random weights, without a device.
func drawnCheckpoint(t *testing.T, config Config) *Checkpoint {
	t.Helper()
	c := &Checkpoint{Info: Info{Config: config, Step: 7}, Nets: map[string]NetState{}, Path: "drawn"}
	for i, net := range NetNames {
		n, err := config.network(net)
		if err != nil {
			t.Fatal(err)
		}
		c.Nets[net] = NetState{Weights: hashedState(n.Params, uint32(i))}
	}
	return c
}

// writers are the formats by their extensions.
var writers = map[string]func(*Checkpoint, io.Writer, string) error{".pth": (*Checkpoint).WritePTH, ".safetensors": (*Checkpoint).WriteSafetensors}

// exportTo writes networks of a checkpoint as EPOCH_net_NET.
func exportTo(t *testing.T, c *Checkpoint, folder, epoch, extension string, nets ...string) {
	t.Helper()
	for _, net := range nets {
		path := filepath.Join(folder, epoch+"_net_"+net+extension)
		if err := atomicfile.Write(path, func(w io.Writer) error { return writers[extension](c, w, net) }); err != nil {
			t.Fatal(err)
		}
	}
}

func sameState(a, b State) bool {
	return maps.EqualFunc(a, b, func(v, w []float32) bool {
		return slices.EqualFunc(v, w, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	})
}

// Every network goes out and comes back to the bit, and with it the options that name it.
func TestExportAndImport(t *testing.T) {
	for _, want := range []Config{
		importConfig("resnet_2blocks", "basic", NormInstance),
		importConfig("resnet_1blocks", "pixel", NormBatch),
		importConfig("unet_64", "n_layers", NormBatch),
		importConfig("unet_32", "pixel", NormNone),
		importConfig("resnet_3blocks", "n_layers", NormNone),
	} {
		if want.NetD == "basic" {
			want.LayersD = 3
		}
		c := drawnCheckpoint(t, want)
		for extension := range writers {
			folder := t.TempDir()
			exportTo(t, c, folder, Latest, extension, NetNames...)
			got, err := LoadModel(folder, Wanted{Nets: NetNames})
			if err != nil {
				t.Fatal(err)
			}
			g := got.Config
			if g.NetG != want.NetG || g.NGF != want.NGF || g.NDF != want.NDF || g.Norm != want.Norm || (g.NetD == netPixel) != (want.NetD == netPixel) ||
				g.NetD != netPixel && g.LayersD != want.LayersD {
				t.Errorf("%+v came back as %+v", want, g)
			}
			for _, net := range NetNames {
				if !sameState(got.Nets[net].Weights, c.Nets[net].Weights) {
					t.Errorf("%s %s %s: %s is not the same to the bit", want.NetG, want.Norm, extension, net)
				}
			}
		}
	}
}

// Which generator a model is, by the names of files and by what is wanted.
func TestModelsByName(t *testing.T) {
	c := drawnCheckpoint(t, importConfig("resnet_1blocks", "basic", NormInstance))
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	for _, sub := range []string{"all", "single", "one", "empty", "mixed"} {
		if err := os.Mkdir(at(sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	exportTo(t, c, at("all"), Latest, ".pth", NetNames...)
	exportTo(t, c, at("all"), "5", ".pth", "G_A", "G_B")
	exportTo(t, c, at("one"), Latest, ".pth", "G_B")
	exportTo(t, c, at("mixed"), Latest, ".pth", "G_A")
	exportTo(t, drawnCheckpoint(t, importConfig("resnet_2blocks", "basic", NormInstance)), at("mixed"), Latest, ".pth", "G_B")
	for from, to := range map[string]string{"all/latest_net_G_A.pth": "single/latest_net_G.pth", "all/latest_net_D_A.pth": "single/critic.pth"} {
		raw, err := os.ReadFile(at(from))
		if err == nil {
			err = os.WriteFile(at(to), raw, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	both := []string{"G_A", "G_B"}
	for _, m := range []struct {
		path  string
		want  Wanted
		nets  string // that the model has; "" for an error
		error string
	}{
		{"all", Wanted{Nets: []string{"G_A"}}, "G_A", ""},
		{"all", Wanted{Nets: []string{"G_B"}}, "G_B", ""},
		{"all", Wanted{Nets: both}, "G_A,G_B", ""},
		{"all", Wanted{}, "G_A,G_B,D_A,D_B", ""},
		{"all", Wanted{Epoch: "5", Nets: both}, "G_A,G_B", ""},
		{"all", Wanted{Epoch: "6", Nets: both}, "", "6"},
		{"all", Wanted{Epoch: "best", Nets: both}, "", "--epoch best"},
		{"all/latest_net_G_A.pth", Wanted{Nets: []string{"G_A"}}, "G_A", ""},
		{"all/latest_net_G_A.pth", Wanted{Nets: []string{"G_B"}}, "", "by its name this is G_A and G_B is needed"},
		{"all/latest_net_G_A.pth", Wanted{Nets: both}, "", "has no G_B"},
		{"all/latest_net_G_A.pth", Wanted{Epoch: "5"}, "", "name its folder"},
		{"all/latest_net_D_A.pth", Wanted{Nets: []string{"G_A"}}, "", "by its name this is D_A"},
		{"single", Wanted{Nets: []string{"G_A"}}, "G_A", ""},
		{"single", Wanted{Nets: []string{"G_B"}}, "G_B", ""},
		{"single/latest_net_G.pth", Wanted{Nets: []string{"G_B"}}, "G_B", ""},
		{"single/critic.pth", Wanted{Nets: []string{"G_A"}}, "", "expected a network for G_A, found a n_layers discriminator"},
		{"one", Wanted{Nets: []string{"G_A"}}, "", "has no G_A"},
		{"mixed", Wanted{Nets: both}, "", "does not go with"},
		{"empty", Wanted{}, "", "no checkpoint"},
		{"none", Wanted{}, "", "none"},
	} {
		got, err := LoadModel(at(m.path), m.want)
		switch {
		case m.nets == "" && (err == nil || !strings.Contains(err.Error(), m.error)):
			t.Errorf("%s, %+v: %v does not say %q", m.path, m.want, err, m.error)
		case m.nets != "" && err != nil:
			t.Errorf("%s, %+v: %v", m.path, m.want, err)
		case m.nets != "" && strings.Join(got.Networks(), ",") != m.nets:
			t.Errorf("%s, %+v: has %v, want %s", m.path, m.want, got.Networks(), m.nets)
		}
	}
}

// A training starts from the official files where all four are there, and only where there is no checkpoint of its own.
func TestLoadOfficial(t *testing.T) {
	c := drawnCheckpoint(t, importConfig("resnet_1blocks", "n_layers", NormInstance))
	folder := t.TempDir()
	if got, err := LoadOfficial(folder, Latest); got != nil || err != nil {
		t.Errorf("an empty folder: %v, %v", got, err)
	}
	exportTo(t, c, folder, "20", ".pth", "G_A", "G_B")
	if _, err := LoadOfficial(folder, "20"); err == nil || !strings.Contains(err.Error(), "20_net_D_A.pth, 20_net_D_B.pth") {
		t.Errorf("without discriminators: %v", err)
	}
	exportTo(t, c, folder, "20", ".pth", "D_A", "D_B")
	got, err := LoadOfficial(folder, "20")
	if err != nil || got == nil || got.Step != 0 || len(got.Networks()) != 4 {
		t.Fatalf("%v, %v", got, err)
	}
	if got, err := LoadOfficial(folder, Latest); got != nil || err != nil {
		t.Errorf("another epoch: %v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(folder, FileName(3)), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadOfficial(folder, "20"); got != nil || err != nil {
		t.Errorf("beside an own checkpoint: %v, %v", got, err)
	}
}

func TestDirectionOf(t *testing.T) {
	for path, want := range map[string]string{
		"a/latest_net_G_A.pth": "AtoB", "20_net_G_B.safetensors": "BtoA", "latest_net_D_A.pth": "", "latest_net_G.pth": "AtoB", "x.pt": "AtoB",
		"checkpoints/run": "", "step-000000001" + Extension: "", "weights.safetensors": "",
	} {
		if got := DirectionOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
