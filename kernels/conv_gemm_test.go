// Tiles in shared memory, of cooperative matrices and without: they do not change a bit, and they fit the device.

package kernels

import (
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestSharedTilesGiveTheSameBits measures passes whose pixels and channels no tile divides: whatever tile is not dropped gave the bits of
// the model's.
func TestSharedTilesGiveTheSameBits(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Type = vk.DiscreteGPU
	defer func(all []matrixTile) { matrixTiles = all }(matrixTiles)
	matrixTiles = []matrixTile{{64, 32}, {32, 32}} // larger ones take CPU drivers long to compile
	p := dev.NewProgram("tiles")
	c := Conv{In: 40, Out: 24, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
	var tiles []int
	elements := []Element{Float32}
	if matrixEngineOf(dev.Info) != nil {
		elements = append(elements, Float16)
	}
	for _, e := range elements {
		in := func(name string, h, w, c int) Tensor { return e.NewTensor(p, name, 1, h, w, c) }
		x, y, w := in("x", 9, 11, 40), in("y", 9, 11, 24), p.Temp("w", e.Size()*c.WeightLen()).All()
		c.Forward(p, x, w, p.Temp("bias", 4*24).All(), y, Tanh)
		c.DataGrad(p, y, w, x, true)
		n := len(c.gemmOf(dev.Info, convPass{from: x, to: y}, false).tiles)
		tiles = append(tiles, n, n)
		fast := Winograd{c, true}
		fast.Forward(p, x, w, p.Temp("bias", 4*24).All(), y, Tanh)
		fast.DataGrad(p, y, w, x, true)
		n = len(pointEngineOf(dev.Info, x, y).tiles)
		tiles = append(tiles, n, n)
	}
	list := vk.Tunables(p)
	if len(list) != len(tiles) || p.Err() != nil {
		t.Fatalf("%d passes, %v", len(list), p.Err())
	}
	for i, pass := range list {
		m, err := pass.Measure()
		if err != nil {
			t.Fatal(err)
		}
		if len(pass.Variants) != tiles[i] || len(m.Dropped) > 0 {
			t.Errorf("%s, %s: %d tiles, want %d; dropped: %v", pass.Label, pass.Shader, len(pass.Variants), tiles[i], m.Dropped)
		}
	}
}

// TestWinogradPays: which kernels multiply points, of what type, and whether that is faster than what the device would take without.
func TestWinogradPays(t *testing.T) {
	limits := vk.Limits{SubgroupSize: 32, MaxSharedMemory: 48 << 10, MaxInvocations: 1024, MaxGroupSize: [3]int{1024, 1024, 64}}
	gpu := vk.DeviceInfo{Type: vk.DiscreteGPU, Limits: limits}
	matrices := gpu
	matrices.Features = vk.Features{CooperativeMatrix: true, Float16: true}
	matrices.Matrices = []vk.Matrix{{M: 16, N: 16, K: 16, A: "f16", B: "f16", C: "f32", Sum: "f32", Subgroup: true}}
	cpu := vk.DeviceInfo{Type: vk.CPU, Limits: vk.Limits{SubgroupSize: 8}, Features: vk.Features{SubgroupShuffle: true}}
	const plain, tiles, matrix = "", "winograd_products_tiled", "winograd_products_matrix_half"
	for _, c := range []struct {
		info          vk.DeviceInfo
		element       Element
		channels      int
		points        Element
		shader        string
		large, little bool // pays in pictures of 64x64, of 8x8
	}{
		{cpu, Float32, 256, Float32, plain, true, false},
		{cpu, Float16, 256, Float32, plain, true, false},
		{gpu, Float32, 256, Float32, tiles, true, true},
		{gpu, BFloat16, 256, Float32, tiles, true, true},
		{gpu, Float16, 256, Float32, tiles, true, true},
		{gpu, Float32, 8, Float32, plain, false, false},
		{matrices, Float32, 256, Float32, tiles, true, true},
		{matrices, Float16, 256, Float16, matrix, true, true},
	} {
		of := func(side int) Tensor { return Tensor{N: 1, H: side, W: side, C: c.channels, Element: c.element} }
		e, shader := pointEngineOf(c.info, of(64), of(64)), plain
		if e.gemm != nil {
			shader = e.points[0]
		}
		conv := Conv{c.channels, c.channels, 3, 1, 1, true}
		for side, want := range map[int]bool{64: c.large, 8: c.little} {
			if pays := winogradPays(c.info, conv, of(side), of(side), false); pays != want || e.Element != c.points || shader != c.shader {
				t.Errorf("%v, %s, %d channels, %d pixels: points of %s by %q, pays: %v", c.info.Type, c.element, c.channels, side, e.Element, shader, pays)
			}
		}
	}
}

// TestMatrixEngine describes devices by what drivers report of them.
func TestMatrixEngine(t *testing.T) {
	device := func(vendor uint32, m, n, k, subgroup, shared int) vk.DeviceInfo {
		return vk.DeviceInfo{
			Type: vk.DiscreteGPU, VendorID: vendor,
			Limits:   vk.Limits{SubgroupSize: subgroup, MaxSharedMemory: shared, MaxInvocations: 1024, MaxGroupSize: [3]int{1024, 1024, 64}},
			Features: vk.Features{CooperativeMatrix: true, Float16: true},
			Matrices: []vk.Matrix{{M: m, N: n, K: k, A: "f16", B: "f16", C: "f32", Sum: "f32", Subgroup: true}},
		}
	}
	const nvidia, amd, intel, kib = 0x10de, 0x1002, 0x8086, 1 << 10
	cpu, half, small := device(nvidia, 16, 16, 16, 32, 48*kib), device(nvidia, 16, 16, 16, 32, 48*kib), device(nvidia, 16, 16, 16, 32, 48*kib)
	cpu.Type = vk.CPU
	half.Matrices[0].C, half.Matrices[0].Sum = "f16", "f16"
	small.Limits.MaxInvocations = 64
	for name, c := range map[string]struct {
		info           vk.DeviceInfo
		largest, least matrixTile // none where there is no engine
	}{
		"32 lanes":             {device(nvidia, 16, 16, 16, 32, 48*kib), matrixTile{128, 128}, matrixTile{32, 32}},
		"64 lanes":             {device(amd, 16, 16, 16, 64, 64*kib), matrixTile{128, 128}, matrixTile{64, 64}},
		"few registers":        {device(intel, 8, 8, 16, 32, 64*kib), matrixTile{32, 64}, matrixTile{32, 32}},
		"least shared memory":  {device(nvidia, 16, 8, 16, 32, 16*kib), matrixTile{128, 64}, matrixTile{32, 32}},
		"no room":              {device(nvidia, 16, 16, 16, 32, 4*kib), matrixTile{}, matrixTile{}},
		"shape of 12":          {device(nvidia, 12, 16, 16, 32, 48*kib), matrixTile{}, matrixTile{}},
		"slices of 64":         {device(nvidia, 16, 16, 64, 32, 48*kib), matrixTile{}, matrixTile{}},
		"a CPU":                {cpu, matrixTile{}, matrixTile{}},
		"sums of fp16":         {half, matrixTile{}, matrixTile{}},
		"workgroups too small": {small, matrixTile{}, matrixTile{}},
	} {
		var largest, least matrixTile
		if e := matrixEngineOf(c.info); e != nil {
			first, last := e.tiles[0], e.tiles[len(e.tiles)-1]
			largest, least = matrixTile{first.rows, first.cols}, matrixTile{last.rows, last.cols}
		}
		if largest != c.largest || least != c.least {
			t.Errorf("%s: tiles from %v to %v, want %v to %v", name, largest, least, c.largest, c.least)
		}
	}
}
