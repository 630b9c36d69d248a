// What a training says while it runs.

package main

import (
	"strings"
	"testing"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
)

// TestSaysThatDecodingIsSlow: the bar and the line of the log say so from the share on from which it is worth a word.
func TestSaysThatDecodingIsSlow(t *testing.T) {
	for _, c := range []struct {
		waiting float64
		slow    string // of the line
	}{{0, ""}, {slowData - 0.05, ""}, {slowData + 0.05, "decoding pictures takes 25 % of the time: raise --num_threads"}, {0.9, "takes 90 %"}} {
		var out strings.Builder
		folder, err := cyclegan.CreateRun(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		run := &training{
			trainOptions: &trainOptions{config: cyclegan.DefaultConfig(), printFreq: 1}, stdout: &out, progress: &app.Progress{},
			folder: folder, perEpoch: 10, total: 10, schedule: cyclegan.NewSchedule(cyclegan.DefaultConfig(), nil), recordTime: time.Now().Add(-time.Hour), waited: time.Duration(c.waiting * float64(time.Hour)),
		}
		if err := run.report(cyclegan.Result{Step: 1}); err != nil {
			t.Fatal(err)
		}
		if line := out.String(); !strings.Contains(line, c.slow) || strings.Contains(line, "decoding") != (c.slow != "") {
			t.Errorf("%.2f of the time waiting: %q", c.waiting, line)
		}
		bar := run.status(cyclegan.Record{PerImage: time.Second, Waiting: time.Duration(c.waiting * float64(time.Second))})
		if strings.Contains(bar, "(slowed by decoding)") != (c.slow != "") {
			t.Errorf("%.2f of the time waiting: the bar says %q", c.waiting, bar)
		}
		folder.Close()
	}
}
