// What a training says while it runs.

package main

import (
	"fmt"
	"strings"

	"cyclevk/cyclegan"
)

// slowData is the share of the time spent in waiting for pictures from which decoding is called the bottleneck.
const slowData = 0.2

// wideTerminal has room for every loss beside the bar.
const wideTerminal = 160

// status is the bar's text while training: every loss, or their sums where the terminal is narrow.
func (t *training) status(r cyclegan.Record) string {
	var each strings.Builder
	var d, g float32
	for _, l := range r.Losses {
		fmt.Fprintf(&each, " %s %.2f", l.Name, l.Value)
		if l.OfDiscriminator() {
			d += l.Value
		} else {
			g += l.Value
		}
	}
	losses := each.String()
	if t.progress.Width() < wideTerminal {
		losses = fmt.Sprintf(" D %.2f G %.2f", d, g)
	}
	text := fmt.Sprintf("epoch %d/%d %s %.1f img/s", r.Epoch, t.lastEpoch(), losses, r.PerSecond())
	if r.WaitingShare() >= slowData {
		text += " (slowed by decoding)"
	}
	return text
}
