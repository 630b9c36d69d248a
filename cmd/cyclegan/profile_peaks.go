// What the device can do at most, measured on the spot: arithmetic, memory, and the time of a dispatch that does nothing.

package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/profile"
	"cyclevk/kernels"
	"cyclevk/vk"
)

const (
	peakLanes   = 1 << 18               // fill the largest devices once
	peakGroups  = 1 << 12               // subgroups that multiply matrices
	peakTime    = 10 * time.Millisecond // that one measurement of arithmetic takes at least
	peakRuns    = 20                    // of which the fastest counts
	peakCopied  = 256 << 20             // bytes of each buffer of the copy: more than caches hold
	emptyCount  = 64                    // dispatches of one program
	maxPeakTurn = 1 << 20
)

// measurePeaks measures a device's peaks.
func measurePeaks(ctx context.Context, dev *vk.Device) (*profile.Peaks, error) {
	p := &profile.Peaks{}
	for _, measure := range []func(*vk.Device, *profile.Peaks) error{peakArithmetic, peakMatrix, peakMemory, emptyDispatch} {
		if ctx.Err() != nil {
			return nil, app.ErrInterrupted
		}
		if err := measure(dev, p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// peakArithmetic measures fp32, and fp16 where the device has it.
func peakArithmetic(dev *vk.Device, peaks *profile.Peaks) (err error) {
	if peaks.GFLOPS, err = fusedMultiplyAdds(dev, false); err != nil || !dev.Info.Features.Float16 {
		return err
	}
	peaks.HalfGFLOPS, err = fusedMultiplyAdds(dev, true)
	return spare(peaks, "fp16", err)
}

// spare makes a note of a peak that is not to be had: a driver that refuses it costs one figure, and a lost device all.
func spare(peaks *profile.Peaks, what string, err error) error {
	if err != nil && !kernels.Over(err) {
		peaks.Note, err = strings.TrimPrefix(fmt.Sprintf("%s\nno peak of %s: %v", peaks.Note, what, err), "\n"), nil
	}
	return err
}

func fusedMultiplyAdds(dev *vk.Device, half bool) (gflops float64, err error) {
	arena := dev.NewArena("arithmetic peak")
	start, result := kernels.Reserve(arena, "start", 1, 1, peakLanes, 4), kernels.Reserve(arena, "result", 1, 1, peakLanes, 4)
	return arithmetic(arena, dev, 1, func(p *vk.Program, turns int) { kernels.PeakFMA(p, start, result, turns, half) })
}

// peakMatrix measures cooperative matrices of the shape that kernels multiply, once they are known to give the right products.
func peakMatrix(dev *vk.Device, peaks *profile.Peaks) error {
	gflops, shape, err := matrices(dev)
	if err == nil {
		peaks.Matrix = &profile.Matrix{Shape: shape.String(), GFLOPS: gflops}
	}
	return spare(peaks, "cooperative matrices", err)
}

func matrices(dev *vk.Device) (gflops float64, m vk.Matrix, err error) {
	const seed = 1
	if m, err = kernels.MatrixShape(dev.Info, kernels.Float16); err != nil {
		return 0, m, err
	}
	for _, check := range kernels.Checks() {
		if check.Name != kernels.MatrixCheck {
			continue
		}
		for r := range kernels.Selftest(dev, []kernels.Check{check}, seed) {
			if r.Err != nil && !kernels.Skipped(r.Err) {
				return 0, m, fmt.Errorf("%s: %s: %w", m, r.Case, r.Err)
			}
		}
	}
	arena := dev.NewArena("matrix peak")
	words := func(name string, n int) vk.Range { return arena.Reserve(name, 4*n).All() }
	a, b := words("a", m.M*m.K), words("b", m.K*m.N)
	start, result := words("start", peakGroups*m.M*m.N), words("result", peakGroups*m.M*m.N)
	// Of fp16 a sum of equal terms stops to grow at 2048 of them: at 1/8 far below the largest number.
	gflops, err = arithmetic(arena, dev, 0.125, func(p *vk.Program, turns int) { kernels.PeakMatrix(p, m, a, b, start, result, turns) })
	return gflops, m, err
}

// arithmetic fills an arena with a number and doubles the turns of a kernel until it takes long enough to be timed.
func arithmetic(arena *vk.Arena, dev *vk.Device, value float32, launch func(p *vk.Program, turns int)) (gflops float64, err error) {
	if err := arena.Allocate(); err != nil {
		return 0, err
	}
	defer arena.Free()
	if err := arena.Fill(math.Float32bits(value)); err != nil {
		return 0, err
	}
	for turns := 1; turns <= maxPeakTurn; turns *= 2 {
		p := dev.NewProgram("arithmetic peak")
		launch(p, turns)
		took, err := fastest(p)
		if err != nil {
			return 0, err
		}
		gflops = max(gflops, float64(p.Work())/float64(took))
		if took >= peakTime {
			break
		}
	}
	return gflops, nil
}

// peakMemory copies a buffer that no cache holds.
func peakMemory(dev *vk.Device, peaks *profile.Peaks) error {
	bytes := min(peakCopied, dev.Info.Limits.MaxStorageBufferRange, dev.Free()/8) &^ (vk.Alignment - 1)
	arena := dev.NewArena("memory peak")
	from, to := kernels.Reserve(arena, "from", 1, 1, bytes/16, 4), kernels.Reserve(arena, "to", 1, 1, bytes/16, 4)
	if err := arena.Allocate(); err != nil {
		return err
	}
	defer arena.Free()
	if err := arena.Fill(0); err != nil {
		return err
	}
	p := dev.NewProgram("memory peak")
	kernels.Copy(p, from, to)
	took, err := fastest(p)
	if err != nil {
		return err
	}
	peaks.Copied, peaks.GBPS = bytes, 2*float64(bytes)/float64(took)
	return nil
}

// emptyDispatch times dispatches that write one vec4, one behind the other.
func emptyDispatch(dev *vk.Device, peaks *profile.Peaks) error {
	p := dev.NewProgram("empty dispatches")
	x := p.Temp("x", 16)
	for range emptyCount {
		kernels.Fill(p, x.All(), 0)
	}
	took, err := fastest(p)
	peaks.Empty = float64(took) / float64(time.Millisecond) / emptyCount
	return err
}

// fastest builds a program, frees it, and returns the least time of its dispatches together in between: by the device's clock, or by
// the host's where the device has none.
func fastest(p *vk.Program) (least time.Duration, err error) {
	p.Timing, p.FullSync = true, true
	defer p.Free()
	if err := p.Build(); err != nil {
		return 0, err
	}
	least = math.MaxInt64
	for range 1 + peakRuns { // the first warms up, and is seldom the fastest
		start := time.Now()
		if err := p.Run(); err != nil {
			return 0, err
		}
		took := time.Since(start)
		if p.Device().Info.Limits.TimestampPeriod > 0 {
			spans, err := p.Times(p.Latest())
			if err != nil {
				return 0, err
			}
			took = 0
			for _, s := range spans {
				took += s.Time
			}
		}
		least = min(least, took)
	}
	return max(least, 1), nil
}
