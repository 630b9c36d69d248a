// Progress: a bar where there is a terminal, nothing elsewhere.

package app

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows how far a long command has come. The zero value shows nothing.
type Progress struct {
	bar   *progressbar.ProgressBar // nil without a terminal
	width int
}

// NewProgress starts a bar for a number of things on the terminal behind w, if there is one.
func NewProgress(w io.Writer, total int) *Progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &Progress{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 80
	}
	return &Progress{width: width, bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(12),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// Shown tells whether there is a bar.
func (p *Progress) Shown() bool { return p.bar != nil }

// Width is that of the terminal in columns, 0 without one.
func (p *Progress) Width() int { return p.width }

// Of changes the number of things.
func (p *Progress) Of(total int) {
	if p.bar != nil {
		p.bar.ChangeMax(total)
	}
}

// Set moves the bar and changes its text. A terminal that cannot be written is no reason to stop.
func (p *Progress) Set(done int, text string) {
	if p.bar != nil {
		p.bar.Describe(text)
		_ = p.bar.Set(done)
	}
}

// Clear takes the bar away until it moves again, for a line of text.
func (p *Progress) Clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
