// The references of smoothing and of the canvas. A byte of the canvas is Quantise's to the bit where the translation is shown alone, and the
// camera's where that is; of a blend it is that of the exact value, or of one so near that fp32 cannot tell.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "live_smooth", Shaders: []string{"live_smooth"}, Cases: liveSmoothCases(), Sized: sized("H,W", [][]int{{256, 256}},
		func(t *Trial, _ string, v []int) error { return liveSmoothTrial(t, v[0], v[1], 3, 0.3) })})
	register(Check{Name: "live_compose", Shaders: []string{"live_compose"}, Cases: liveComposeCases(), Sized: sized("H,W", [][]int{{256, 256}},
		func(t *Trial, _ string, v []int) error {
			return liveComposeTrial(t, v[0], v[1], 3, ComposeView{v[1] / 2, 0.37, false})
		})})
}

func liveSmoothCases() (cases []Case) {
	for i, s := range [][2]int{{1, 1}, {7, 9}, {33, 17}, {16, 64}} {
		for _, keep := range []float32{0, 0.3, 0.95} {
			cases = append(cases, Case{fmt.Sprintf("%v, keep %g", s, keep), func(t *Trial) error { return liveSmoothTrial(t, s[0], s[1], 3-i%2*2, keep) }})
		}
	}
	return cases
}

func liveSmoothTrial(t *Trial, h, w, c int, keep float32) error {
	const still, moved = 24.0 / 255, 48.0 / 255
	n := h * w
	xv, yv, stateV := t.Random(3*n, 0, 0.5), t.Random(c*n, 0, 0.5), t.Random(2*4*n, 0, 0.5)
	for i := range n {
		kind := t.Rand.IntN(5) // of difference: none, noise, in between, and moved
		for ch := range 4 {
			if stateV[4*i+ch] = 0; ch < 3 {
				stateV[4*i+ch] = xv[3*i+ch] + float32(kind)*float32(t.Rand.NormFloat64())*0.03
			}
			if ch >= c {
				stateV[4*(n+i)+ch] = 0
			}
		}
	}
	if keep == 0 {
		for i := range stateV {
			stateV[i] = float32(math.NaN())
		}
	}
	x, y, state := t.In("x", 1, h, w, 3, xv), t.In("y", 1, h, w, c, yv), t.InOut("state", 2, h, w, 4, stateV)
	keeps := t.Floats("keep", 1, []float32{keep}, false)
	if err := t.Run(func(p *vk.Program) { LiveSmooth(p, x, y, keeps, SmoothState{state}) }); err != nil {
		return err
	}
	want := newBounded(2 * 4 * n) // with the padding of both, which is 0
	for i := range n {
		d := 0.0
		for ch := range 3 {
			d = max(d, math.Abs(float64(xv[3*i+ch])-float64(stateV[4*i+ch])))
		}
		kept := float64(keep) * (1 - min(max((d-still)/(moved-still), 0), 1))
		set := func(at int, now float32) {
			if keep == 0 || d > moved+U {
				want.set(at, float64(now), 0)
				return
			}
			old := float64(stateV[at])
			want.set(at, float64(now)+kept*(old-float64(now)), U*(64*math.Abs(old-float64(now))+4*(math.Abs(float64(now))+math.Abs(old))))
		}
		for ch := range 3 {
			set(4*i+ch, xv[3*i+ch])
		}
		for ch := range c {
			set(4*(n+i)+ch, yv[c*i+ch])
		}
	}
	return t.Compare(state, want.want, want.bound)
}

func liveComposeCases() (cases []Case) {
	for _, s := range [][3]int{{1, 1, 3}, {9, 7, 1}, {8, 33, 3}, {64, 20, 3}} {
		h, w, c := s[0], s[1], s[2]
		for _, v := range []ComposeView{{0, 1, false}, {w, 1, true}, {w / 3, 1, true}, {w / 2, 0.37, false}, {0, 0.98, true}, {0, 0, false}} {
			cases = append(cases, Case{fmt.Sprintf("%v, %+v", s, v), func(t *Trial) error { return liveComposeTrial(t, h, w, c, v) }})
		}
	}
	return cases
}

func liveComposeTrial(t *Trial, h, w, c int, v ComposeView) error {
	samples := make([]uint16, 3*h*w)
	cameraV := make([]float32, len(samples))
	for i := range samples {
		samples[i] = uint16(t.Rand.IntN(256))
		cameraV[i] = uploadReference(samples[i], 8)
	}
	yv := t.Random(c*h*w, 0, 0.7) // some out of range
	if v.Strength == 1 {
		yv[len(yv)-1] = float32(math.NaN())
	}
	raw := make([]byte, ComposeViewBytes)
	v.Put(raw)
	view := t.Words("view", ComposeViewBytes/4, bytesWords(raw), false)
	camera, y, canvas := t.In("camera", 1, h, w, 3, cameraV), t.In("y", 1, h, w, c, yv), t.Words("canvas", h*w, nil, true)
	if err := t.Run(func(p *vk.Program) { LiveCompose(p, camera, y, view, canvas) }); err != nil {
		return err
	}
	return eachByte(t.Got(canvas), func(pixel, ch int, got byte) error {
		column := pixel % w
		at := pixel
		if v.Mirror {
			at += w - 1 - 2*column
		}
		var low, high uint16
		switch translated := yv[c*at+ch%c]; {
		case column < v.From || v.Strength == 0:
			low = samples[3*at+ch]
			high = low
		case v.Strength == 1:
			low = quantiseReference(translated, 8)
			high = low
		default:
			s, from := float64(v.Strength), float64(cameraV[3*at+ch])
			exact, near := (from+s*(float64(translated)-from)+1)/2*255+(1-s)/2, 1e-4*(2+math.Abs(float64(translated)))
			low, high = uint16(min(max(exact-near, 0), 255)), uint16(min(max(exact+near, 0), 255))
		}
		if uint16(got) < low || uint16(got) > high {
			return fmt.Errorf("got %d, want %d to %d", got, low, high)
		}
		return nil
	})
}

// eachByte looks at the colours of pixels, words of R, G, B and 255.
func eachByte(got []uint32, look func(pixel, channel int, got byte) error) error {
	return each(got, func(i int, word uint32) error {
		for ch := range 3 {
			if err := look(i, ch, byte(word>>(8*ch))); err != nil {
				return fmt.Errorf("pixel %d, channel %d: %w", i, ch, err)
			}
		}
		if word>>24 != 255 {
			return fmt.Errorf("pixel %d: alpha is %d", i, word>>24)
		}
		return nil
	})
}

// bytesWords is bytes as little-endian words, the last one filled up with zeros.
func bytesWords(b []byte) []uint32 {
	samples := make([]uint16, len(b))
	for i, v := range b {
		samples[i] = uint16(v)
	}
	return packed(samples, 8)
}
