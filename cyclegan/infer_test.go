// Inference: every network that is built is recognised from its own keys and shapes, and what is nearly one is explained.

package cyclegan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"cyclevk/cyclegan/safetensors"
)

// readTensor is a tensor as a file gives it, all values alike.
func readTensor(name string, shape []int, value float32) safetensors.Tensor {
	p := Param{Shape: shape}
	return safetensors.Tensor{Name: name, DType: "F32", Shape: shape, Data: floatBytes(slices.Repeat([]float32{value}, p.Len()))}
}

// tensorsOfParams are a network's tensors, all values 1.
func tensorsOfParams(ps *Params, prefix string) (out []safetensors.Tensor) {
	for _, p := range slices.Concat(ps.List, ps.Tracked) {
		out = append(out, readTensor(prefix+p.Name, p.Shape, 1))
	}
	return out
}

func architectures() (out []Architecture) {
	for _, norm := range []string{NormInstance, NormBatch, NormNone} {
		for _, net := range []string{"resnet_1blocks", "resnet_6blocks", "resnet_9blocks"} {
			for _, upsample := range []string{UpsampleTransposed, UpsampleResize} {
				out = append(out, Architecture{Net: net, In: 3, Out: 1, Width: 5, Norm: norm, Upsample: upsample, Dropout: net == "resnet_6blocks"})
			}
		}
		for _, net := range []string{"unet_32", "unet_128", "unet_256"} {
			out = append(out, Architecture{Net: net, In: 4, Out: 3, Width: 2, Norm: norm})
		}
		for layers := 1; layers <= 6; layers++ {
			out = append(out, Architecture{Net: netLayers, In: 3, Out: 1, Width: 4, Layers: layers, Norm: norm})
		}
		out = append(out, Architecture{Net: netPixel, In: 1, Out: 1, Width: 6, Norm: norm})
	}
	return out
}

func TestEveryNetworkIsRecognised(t *testing.T) {
	for _, want := range architectures() {
		n, err := want.network("N")
		if err != nil {
			t.Fatal(err)
		}
		for _, prefix := range []string{"", "module."} {
			in, err := InferNetwork("N", tensorsOfParams(n.Params, prefix))
			if err != nil {
				t.Errorf("%v: %v", want, err)
				continue
			}
			if in.Architecture != want {
				t.Errorf("%+v was taken for %+v", want, in.Architecture)
			}
			state, converted, err := in.State()
			if err != nil || converted != "" || len(state) != len(n.Params.List)+len(n.Params.Tracked) {
				t.Errorf("%v: state of %d tensors, %q, %v", want, len(state), converted, err)
			}
		}
	}
}

// The parameter counts of the paper's networks, instance and batch norm.
func TestInferredCounts(t *testing.T) {
	for net, want := range map[string][2]int{
		"resnet_9blocks": {11378179, 11383427},
		"resnet_6blocks": {7837699, 7841411},
		"unet_256":       {54409603, 54413955},
		"unet_128":       {41825667, 41828995},
		netLayers:        {2764737, 2765633},
		netPixel:         {8705, 8832},
	} {
		for i, norm := range []string{NormInstance, NormBatch} {
			a := Architecture{Net: net, In: 3, Out: 3, Width: 64, Norm: norm}
			if net == netLayers {
				a.Layers = 3
			}
			n, err := a.network("N")
			if err != nil {
				t.Fatal(err)
			}
			if n.Params.Count() != want[i] {
				t.Errorf("%v has %d parameters, want %d", a, n.Params.Count(), want[i])
			}
		}
	}
}

func TestNearlyANetwork(t *testing.T) {
	a := Architecture{Net: "resnet_2blocks", In: 3, Out: 3, Width: 4, Norm: NormInstance, Upsample: UpsampleTransposed}
	n, err := a.network("G_A")
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string]safetensors.Tensor{}
	for _, x := range tensorsOfParams(n.Params, "") {
		whole[x.Name] = x
	}
	one := func(name string) safetensors.Tensor { return readTensor(name, []int{1}, 1) }
	for name, c := range map[string]struct {
		change func(map[string]safetensors.Tensor)
		want   []string
	}{
		"missing":      {func(m map[string]safetensors.Tensor) { delete(m, "model.4.bias") }, []string{"missing: model.4.bias", "resnet_2blocks"}},
		"extra":        {func(m map[string]safetensors.Tensor) { m["model.99.weight"] = one("model.99.weight") }, []string{"not expected: model.99.weight"}},
		"with module.": {func(m map[string]safetensors.Tensor) { m["x"] = one("module.model.1.weight") }, []string{"twice"}},
		"other shape": {func(m map[string]safetensors.Tensor) {
			m["model.4.weight"] = readTensor("model.4.weight", []int{8, 3, 3, 3}, 1)
		}, []string{"of another shape: model.4.weight is [8 3 3 3] in place of [8 4 3 3]"}},
		"many missing": {func(m map[string]safetensors.Tensor) {
			maps.DeleteFunc(m, func(k string, _ safetensors.Tensor) bool { return strings.HasSuffix(k, ".bias") })
		}, []string{"missing", "no norm"}},
		"another network": {func(m map[string]safetensors.Tensor) { clear(m); m["conv1.0.weight"] = one("conv1.0.weight") }, []string{"not a network", "conv1.0.weight"}},
		"no width": {func(m map[string]safetensors.Tensor) {
			m["model.1.weight"] = safetensors.Tensor{Name: "model.1.weight", DType: "F32", Shape: []int{0, 3, 7, 7}}
		}, []string{"not a network"}},
	} {
		m := maps.Clone(whole)
		c.change(m)
		_, err := InferNetwork("G_A", slices.Collect(maps.Values(m)))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
}

// Files of before PyTorch 0.4 carry statistics that an instance norm does not use; the official loading drops them, too.
func TestStaleStatisticsAreDropped(t *testing.T) {
	a := Architecture{Net: "resnet_1blocks", In: 3, Out: 3, Width: 4, Norm: NormInstance, Upsample: UpsampleTransposed}
	n, err := a.network("G_A")
	if err != nil {
		t.Fatal(err)
	}
	tensors := tensorsOfParams(n.Params, "")
	for _, stale := range []string{"model.2.running_mean", "model.2.running_var", "model.2.num_batches_tracked"} {
		tensors = append(tensors, readTensor(stale, []int{4}, 0))
	}
	in, err := InferNetwork("G_A", tensors)
	if err != nil || len(in.Dropped) != 3 || in.Architecture != a {
		t.Errorf("%v, dropped %v", err, in.Dropped)
	}
}

func TestNotFiniteWeightsAreRefused(t *testing.T) {
	a := Architecture{Net: netPixel, In: 3, Out: 1, Width: 4, Norm: NormInstance}
	n, err := a.network("D_A")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		tensors := tensorsOfParams(n.Params, "")
		tensors[2] = readTensor(tensors[2].Name, tensors[2].Shape, float32(bad))
		in, err := InferNetwork("D_A", tensors)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := in.State(); err == nil || !strings.Contains(err.Error(), tensors[2].Name) || !strings.Contains(err.Error(), fmt.Sprint(bad)) {
			t.Errorf("%g: %v", bad, err)
		}
	}
}
