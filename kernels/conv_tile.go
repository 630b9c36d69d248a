// Which tile of work an invocation of a convolution kernel gets: the one place where that depends on the device and the shape.

package kernels

import "cyclevk/vk"

// tile is the outputs that one invocation computes: rows pixels by cols vec4 of channels.
type tile struct{ rows, cols int }

// pixelTile chooses the tile of the kernels whose lanes are pixels.
func pixelTile(_ *vk.Device, pixels, channels int) tile {
	t := tile{rows: 4, cols: min(4, Stride(channels)/4)}
	for t.rows > 1 && pixels < 64*t.rows*2 { // leave work for more than one group
		t.rows /= 2
	}
	return t
}

// spec is the specialisation of conv_forward.comp and conv_data_grad.comp.
func (t tile) spec(c Conv, bias vk.Range, act Activation) []uint32 {
	hasBias := uint32(0)
	if bias.Mem != nil {
		hasBias = 1
	}
	return []uint32{uint32(act), hasBias, c.padding(), uint32(c.Kernel), uint32(c.Stride), uint32(t.rows), uint32(t.cols)}
}

// groups covers pixels and channels, phases times.
func (t tile) groups(pixels, channels, phases int) [3]int {
	g := groups(pixels, 64*t.rows)
	g[2] = phases * divUp(Stride(channels)/4, t.cols)
	return g
}

// weightTile chooses the lanes of a weight gradient's workgroup (vec4 of output channels), the rows of an invocation (vec4 of
// input channels), and into how many partial sums the pixel rows are split.
func weightTile(_ *vk.Device, c Conv, lines int) (lanes, rows, splits int) {
	in, out := Stride(c.In)/4, Stride(c.Out)/4
	lanes, rows = min(64, out), min(2, in)
	count := divUp(out, lanes) * divUp(in, rows) * c.Kernel * c.Kernel
	return lanes, rows, max(1, min(lines, 16/count))
}

func divUp(n, d int) int { return (n + d - 1) / d }
