// The pipeline on a device: its canvas is what Translator makes of the same picture.

package live

import (
	"bytes"
	"fmt"
	"testing"

	"cyclevk/kernels"
	"cyclevk/vk/vktest"
)

func TestCanvasIsTheTranslation(t *testing.T) {
	dev := vktest.Device(t)
	for _, c := range []struct {
		in, out int
		kernels.Element
	}{{3, 3, kernels.Float32}, {1, 3, kernels.Float32}, {3, 1, kernels.Float32}, {3, 3, kernels.Float16}, {1, 3, kernels.BFloat16}} {
		m := randomModel(t, "m", config(c.in, c.out), 5)
		p := newPipelineIn(t, dev, c.Element, m)
		for _, direction := range directions {
			t.Run(fmt.Sprint(c, direction), func(t *testing.T) {
				sink := &album{}
				s := DefaultSettings()
				s.Size, s.Direction, s.Sinks = 24, direction, []Sink{sink}
				frame := func(serial uint64) *Frame { return randomFrame(32, 24, serial) }
				l := runLoop(t, p, Config{Source: newScript(4, frame), Settings: s, ToEnd: true, Lossless: true})
				if len(sink.pictures) != 4 || sink.finished != 1 {
					t.Fatalf("%d pictures, finished %d times", len(sink.pictures), sink.finished)
				}
				for i, got := range sink.pictures {
					if want := offlineIn(t, dev, m, direction, c.Element, frame(uint64(i+1))); !bytes.Equal(got, want) {
						t.Errorf("picture %d is not the translation", i+1)
					}
				}
				if st := l.Stats(); st.Frames != 4 || st.Runs != 4 || st.Dropped != 0 || st.Step != 5 || st.CanvasW != 32 {
					t.Errorf("%+v", st)
				}
			})
		}
	}
}
