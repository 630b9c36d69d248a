// The reference of the loss scale: its rules in Go. Everything is exact.

package kernels

import (
	"encoding/binary"
	"fmt"

	"cyclevk/vk"
)

func init() {
	register(Check{Name: "loss_scale", Shaders: []string{"loss_scale"}, Cases: lossScaleCases(), Sized: sized("GUARDS", [][]int{{8}},
		func(t *Trial, _ string, v []int) error {
			return lossScaleTrial(t, ScaleState{1024, 3, 1}, 10, max(3, v[0]), nil, ScaleState{1024, 4, 1}, false)
		})})
}

func lossScaleCases() (cases []Case) {
	for name, c := range map[string]struct {
		before   ScaleState
		interval int
		set      []int // words of the guard, of 5
		after    ScaleState
		ended    bool
	}{
		"good":                {ScaleState{1024, 3, 1}, 10, nil, ScaleState{1024, 4, 1}, false},
		"grows":               {ScaleState{1024, 9, 1}, 10, nil, ScaleState{2048, 0, 1}, false},
		"large enough":        {ScaleState{1 << 24, 9, 1}, 10, nil, ScaleState{1 << 24, 0, 1}, false},
		"fixed":               {ScaleState{1, 9, 0}, 0, nil, ScaleState{1, 10, 0}, false},
		"first overflows":     {ScaleState{1024, 3, 1}, 10, []int{2}, ScaleState{512, 0, 2}, false},
		"last overflows":      {ScaleState{2, 0, 7}, 10, []int{4}, ScaleState{1, 0, 8}, false},
		"all overflow":        {ScaleState{4, 9, 0}, 10, []int{2, 3, 4}, ScaleState{2, 0, 1}, false},
		"exhausted":           {ScaleState{1, 9, 5}, 10, []int{3}, ScaleState{1, 9, 5}, true},
		"losses are infinite": {ScaleState{1024, 3, 1}, 10, []int{1, 2}, ScaleState{1024, 3, 1}, false},
		"ended before":        {ScaleState{1024, 3, 1}, 10, []int{0, 2}, ScaleState{1024, 3, 1}, true},
	} {
		cases = append(cases, Case{name, func(t *Trial) error {
			return lossScaleTrial(t, c.before, c.interval, 5, c.set, c.after, c.ended)
		}})
	}
	return cases
}

// lossScaleTrial looks at a guard of some words, of which a few are set.
func lossScaleTrial(t *Trial, before ScaleState, interval, guards int, set []int, after ScaleState, ended bool) error {
	words := make([]uint32, guards*vk.Alignment/4)
	for i := range words {
		words[i] = 7 // between the words
	}
	for i := range guards {
		words[i*vk.Alignment/4] = 0
	}
	for _, i := range set {
		words[i*vk.Alignment/4] = 9
	}
	guard, state := t.Words("guard", len(words), words, true), t.scaleState(before, true)
	if err := t.Run(func(p *vk.Program) { LossScale(p, state, guard, interval) }); err != nil {
		return err
	}
	if ended && words[0] == 0 {
		words[0] = 1
	}
	if err := equalWords(t, guard, words); err != nil {
		return err
	}
	var raw []byte
	for _, w := range t.Got(state) {
		raw = binary.LittleEndian.AppendUint32(raw, w)
	}
	if got := DecodeScale(raw); got != after {
		return fmt.Errorf("%+v became %+v, want %+v", before, got, after)
	}
	return nil
}
