// Tiles in shared memory, of cooperative matrices and without: they do not change a bit, and they fit the device.

package kernels

import (
	"slices"
	"strings"
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
	if matrixEngineOf(dev.Info, Float16) != nil {
		elements = append(elements, Float16)
	}
	for _, e := range elements {
		in := func(name string, h, w, c int) Tensor { return e.NewTensor(p, name, 1, h, w, c) }
		x, y, w := in("x", 9, 11, 40), in("y", 9, 11, 24), p.Temp("w", e.Size()*c.WeightLen()).All()
		c.Forward(p, x, w, p.Temp("bias", 4*24).All(), y, Tanh)
		c.DataGrad(p, y, w, x, true)
		n := len(c.gemmOf(dev.Info, convPass{from: x.normed(), to: y}, false).tiles)
		tiles = append(tiles, n, n)
		fast := Winograd{c, true}
		fast.Forward(p, x, w, p.Temp("bias", 4*24).All(), y, Tanh)
		fast.DataGrad(p, y, w, x, true)
		n = len(pointEngineOf(dev.Info, x, y).tiles)
		tiles = append(tiles, n, n)

		// With the norm of what is loaded, and statistics of what is stored.
		x, y = in("z", 8, 12, 40), in("next z", 8, 12, 24)
		stats := func(t Tensor) vk.Range { return p.Temp("stats", 8*Stride(t.C)).All() }
		fused := Normed{x, stats(x), LeakyReLU}
		c.ForwardStats(p, fused, w, vk.Range{}, y, Norm{ImagesPerGroup: 1, Eps: 1e-5}, stats(y))
		tiles = append(tiles, len(c.gemmOf(dev.Info, convPass{from: fused, to: y, moments: y.Range}, false).tiles))
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
	limits := vk.Limits{SubgroupSize: 32, MaxSharedMemory: 48 << 10, MaxInvocations: 1024, MaxStorageBuffers: 8, MaxGroupSize: [3]int{1024, 1024, 64}}
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
	recent := nvidiaDevice(16<<10, 48*kib)
	old, noBFloat16 := device(nvidia, 16, 16, 16, 32, 48*kib), recent
	noBFloat16.Features.BFloat16Matrix = false
	narrow := nvidiaDevice(48*kib, 48*kib)
	narrow.Matrices[1].C, narrow.Matrices[1].Sum = "bf16", "bf16" // all that Vulkan grants with bf16
	bf16, both := Unproven{BFloat16: true}, Unproven{BFloat16: true, Workgroup: true}
	for name, c := range map[string]struct {
		info           vk.DeviceInfo
		element        Element
		allowed        Unproven
		shader         string // of the forward pass; empty where there is no engine
		largest, least matrixTile
	}{
		"32 lanes":                         {device(nvidia, 16, 16, 16, 32, 48*kib), Float16, both, "conv_forward_matrix_half", matrixTile{128, 128}, matrixTile{32, 32}},
		"64 lanes":                         {device(amd, 16, 16, 16, 64, 64*kib), Float16, both, "conv_forward_matrix_half", matrixTile{128, 128}, matrixTile{64, 64}},
		"few registers":                    {device(intel, 8, 8, 16, 32, 64*kib), Float16, both, "conv_forward_matrix_half", matrixTile{32, 64}, matrixTile{32, 32}},
		"least shared memory":              {device(nvidia, 16, 8, 16, 32, 16*kib), Float16, both, "conv_forward_matrix_half", matrixTile{128, 64}, matrixTile{32, 32}},
		"no room":                          {info: device(nvidia, 16, 16, 16, 32, 4*kib), element: Float16},
		"shape of 12":                      {info: device(nvidia, 12, 16, 16, 32, 48*kib), element: Float16},
		"slices of 64":                     {info: device(nvidia, 16, 16, 64, 32, 48*kib), element: Float16},
		"a CPU":                            {info: cpu, element: Float16, allowed: both},
		"sums of fp16":                     {info: half, element: Float16},
		"workgroups too small":             {info: small, element: Float16},
		"fp32":                             {info: recent, element: Float32, allowed: both},
		"bf16 not offered":                 {info: old, element: BFloat16, allowed: both},
		"bf16 not asked for":               {info: recent, element: BFloat16, allowed: Unproven{Workgroup: true}},
		"bf16 of matrices, not of shaders": {info: noBFloat16, element: BFloat16, allowed: both},
		"bf16":                             {recent, BFloat16, bf16, "conv_forward_matrix_bf16_half", matrixTile{128, 128}, matrixTile{32, 32}},
		"sums of bf16":                     {info: narrow, element: BFloat16, allowed: both},
		"workgroups not asked for":         {recent, Float16, bf16, "conv_forward_matrix_half", matrixTile{128, 128}, matrixTile{32, 32}},
		"workgroups":                       {recent, Float16, both, "conv_forward_matrix_workgroup_half", matrixTile{128, 128}, matrixTile{32, 32}},
		"workgroups of bf16":               {recent, BFloat16, both, "conv_forward_matrix_workgroup_bf16_half", matrixTile{128, 128}, matrixTile{32, 32}},
		// 16 KiB are left: too few for 128 rows and columns of both factors.
		"reserved memory":     {nvidiaDevice(32*kib, 48*kib), Float16, both, "conv_forward_matrix_workgroup_half", matrixTile{128, 64}, matrixTile{32, 32}},
		"all memory reserved": {nvidiaDevice(48*kib, 48*kib), Float16, both, "conv_forward_matrix_half", matrixTile{128, 128}, matrixTile{32, 32}},
	} {
		restore := Allow(c.allowed)
		e := matrixEngineOf(c.info, c.element)
		restore()
		var largest, least matrixTile
		shader := ""
		if e != nil {
			first, last := e.tiles[0], e.tiles[len(e.tiles)-1]
			largest, least, shader = matrixTile{first.rows, first.cols}, matrixTile{last.rows, last.cols}, e.forward[0]
		}
		if largest != c.largest || least != c.least || shader != c.shader {
			t.Errorf("%s: %q, tiles from %v to %v, want %q, %v to %v", name, shader, largest, least, c.shader, c.largest, c.least)
		}
	}
}

// nvidiaDevice has what drivers of VK_NV_cooperative_matrix2 report.
func nvidiaDevice(reserved, shared int) vk.DeviceInfo {
	flexible := func(m, n, k int, of, sum string, lanes int) vk.Matrix {
		return vk.Matrix{M: m, N: n, K: k, A: of, B: of, C: sum, Sum: sum, Lanes: lanes}
	}
	subgroup := func(of string) vk.Matrix {
		return vk.Matrix{M: 16, N: 16, K: 16, A: of, B: of, C: "f32", Sum: "f32", Subgroup: true}
	}
	return vk.DeviceInfo{
		Type: vk.DiscreteGPU, VendorID: 0x10de,
		Limits: vk.Limits{
			SubgroupSize: 32, MaxSharedMemory: shared, MaxInvocations: 1024, MaxGroupSize: [3]int{1024, 1024, 64},
			MaxMatrixLanes: 1024, MaxMatrixSide: 1024, MatrixReserved: reserved,
		},
		Features: vk.Features{CooperativeMatrix: true, Float16: true, BFloat16Matrix: true, WorkgroupMatrix: true},
		Matrices: []vk.Matrix{subgroup("f16"), subgroup("bf16")},
		Flexible: []vk.Matrix{
			flexible(32, 32, 16, "f16", "f16", 128), flexible(32, 32, 16, "f16", "f32", 256), flexible(32, 16, 16, "f16", "f32", 128),
			flexible(32, 32, 16, "bf16", "f32", 256), flexible(32, 16, 16, "bf16", "f32", 128),
			flexible(32, 32, 32, "i8", "i32", 128), subgroup("f16"),
		},
	}
}

// TestWorkgroupMatrices: of the offered numbers of lanes the one nearest to four subgroups, and matrices of as many rows as there is memory
// to stage, within what the driver's units and limits allow.
func TestWorkgroupMatrices(t *testing.T) {
	const kib = 1 << 10
	defer func(all []matrixTile) { matrixTiles = all }(matrixTiles)
	matrixTiles = []matrixTile{{128, 128}}
	for name, c := range map[string]struct {
		reserved, shared int
		change           func(i *vk.DeviceInfo)
		want             []uint32 // lanes, M, N, K, rows, columns, vectors, halves; nil for none
	}{
		"much memory":       {0, 100 * kib, nil, []uint32{128, 128, 128, 32, 128, 128, 128 * 33, 1}},
		"half of the rows":  {0, 64 * kib, nil, []uint32{128, 64, 128, 32, 128, 128, 64 * 33, 1}},
		"some reserved":     {16 * kib, 48 * kib, nil, []uint32{128, 32, 128, 32, 128, 128, 128*5 + 128*5, 1}},
		"most reserved":     {32 * kib, 48 * kib, nil, nil},
		"units of 64 rows":  {16 * kib, 48 * kib, func(i *vk.DeviceInfo) { i.Flexible[2].M = 64 }, []uint32{256, 32, 128, 32, 128, 128, 1280, 1}},
		"units of 48":       {0, 100 * kib, func(i *vk.DeviceInfo) { i.Flexible[2].N = 48 }, []uint32{256, 128, 128, 32, 128, 128, 128 * 33, 1}},
		"slices of 64":      {0, 100 * kib, func(i *vk.DeviceInfo) { i.Flexible[2].K, i.Flexible[1].K = 64, 64 }, nil},
		"sides of 64":       {0, 100 * kib, func(i *vk.DeviceInfo) { i.Limits.MaxMatrixSide = 64 }, nil},
		"lanes of no tile":  {0, 100 * kib, func(i *vk.DeviceInfo) { i.Flexible[2].Lanes = 192 }, []uint32{256, 128, 128, 32, 128, 128, 128 * 33, 1}},
		"128 lanes at most": {0, 100 * kib, func(i *vk.DeviceInfo) { i.Limits.MaxMatrixLanes, i.Flexible[2].Lanes = 128, 512 }, nil},
		"no feature":        {0, 100 * kib, func(i *vk.DeviceInfo) { i.Features.WorkgroupMatrix = false }, nil},
	} {
		info := nvidiaDevice(c.reserved, c.shared)
		if c.change != nil {
			c.change(&info)
		}
		var got []uint32
		if e := workgroupMatrices(info, Float16); e != nil {
			got = e.tiles[0].spec
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: constants %v, want %v", name, got, c.want)
		}
	}
}

// TestUnofferedMatricesAreRefused launches what a device does not offer, or not in workgroups of that size: the pipeline says so, and nothing
// is built.
func TestUnofferedMatricesAreRefused(t *testing.T) {
	dev := vktest.Device(t)
	for _, c := range []struct {
		shader string
		change func(i *vk.DeviceInfo)
		want   string
	}{
		{"conv_forward_matrix_workgroup_half", func(i *vk.DeviceInfo) { i.Features.WorkgroupMatrix = false }, "has matrices of a workgroup, not a feature of the device"},
		{"conv_forward_matrix_bf16_half", func(i *vk.DeviceInfo) { i.Features.BFloat16Matrix = false }, "needs the SPIR-V capability 5116, not a feature of the device"},
		{"conv_forward_matrix_workgroup_half", func(i *vk.DeviceInfo) { i.Limits.MatrixReserved = 46 << 10 }, "has 2560 bytes of shared memory, more than the device allows: 2048"},
		{"conv_forward_matrix_workgroup_half", func(i *vk.DeviceInfo) { i.Limits.MaxMatrixLanes = 64 }, "has workgroups of [128 1 1] invocations, more than the device allows"},
		{"conv_forward_matrix_half", func(i *vk.DeviceInfo) { i.Limits.MatrixReserved = 46 << 10 }, ""}, // a subgroup's take none of it
		{"conv_forward_matrix_workgroup_bf16_half", func(*vk.DeviceInfo) {}, ""},
	} {
		limits := dev.Info.Limits
		dev.Info = nvidiaDevice(0, 48<<10)
		dev.Info.Limits.MaxStorageBuffers, dev.Info.Limits.MaxPushConstants, dev.Info.Limits.MaxGroupCount = 8, 128, [3]int{65535, 65535, 65535}
		dev.Info.Limits.MaxStorageBufferRange = limits.MaxStorageBufferRange
		c.change(&dev.Info)
		p := dev.NewProgram("unoffered")
		x, y := Float16.NewTensor(p, "x", 1, 4, 4, 16), Float16.NewTensor(p, "y", 1, 4, 4, 16)
		w := p.Temp("w", 512).All()
		launch(p, vk.Launch{
			Spec: []uint32{128, 16, 16, 16, 32, 32, 160, 1, 0, 0, 0, 0, uint32(Float16)}, Groups: [3]int{1, 1, 1}, Push: struct {
				convShape
				HasBias uint32
			}{Conv{In: 16, Out: 16, Kernel: 1, Stride: 1}.shape(x, y), 0},
		}, c.shader, x.Range, w, x.Range, y.Range, w, y.Range)
		if err := p.Err(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.shader, err, c.want)
		}
	}
}
