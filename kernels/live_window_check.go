// The reference of the way out: bilinear interpolation in real numbers, rounded to the nearest byte.

package kernels

import (
	"fmt"
	"math"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "live_window", Shaders: []string{"live_window"}, Cases: liveWindowCases(), Sized: sized("FRAMEH,FRAMEW", [][]int{{720, 1280}},
		func(t *Trial, _ string, v []int) error {
			return liveWindowTrial(t, Letterbox(256, 256, v[1], v[0]), TextPlace{})
		})})
}

func liveWindowCases() (cases []Case) {
	for i, s := range [][4]int{{1, 1, 1, 1}, {16, 12, 16, 12}, {16, 12, 20, 15}, {16, 12, 61, 20}, {16, 12, 20, 61}, {40, 33, 17, 9}, {3, 50, 64, 64}, {64, 4, 5, 5}} {
		o := Letterbox(s[0], s[1], s[2], s[3])
		o.BGRA = i%2 == 1
		for _, text := range []TextPlace{{}, {1, 2, 7, 5}, {-3, -1, 9, 4}, {s[2] - 3, s[3] - 2, 11, 6}} {
			cases = append(cases, Case{fmt.Sprintf("%dx%d in %dx%d, text %v", s[0], s[1], s[2], s[3], text), func(t *Trial) error { return liveWindowTrial(t, o, text) }})
		}
	}
	return cases
}

// interpolation is the two of n canvas pixels between which pixel i of shown lies, and the second one's part.
func interpolation(i, n, shown int) (a, b int, part float64) {
	at := (float64(i)+0.5)*float64(n)/float64(shown) - 0.5
	low := math.Floor(at)
	return max(int(low), 0), min(int(low)+1, n-1), at - low
}

func liveWindowTrial(t *Trial, o Window, text TextPlace) error {
	canvasWords := make([]uint32, o.W*o.H)
	for i := range canvasWords {
		canvasWords[i] = t.Rand.Uint32() | 255<<24
	}
	letters := make([]byte, max(4, text.W*text.H))
	for i := range letters {
		letters[i] = [...]byte{0, 1, 255, byte(t.Rand.Uint32())}[t.Rand.IntN(4)]
	}
	raw := make([]byte, TextPlaceBytes)
	text.Put(raw)
	letterWords := bytesWords(letters)
	canvas, place := t.Words("canvas", len(canvasWords), canvasWords, false), t.Words("place", TextPlaceBytes/4, bytesWords(raw), false)
	coverage, pixels := t.Words("text", len(letterWords), letterWords, false), t.Words("pixels", o.FrameW*o.FrameH, nil, true)
	if err := t.Run(func(p *vk.Program) { LiveWindow(p, canvas, coverage, place, o, pixels) }); err != nil {
		return err
	}
	return eachByte(t.Got(pixels), func(pixel, ch int, got byte) error {
		if o.BGRA {
			ch = 2 - ch
		}
		x, y := pixel%o.FrameW, pixel/o.FrameW
		at := func(column, row int) float64 { return float64(byte(canvasWords[row*o.W+column] >> (8 * ch))) }
		v := 0.0
		if column, row := x-o.X, y-o.Y; column >= 0 && row >= 0 && column < o.ShownW && row < o.ShownH {
			left, right, across := interpolation(column, o.W, o.ShownW)
			top, bottom, down := interpolation(row, o.H, o.ShownH)
			v = (1-down)*((1-across)*at(left, top)+across*at(right, top)) + down*((1-across)*at(left, bottom)+across*at(right, bottom))
		}
		if column, row := x-text.X, y-text.Y; column >= 0 && row >= 0 && column < text.W && row < text.H {
			if opacity := float64(letters[row*text.W+column]); opacity > 0 {
				part := (opacity - 1) / 254
				v = (1-part)*v/3 + part*255
			}
		}
		if math.Abs(float64(got)-v) > 0.5+1e-3 {
			return fmt.Errorf("got %d, want %.3f", got, v)
		}
		return nil
	})
}
