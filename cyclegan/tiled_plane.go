// What a tiled translation keeps in the host's memory: pictures and whole layers, of which tiles go to the device and come back.

package cyclegan

import (
	"encoding/binary"
	"math"
	"runtime"
	"sync"

	"cyclevk/cyclegan/data"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// rect is a part of a plane or of a tile.
type rect struct{ y, x, h, w int }

// plane is a picture or a layer in the host's memory, row after row.
type plane struct {
	h, w, c int
	pixel   int    // bytes of a pixel
	v       []byte // nil while the memory is only reckoned up
}

func (m *plane) row(r rect, y int) []byte { return m.v[((r.y+y)*m.w+r.x)*m.pixel:][:r.w*m.pixel] }

// get copies a part of the plane into a tile of that size.
func (m *plane) get(r rect, tile []byte) {
	inRows(r.h, func(y int) { copy(tile[y*r.w*m.pixel:], m.row(r, y)) })
}

// put copies a part of a tile, whose rows have width pixels, to its place in the plane.
func (m *plane) put(to rect, tile []byte, from rect, width int) {
	inRows(to.h, func(y int) { copy(m.row(to, y), tile[((from.y+y)*width+from.x)*m.pixel:]) })
}

// inRows calls f for every row, on all processors.
func inRows(rows int, f func(y int)) {
	workers := min(rows, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for y := rows * i / workers; y < rows*(i+1)/workers; y++ {
				f(y)
			}
		})
	}
	group.Wait()
}

// operand is what a tile's program begins with.
type operand interface {
	size() (h, w int)
	grain() int // tiles begin at multiples of this, and have sides that are
	// load appends what makes a tile of h x w a tensor; fill puts the part of the planes that the tile covers into a slot.
	load(p *vk.Program, h, w int) (x kernels.Tensor, fill filler)
	// layers are what the operand keeps in memory.
	layers() []*features
}

// result is what a tile's program ends with.
type result interface {
	// store appends what makes y, a tile, ready for the host; drain takes a part of it from a slot to its place.
	store(p *vk.Program, y kernels.Tensor) drainer
}

func (m *plane) size() (h, w int) { return m.h, m.w }

func (m *plane) grain() int { return 1 }

func (m *plane) bytes() int { return m.h * m.w * m.pixel }

// pixels are the samples of a picture.
type pixels struct {
	plane
	bits int // of a sample
}

func newPixels(s shape, c int, v []byte) *pixels {
	return &pixels{plane{s.h, s.w, c, c * s.bits / 8, v}, s.bits}
}

func pixelsOf(m *data.Image) *pixels { return newPixels(shape{m.H, m.W, m.Bits}, m.C, m.Pix) }

func (m *pixels) layers() []*features { return nil }

func (m *pixels) load(p *vk.Program, h, w int) (kernels.Tensor, filler) {
	tile := p.Host("pixels", kernels.PixelBytes(1, h, w, m.c, m.bits))
	x := kernels.NewTensor(p, "picture", 1, h, w, m.c)
	kernels.Upload(p, tile.All(), m.bits, x)
	return x, func(s vk.Slot, part rect) { m.get(part, s.Bytes(tile)) }
}

func (m *pixels) store(p *vk.Program, y kernels.Tensor) drainer {
	tile := p.Host("pixels", kernels.PixelBytes(1, y.H, y.W, m.c, m.bits))
	kernels.Quantise(p, y, tile.All(), m.bits)
	return func(s vk.Slot, from, to rect) { m.put(to, s.Bytes(tile), from, y.W) }
}

// features are a layer's output z, [h,w,Stride(c)] fp32, and what is done to it where it is read: y = act(norm(z)).
type features struct {
	plane
	norm    *kernels.Norm // nil for y = z
	affine  vk.Range      // gamma and beta of norm, without Mem for none
	running vk.Range      // statistics of norm, without Mem for those of z
	stats   []byte        // those of z
	moments *moments      // to be stats
	shared  int           // readers but for one
}

func (m *features) layers() []*features { return []*features{m} }

func (m *features) load(p *vk.Program, h, w int) (kernels.Tensor, filler) {
	tile := p.Host("z", kernels.Bytes(1, h, w, m.c))
	z := kernels.Tensor{Range: tile.All(), N: 1, H: h, W: w, C: m.c}
	y := z.Like(p, "y")
	fill := func(s vk.Slot, part rect) { m.get(part, s.Bytes(tile)) }
	if m.norm == nil {
		kernels.Copy(p, z, y)
		return y, fill
	}
	if m.running.Mem != nil {
		stats := p.Temp("stats", 4*m.norm.StatsLen(z)).All()
		m.norm.EvalStats(p, z, m.running, stats)
		m.norm.Forward(p, z, stats, m.affine, kernels.Tensor{}, y)
		return y, fill
	}
	stats := p.Host("stats", 4*m.norm.StatsLen(z))
	m.norm.Forward(p, z, stats.All(), m.affine, kernels.Tensor{}, y)
	return y, func(s vk.Slot, part rect) {
		fill(s, part)
		copy(s.Bytes(stats), m.stats)
	}
}

func (m *features) store(p *vk.Program, y kernels.Tensor) drainer {
	tile := p.Host("z", y.Bytes)
	kernels.Copy(p, y, kernels.Tensor{Range: tile.All(), N: 1, H: y.H, W: y.W, C: y.C})
	return func(s vk.Slot, from, to rect) {
		m.put(to, s.Bytes(tile), from, y.W)
		if m.moments != nil {
			rows := make([]*moments, to.h)
			inRows(to.h, func(i int) { rows[i] = momentsOf(m.row(to, i), kernels.Stride(m.c)) })
			for _, row := range rows {
				m.moments.merge(row)
			}
		}
	}
}

// joined is ReLU(cat(a, b)), as *skip has it.
type joined struct{ a, b *features }

func (m joined) size() (h, w int) { return m.a.size() }

func (m joined) grain() int { return 1 }

func (m joined) layers() []*features { return []*features{m.a, m.b} }

func (m joined) load(p *vk.Program, h, w int) (kernels.Tensor, filler) {
	a, fillA := m.a.load(p, h, w)
	b, fillB := m.b.load(p, h, w)
	y := kernels.NewTensor(p, "joined", 1, h, w, a.C+b.C)
	kernels.Concat(p, kernels.ReLU, a, b, y)
	return y, func(s vk.Slot, part rect) { fillA(s, part); fillB(s, part) }
}

// enlarged is what upsample makes of a layer.
type enlarged struct{ *features }

func (m enlarged) size() (h, w int) { return 2 * m.h, 2 * m.w }

func (m enlarged) grain() int { return 2 }

func (m enlarged) load(p *vk.Program, h, w int) (kernels.Tensor, filler) {
	x, fill := m.features.load(p, h/2, w/2)
	y := kernels.NewTensor(p, "enlarged", 1, h, w, x.C)
	kernels.Upsample(p, x, y)
	return y, func(s vk.Slot, part rect) { fill(s, rect{part.y / 2, part.x / 2, part.h / 2, part.w / 2}) }
}

// moments are the number, mean and centred second moment of each channel's values.
type moments struct {
	n        float64
	mean, m2 []float64
}

func newMoments(c int) *moments {
	c = kernels.Stride(c)
	return &moments{mean: make([]float64, c), m2: make([]float64, c)}
}

// momentsOf takes two passes over pixels of fp32 channels.
func momentsOf(v []byte, channels int) *moments {
	m := &moments{float64(len(v) / 4 / channels), make([]float64, channels), make([]float64, channels)}
	each := func(f func(c int, x float64)) {
		for at := 0; at < len(v); at += 4 * channels {
			for c := range channels {
				f(c, float64(math.Float32frombits(binary.LittleEndian.Uint32(v[at+4*c:]))))
			}
		}
	}
	each(func(c int, x float64) { m.mean[c] += x })
	for c := range m.mean {
		m.mean[c] /= m.n
	}
	each(func(c int, x float64) { m.m2[c] += (x - m.mean[c]) * (x - m.mean[c]) })
	return m
}

// merge makes m the moments of the union (Chan, Golub and LeVeque 1979):
//
//	d = mean_b - mean_a, mean = mean_a + d n_b / n, m2 = m2_a + m2_b + d^2 n_a n_b / n
func (m *moments) merge(b *moments) {
	n := m.n + b.n
	for c := range m.mean {
		d := b.mean[c] - m.mean[c]
		m.mean[c] += d * b.n / n
		m.m2[c] += b.m2[c] + d*d*m.n*b.n/n
	}
	m.n = n
}

// stats are the moments as kernels.Norm takes them: means, then 1 / sqrt(variance + eps).
func (m *moments) stats(eps float32) []byte {
	v := make([]float32, 0, 2*len(m.mean))
	for _, mean := range m.mean {
		v = append(v, float32(mean))
	}
	for _, m2 := range m.m2 {
		v = append(v, float32(1/math.Sqrt(m2/m.n+float64(eps))))
	}
	return floatBytes(v)
}
