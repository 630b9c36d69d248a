// Wrong arguments of losses, optimiser, pool and image kernels: the program fails by name before anything runs.

package kernels

import (
	"strings"
	"testing"

	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func TestWrongArgumentsAreRefused(t *testing.T) {
	dev := vktest.Device(t)
	arena := dev.NewArena("arguments")
	small, large := Reserve(arena, "small", 2, 3, 5, 3), Reserve(arena, "large", 2, 5, 5, 3)
	floats, loss := arena.Reserve("floats", 48).All(), arena.Reserve("loss", 4).All()
	one := Reserve(arena, "one", 1, 3, 5, 3)
	pool := ReservePool(arena, dev, Float32, "pool", 2, 3, 5, 3)
	for name, c := range map[string]struct {
		call func(p *vk.Program)
		want []string
	}{
		"l1 shapes":  {func(p *vk.Program) { L1(p, small, large, 1, small, loss, vk.Range{}) }, []string{"l1 loss", "small", "large"}},
		"gan shapes": {func(p *vk.Program) { GAN(p, Vanilla, small, 1, 1, large, loss, vk.Range{}) }, []string{"vanilla loss", "small", "large"}},
		"gan part":   {func(p *vk.Program) { GAN(p, LSGAN, small, 3, 1, small, loss, vk.Range{}) }, []string{"lsgan loss", "3 real images of 2"}},
		"gan mode":   {func(p *vk.Program) { GAN(p, 9, small, 1, 1, small, loss, vk.Range{}) }, []string{"GANMode(9)", "wgangp"}},
		"adam sizes": {func(p *vk.Program) {
			Adam(p, Float32, floats, floats, floats, small.Range, loss, loss, loss, loss, 0.5, 0.999, 1e-8)
		}, []string{"adam: 48 bytes", "480 of v"}},
		"adam odd": {func(p *vk.Program) {
			Adam(p, Float32, loss, loss, loss, loss, loss, loss, loss, loss, 0.5, 0.999, 1e-8)
		}, []string{"adam", "multiple of 16"}},
		"finite odd":     {func(p *vk.Program) { Finite(p, loss, 0, Infinite, loss) }, []string{"finite: 4 bytes", "multiple of 16"}},
		"finite many":    {func(p *vk.Program) { Finite(p, floats, 1<<32-4, Infinite, loss) }, []string{"finite", "2^32"}},
		"pool stored":    {func(p *vk.Program) { pool.Store(p, large, floats, loss) }, []string{"image pool of [3,5,3]", "large"}},
		"pool shape":     {func(p *vk.Program) { pool.Take(p, large, floats, large) }, []string{"image pool of [3,5,3]", "large"}},
		"pool decisions": {func(p *vk.Program) { pool.Take(p, small, loss, small) }, []string{"4 bytes of decisions for 2 images"}},
		"upload pixels":  {func(p *vk.Program) { Upload(p, floats, 8, small) }, []string{"small", "48 bytes, want 92"}},
		"quantise":       {func(p *vk.Program) { Quantise(p, small, floats, 8) }, []string{"small", "48 bytes, want 92"}},
		"depth":          {func(p *vk.Program) { Upload(p, floats, 12, small) }, []string{"small", "12 bits a sample, want 8 or 16"}},
		"fit frame":      {func(p *vk.Program) { LiveFit(p, loss, Fit{5, 3, 5, 3, 3, 3}, one) }, []string{"live_fit", "4 bytes, want 48"}},
		"fit outside":    {func(p *vk.Program) { LiveFit(p, floats, Fit{4, 3, 5, 3, 3, 3}, one) }, []string{"live_fit", "5x3", "4x3"}},
		"fit shape":      {func(p *vk.Program) { LiveFit(p, floats, Fit{5, 3, 5, 3, 3, 3}, small) }, []string{"live_fit", "small", "[1,3,5,1 or 3] of fp32"}},
		"smooth shapes":  {func(p *vk.Program) { LiveSmooth(p, one, one, loss, SmoothState{small}) }, []string{"live_smooth", "small", "[2,H,W,4]"}},
		"compose canvas": {func(p *vk.Program) { LiveCompose(p, one, one, loss, floats) }, []string{"live_compose", "48 bytes"}},
		"window pixels":  {func(p *vk.Program) { LiveWindow(p, floats, floats, floats, Letterbox(4, 3, 8, 6), floats) }, []string{"live_window", "8x6"}},
		"copy sizes":     {func(p *vk.Program) { CopyBytes(p, floats, loss) }, []string{"copy", "floats", "loss"}},
		"matrix sizes": {
			func(p *vk.Program) {
				PeakMatrix(p, vk.Matrix{M: 2, N: 2, K: 3, Sum: "f32"}, floats, floats, floats, floats, 1)
			},
			[]string{"peak of matrices 2x2x3", "48 and 48 bytes of factors"},
		},
	} {
		p := dev.NewProgram("refused")
		c.call(p)
		for _, want := range c.want {
			if p.Err() == nil || !strings.Contains(p.Err().Error(), want) {
				t.Errorf("%s: %v, want %q in it", name, p.Err(), want)
			}
		}
	}
}
