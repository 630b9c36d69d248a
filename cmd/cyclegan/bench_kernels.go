// The convolution that nine tenths of a step's work are, timed alone.

package main

import (
	"context"
	"math"

	"cyclevk/kernels"
	"cyclevk/vk"
)

// convolutionPasses are what is timed, however they are computed.
type convolutionPasses interface {
	Forward(p *vk.Program, x kernels.Source, w, bias vk.Range, y kernels.Tensor, act kernels.Activation)
	ForwardStats(p *vk.Program, x kernels.Source, w, bias vk.Range, z kernels.Tensor, n kernels.Norm, stats vk.Range)
	DataGrad(p *vk.Program, dy kernels.Tensor, w vk.Range, dx kernels.Tensor, accumulate bool)
	WeightGrad(p *vk.Program, x kernels.Source, dy kernels.Tensor, dw vk.Range, accumulate bool)
}

// kernels times a residual block's convolution in the official networks' shape, one run a submission.
func (r *benchReport) kernels(ctx context.Context, dev *vk.Device, runs int) error {
	const channels, size = 256, 64
	conv := kernels.Conv{In: channels, Out: channels, Kernel: 3, Stride: 1, Pad: 1, Reflect: true}
	var c convolutionPasses = conv
	if r.Config.Winograd {
		c = kernels.Winograd{Conv: conv}
	}
	arena, e := dev.NewArena("convolution"), r.Config.Element()
	tensor := func(name string) kernels.Tensor { return e.Reserve(arena, name, 1, size, size, channels) }
	x, y, dx, dy := tensor("x"), tensor("y"), tensor("dx"), tensor("dy")
	w, dw := arena.Reserve("w", e.Size()*conv.WeightLen()).All(), arena.Reserve("dw", 4*conv.WeightLen()).All()
	if err := arena.Allocate(); err != nil {
		return err
	}
	defer arena.Free()
	if err := arena.Fill(math.Float32bits(0.5)); err != nil {
		return err
	}
	for _, pass := range []struct {
		to     **timing
		append func(p *vk.Program)
	}{
		{&r.ConvForward, func(p *vk.Program) { c.Forward(p, x, w, vk.Range{}, y, kernels.None) }},
		{&r.ConvDataGrad, func(p *vk.Program) { c.DataGrad(p, dy, w, dx, false) }},
		{&r.ConvWeightGrad, func(p *vk.Program) { c.WeightGrad(p, x, dy, dw, false) }},
	} {
		p := dev.NewProgram("convolution")
		pass.append(p)
		t, err := timeProgram(ctx, p, runs)
		if err != nil {
			return err
		}
		*pass.to = t
	}
	return nil
}

// timeProgram builds a program, times its runs and frees it.
func timeProgram(ctx context.Context, p *vk.Program, runs int) (*timing, error) {
	defer p.Free()
	if err := p.Build(); err != nil {
		return nil, err
	}
	t, err := stopwatch(ctx, runs, p.Run, p.Drain)
	if err != nil {
		return nil, err
	}
	t.Work = p.Work()
	return t, nil
}
