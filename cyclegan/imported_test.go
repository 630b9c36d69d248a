// A training that starts from PyTorch's files, against PyTorch: golden file by tools/golden/imported.py.

package cyclegan

import (
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/safetensors"
	"cyclevk/vk/vktest"
)

// hashedPicture is imported.py's: n samples of 8 bits from a place on.
func hashedPicture(seed uint32, name string, from, n int) []uint8 {
	out := make([]uint8, 0, n)
	for _, u := range uniform(seed, name, from+n)[from:] {
		out = append(out, uint8((u+1)*128))
	}
	return out
}

// Three steps, pool off and no augmentation, from latest_net_{G_A,G_B,D_A,D_B}.pth: the weights that are exported then are, a network
// at a time, no farther from float64 than 1.5 times PyTorch's fp32 is.
func TestTrainingFromFiles(t *testing.T) {
	list, meta, err := safetensors.Read("testdata/imported.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{tensors: map[string]safetensors.Tensor{}}
	for _, x := range list {
		g.tensors[x.Name] = x
	}
	var o struct {
		Seed    uint32 `json:"seed"`
		NGF     int    `json:"ngf"`
		NDF     int    `json:"ndf"`
		LayersD int    `json:"n_layers_D"`
		Size    int    `json:"size"`
		Steps   int    `json:"steps"`
	}
	if err := json.Unmarshal([]byte(meta["config"]), &o); err != nil {
		t.Fatal(err)
	}
	config := DefaultConfig()
	config.NetG, config.NetD, config.NGF, config.NDF, config.LayersD, config.CropSize = "resnet_1blocks", netLayers, o.NGF, o.NDF, o.LayersD, o.Size
	start := &Checkpoint{Info: Info{Config: config}, Nets: map[string]NetState{}}
	for i, net := range NetNames {
		n, err := config.network(net)
		if err != nil {
			t.Fatal(err)
		}
		start.Nets[net] = NetState{Weights: hashedState(n.Params, o.Seed*4+uint32(i))}
	}
	folder := t.TempDir()
	exportTo(t, start, folder, Latest, ".pth", NetNames...)

	loaded, err := LoadOfficial(folder, Latest)
	if err != nil {
		t.Fatal(err)
	}
	config = loaded.Config
	config.CropSize, config.PoolSize = o.Size, 0
	dev := vktest.Device(t)
	trainer, err := NewTrainer(dev, config)
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	if err := trainer.Start(loaded); err != nil {
		t.Fatal(err)
	}
	size := 3 * o.Size * o.Size
	for i := range o.Steps {
		b := &data.Batch{N: 1, H: o.Size, W: o.Size, CA: 3, CB: 3, Bits: 8, A: hashedPicture(o.Seed, "A", i*size, size), B: hashedPicture(o.Seed, "B", i*size, size)}
		if _, err := trainer.Step(b, config.LR); err != nil {
			t.Fatal(err)
		}
	}
	trained, err := trainer.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for _, net := range NetNames {
		path := filepath.Join(t.TempDir(), net+".pth")
		if err := atomicfile.Write(path, func(w io.Writer) error { return trained.WritePTH(w, net) }); err != nil {
			t.Fatal(err)
		}
		w, err := ReadWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range w.Tensors {
			v, err := x.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			before := start.Nets[net].Weights[x.Name]
			if g.tensors["change."+net+"."+x.Name].Data == nil { // a bias that instance norm cancels
				if !slices.Equal(v, before) {
					t.Errorf("%s.%s was trained", net, x.Name)
				}
				continue
			}
			for i, change := range g.values(t, "change."+net+"."+x.Name) {
				sum += math.Pow(float64(v[i])-float64(before[i])-change, 2)
			}
		}
		runs := g.values(t, "distance."+net)
		slices.Sort(runs)
		median := (runs[7] + runs[8]) / 2
		t.Logf("%s: %.3g from float64, %.2f times PyTorch's fp32", net, math.Sqrt(sum), math.Sqrt(sum)/median)
		if !(math.Sqrt(sum) <= 1.5*median) {
			t.Errorf("%s: %.3g from float64, PyTorch's fp32 is %.3g", net, math.Sqrt(sum), median)
		}
	}
}
