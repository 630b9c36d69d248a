// How much of the device the loop leaves unused: a measurement for docs/live.md, which is asked for by -throughput.

package live

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"cyclevk/cyclegan"
	"cyclevk/vk/vktest"
)

var (
	throughput = flag.Int("throughput", 0, "measure pictures a second at this size, in turns with the bare network's")
	rounds     = flag.Int("rounds", 5, "of the measurement")
	perRound   = flag.Duration("round", 3*time.Second, "how long a round of each lasts")
	netG       = flag.String("netG", "resnet_9blocks", "of the measurement")
	ngf        = flag.Int("ngf", 64, "of the measurement")
	sourceSide = flag.Int("source", 0, "side of the source's frames; 0 for the canvas's")
	timing     = flag.Bool("timing", true, "measure the stages, too")
)

func TestThroughput(t *testing.T) {
	if *throughput == 0 {
		t.Skip("a measurement: asked for by -throughput SIZE")
	}
	dev := vktest.Device(t)
	c := config(3, 3)
	c.NetG, c.NGF, c.CropSize = *netG, *ngf, *throughput
	bare, err := cyclegan.TranslationWorkload(dev, c)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	if err := bare.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := NewPipeline(dev, []Model{randomModel(t, "m", c, 1)}, Options{Timing: *timing})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if *sourceSide == 0 {
		*sourceSide = *throughput
	}
	picture := randomFrame(*sourceSide, *sourceSide, 1)
	screen := &fakeScreen{dev: dev, w: *throughput, h: *throughput}
	s := DefaultSettings()
	s.Size = *throughput
	once := func() time.Duration {
		begin := time.Now()
		if err := bare.Once(); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	warm := max(once(), once())
	frames := max(3, int(*perRound/min(warm, once())))
	var ratios []float64
	bestAlone, bestLive := time.Hour, time.Hour
	var last Stats
	for range *rounds {
		begin := time.Now()
		for range frames {
			once()
		}
		alone := time.Since(begin)
		source := newScript(1<<60, func(uint64) *Frame { return picture })
		source.now = true
		l := NewLoop(p, Config{Source: source, Screen: screen, Settings: s, Frames: uint64(frames)})
		begin = time.Now()
		if err := l.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		live := time.Since(begin)
		last = l.Stats()
		bestAlone, bestLive = min(bestAlone, alone), min(bestLive, live)
		ratios = append(ratios, alone.Seconds()/live.Seconds())
		t.Logf("%d frames: bare network %.1f/s, live %.1f/s, ratio %.3f", frames, float64(frames)/alone.Seconds(), float64(frames)/live.Seconds(), ratios[len(ratios)-1])
	}
	slices.Sort(ratios)
	stages := ""
	for _, st := range last.Stages {
		stages += fmt.Sprintf(" %s %v", st.Name, st.Time)
	}
	t.Logf("%s, %s ngf %d, %d px of %dx%d: median ratio %.3f (%.3f to %.3f), of the fastest rounds %.3f; latency %v, 95 %% %v; on the device%s", dev.Info.Name, *netG, *ngf, *throughput,
		*sourceSide, *sourceSide, ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], bestAlone.Seconds()/bestLive.Seconds(), last.Latency, last.Latency95, stages)
}
