// Progress: a bar where there is a terminal, nothing elsewhere.

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"cyclevk/cyclegan"
)

// progress shows how far a long command has come.
type progress struct {
	bar   *progressbar.ProgressBar // nil without a terminal
	width int                      // of the terminal in columns
}

// newProgress starts a bar for a number of things on the terminal behind w, if there is one.
func newProgress(w io.Writer, total int) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 80
	}
	return &progress{width: width, bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(12),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// shown tells whether there is a bar.
func (p *progress) shown() bool { return p.bar != nil }

// of changes the number of things.
func (p *progress) of(total int) {
	if p.bar != nil {
		p.bar.ChangeMax(total)
	}
}

// set moves the bar and changes its text. A terminal that cannot be written is no reason to stop.
func (p *progress) set(done int, text string) {
	if p.bar != nil {
		p.bar.Describe(text)
		_ = p.bar.Set(done)
	}
}

// clear takes the bar away until it moves again, for a line of text.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

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
	if t.progress.width < wideTerminal {
		losses = fmt.Sprintf(" D %.2f G %.2f", d, g)
	}
	text := fmt.Sprintf("epoch %d/%d %s %.1f img/s", r.Epoch, t.lastEpoch(), losses, r.PerSecond())
	if r.WaitingShare() >= slowData {
		text += " (slowed by decoding)"
	}
	return text
}
