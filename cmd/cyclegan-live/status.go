// What the window says: its title, the figures of the overlay, and messages that come and go.

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cyclevk/cyclegan/live"
	"cyclevk/cyclegan/video"
)

// note is a message that stays for a while.
type note struct {
	about string // a newer one about the same takes its place
	text  string
	until time.Time
}

// noteTime is how long a message stays, and mostNotes how many there are at most.
const (
	noteTime  = 3 * time.Second
	mostNotes = 4
)

type notes []note

func (n *notes) add(now time.Time, about, text string) {
	list := slices.DeleteFunc(*n, func(o note) bool { return o.about == about })
	list = append(list, note{about, text, now.Add(noteTime)})
	*n = list[max(0, len(list)-mostNotes):]
}

// lines are the messages that still hold.
func (n *notes) lines(now time.Time) (lines []string) {
	*n = slices.DeleteFunc(*n, func(o note) bool { return now.After(o.until) })
	for _, o := range *n {
		lines = append(lines, o.text)
	}
	return lines
}

// report is what the window knows at a moment.
type report struct {
	live.Stats
	set       live.Settings
	camera    string
	recording time.Duration // since when, 0 for none
}

// model names what is shown.
func (r *report) model() string {
	s := strings.TrimSpace(r.Model + " " + r.Direction)
	if r.Step > 0 {
		s += fmt.Sprintf(", step %d", r.Step)
	}
	if r.Epoch > 0 {
		s += fmt.Sprintf(", epoch %d", r.Epoch)
	}
	return s
}

// title is the window's.
func (r *report) title() string {
	parts := []string{r.model()}
	if r.Model == "" {
		parts[0] = "starting"
	}
	if r.set.Paused {
		parts = append(parts, "paused")
	}
	if r.recording > 0 {
		parts = append(parts, "recording")
	}
	parts = append(parts, r.camera)
	if r.FPS > 0 && !r.set.Paused {
		parts = append(parts, rate(r.FPS))
	}
	return strings.Join(append(parts, "cyclegan-live"), " · ")
}

// rate is as exact as it is worth, so that a title does not change all the time.
func rate(fps float64) string {
	if fps < 10 {
		return fmt.Sprintf("%.1f frames/s", fps)
	}
	return fmt.Sprintf("%.0f frames/s", fps)
}

// figures are the lines of the key i.
func (r *report) figures() []string {
	if r.Frames == 0 {
		return nil
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	lines := []string{
		r.model(),
		fmt.Sprintf("%.1f frames/s, latency %.0f ms, 95 %% within %.0f, %d dropped", r.FPS, ms(r.Latency), ms(r.Latency95), r.Dropped),
		fmt.Sprintf("%dx%d of %dx%d, %s", r.CanvasW, r.CanvasH, r.SourceW, r.SourceH, r.set.Mode),
	}
	last := &lines[len(lines)-1]
	if r.set.Strength < 1 {
		*last += fmt.Sprintf(", strength %.0f %%", 100*r.set.Strength)
	}
	if r.set.Smoothing > 0 {
		*last += fmt.Sprintf(", smoothing %.0f %%", 100*r.set.Smoothing)
	}
	if r.set.Mirror {
		*last += ", mirror"
	}
	if r.set.Paused {
		*last += ", paused"
	}
	if len(r.Stages) > 0 {
		var times []string
		for _, s := range r.Stages {
			times = append(times, fmt.Sprintf("%s %.1f", s.Name, ms(s.Time)))
		}
		lines = append(lines, "on the device: "+strings.Join(times, ", ")+" ms")
	}
	return lines
}

// standing are the messages that hold as long as what they tell of.
func (r *report) standing() (lines []string) {
	switch {
	case r.Source.Condition == video.Waiting:
		lines = append(lines, r.Source.Message)
	case r.Source.Condition == video.Ended && r.Source.Err != nil:
		lines = append(lines, r.Source.Err.Error())
	case r.Source.Condition == video.Ended:
		lines = append(lines, r.camera+" has ended")
	case r.Frames == 0:
		lines = append(lines, "starting …")
	}
	if r.recording > 0 {
		s := int(r.recording.Seconds())
		lines = append(lines, fmt.Sprintf("● recording %d:%02d", s/60, s%60))
	}
	return lines
}
