// How a program is timed: the same program, recorded with and without timestamps and barriers in turns, so that all ways see the same
// machine.

package main

import (
	"context"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/profile"
	"cyclevk/vk"
)

// session times a built program.
type session struct {
	*vk.Program
	work        func() error // one run, waited for, with all that the host does for it
	renew       func() error // makes the program anew, on a device that is opened anew; nil for none
	measurement *profile.Measurement
	modes       []string
	repeats     int
}

// untimed is the way in which programs run when nobody looks.
const untimed = "untimed"

// briefRun is the time below which a run is too short for what drivers put off until a recording first runs: it is then run in both
// slots before it is timed.
const briefRun = 200 * time.Millisecond

// run times each way once in each round. The first round is not kept: in it drivers compile and memory is touched first. Each round has
// a device of its own, as each start of the command has: where memory and compiled code lie moves some kernels by more than repeats do.
func (s *session) run(ctx context.Context, bar *app.Progress) error {
	ways := append([]string{untimed}, s.modes...)
	s.measurement.Runs = map[string][]profile.Run{}
	bar.Of((1 + s.repeats) * len(ways))
	for round := range 1 + s.repeats {
		if round > 0 && s.renew != nil {
			if err := s.renew(); err != nil {
				return err
			}
			if err := s.work(); err != nil { // touches the memory
				return err
			}
		}
		for i, way := range ways {
			if ctx.Err() != nil {
				return app.ErrInterrupted
			}
			bar.Set(round*len(ways)+i, way)
			run, err := s.once(way)
			switch {
			case err != nil:
				return err
			case round == 0:
			case way == untimed:
				s.measurement.Untimed = append(s.measurement.Untimed, run.Wall)
			default:
				s.measurement.Runs[way] = append(s.measurement.Runs[way], run)
			}
		}
	}
	return nil
}

// once records the program for a way and times one run.
func (s *session) once(way string) (run profile.Run, err error) {
	s.Timing, s.FullSync = way != untimed, way == profile.Isolated
	if err := s.Record(); err != nil {
		return run, err
	}
	for i := 0; ; i++ {
		start := time.Now()
		if err := s.work(); err != nil {
			return run, err
		}
		if run.Wall = time.Since(start); i == 2 || run.Wall >= briefRun {
			break
		}
	}
	if !s.Timing {
		return run, nil
	}
	spans, err := s.Times(s.Latest())
	for _, span := range spans {
		run.Start, run.Time = append(run.Start, span.Start), append(run.Time, span.Time)
	}
	return run, err
}
