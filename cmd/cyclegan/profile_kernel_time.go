// How profile kernel verifies and times one shader: convolutions over their tiles at the shapes of a training step, other kernels at
// shapes at which their checks run.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/kernels"
	"cyclevk/vk"
)

// kernelSeed is that of the numbers that a kernel is verified and timed on.
const kernelSeed = 1

// verify runs the checks of the shader on the device.
func (k *kernelProfile) verify(ctx context.Context, dev *vk.Device, bar *app.Progress) error {
	var (
		cases   []kernels.Case
		skipped error
	)
	for _, check := range kernels.Checks() {
		if slices.Contains(check.Shaders, k.Kernel) {
			cases = append(cases, check.Cases...)
		}
	}
	bar.Of(len(cases))
	for i, test := range cases {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		bar.Set(i, "verifying")
		worst, err := kernels.RunCase(dev, test, kernelSeed)
		if kernels.Skipped(err) {
			skipped = err
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", k.Kernel, test.Name, err)
		}
		k.Cases, k.Worst = k.Cases+1, max(k.Worst, worst)
	}
	if k.Cases == 0 {
		return app.BadInput(fmt.Errorf("%s: no case of its checks runs on %s: %w", k.Kernel, dev.Info.Name, skipped))
	}
	return nil
}

// timeSized verifies and times the shader at --shape, or at the usual shapes that launch it.
func (k *kernelProfile) timeSized(ctx context.Context, dev *vk.Device, bar *app.Progress, o *kernelRun) error {
	shapes := o.sized.Usual
	if o.shape != nil {
		shapes = [][]int{o.shape}
	}
	bar.Of(len(shapes))
	var unlaunched error
	for i, shape := range shapes {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		test := o.sized.Case(k.Kernel, shape)
		bar.Set(i, test.Name)
		worst, timed, err := kernels.Time(dev, test, k.Kernel, kernelSeed, o.repeats)
		switch {
		case errors.Is(err, kernels.ErrNotLaunched):
			unlaunched = err
			continue
		case kernels.Skipped(err):
			return app.BadInput(fmt.Errorf("%s at %s: %w", k.Kernel, test.Name, err))
		case err != nil:
			return fmt.Errorf("%s at %s: %w", k.Kernel, test.Name, err)
		}
		k.Cases, k.Worst = k.Cases+1, max(k.Worst, worst)
		pass := shapeTime{
			Pass: o.sized.Dims + " " + test.Name, Shader: timed.Shader, Work: timed.Work, Read: timed.Read, Written: timed.Written, Dropped: []string{},
		}
		if len(timed.Times) > 0 {
			pass.Tiles = append(pass.Tiles, tileOf(timed.Variant, timed.Times, timed.Executables))
		}
		k.Passes = append(k.Passes, pass)
	}
	if len(k.Passes) == 0 {
		return app.BadInput(fmt.Errorf("%w: use another --shape", unlaunched))
	}
	return nil
}

// smallConv is a shape at which convolutions take shaders that no training step has: weight gradients without splits.
var smallConv = []int{1, 4, 4, 64, 64, 1, 1}

// timeConvolutions times the shader at --shape, or at all shapes of the training step.
func (k *kernelProfile) timeConvolutions(ctx context.Context, dev *vk.Device, bar *app.Progress, o *kernelRun) error {
	shapes := [][]int{o.shape}
	if o.shape == nil {
		shapes = append(shapes, smallConv)
	}
	// Which variants a device runs depends on its type: see kernels. Those of the other type run on it all the same.
	own, other := dev.Info.Type, vk.CPU
	if own == vk.CPU {
		other = vk.DiscreteGPU
	}
	defer func() { dev.Info.Type = own }()
	unproven := kernels.UnprovenOf(k.Kernel)
	asked := unproven.Allowed()
	defer kernels.Allow(unproven)()
	for _, shape := range shapes {
		for _, kind := range []vk.DeviceType{own, other} {
			for _, choice := range []kernels.Restriction{kernels.Unrestricted, kernels.NoMatrices, kernels.NoTiles} {
				dev.Info.Type = kind
				restore := kernels.Restrict(choice)
				err := k.timeConvolution(ctx, dev, bar, o, shape)
				restore()
				if err != nil {
					return err
				}
				if len(k.Passes) > 0 {
					if kind != own || choice != kernels.Unrestricted || !asked {
						k.Note = "the device itself runs another variant in its place: see cyclegan devices --verbose"
					}
					return nil
				}
			}
		}
	}
	return app.BadInput(fmt.Errorf("%s on %s: no pass of a convolution of %s %s takes it: use another --shape",
		k.Kernel, dev.Info.Name, convDims, commas(o.shape)))
}

// timeConvolution times it at a shape, or at those of the training step where that is nil.
func (k *kernelProfile) timeConvolution(ctx context.Context, dev *vk.Device, bar *app.Progress, o *kernelRun, shape []int) error {
	e, config := o.config.Element(), o.config
	if half := strings.HasSuffix(k.Kernel, "_half"); !half {
		e = kernels.Float32
	} else if kernels.UnprovenOf(k.Kernel).BFloat16 {
		e = kernels.BFloat16
	} else if e == kernels.Float32 {
		e = kernels.Float16
	}
	config.Precision = e.String()
	winograd := strings.HasPrefix(k.Kernel, "winograd_")
	config.Winograd = config.Winograd || winograd
	if shape != nil {
		return k.survey(ctx, dev, bar, o.repeats, convolution(dev, e, shape, winograd))
	}
	w, err := cyclegan.TrainingWorkload(dev, config)
	if err != nil {
		return err
	}
	defer w.Close()
	return k.survey(ctx, dev, bar, o.repeats, w.Program)
}

// convolution is a program with the passes of one convolution of tensors of a type, on paper; and with those of the transposed
// convolution that is its adjoint. With winograd the first run by F(4,3), where that computes them.
func convolution(dev *vk.Device, e kernels.Element, shape []int, winograd bool) *vk.Program {
	n, h, w := shape[0], shape[1], shape[2]
	c := kernels.Conv{In: shape[3], Out: shape[4], Kernel: shape[5], Stride: shape[6], Pad: (shape[5] - 1) / 2}
	c.Reflect = c.Stride == 1 && c.Kernel%2 == 1
	p := dev.NewProgram(c.String())
	if most := 256; c.Kernel > most {
		p.Fail(fmt.Errorf("kernels of %d, more than %d", c.Kernel, most))
		return p
	}
	if c.In*c.Out > mostValues/(c.Kernel*c.Kernel) {
		p.Fail(fmt.Errorf("weights of %d x %d x %d x %d, more than %d values", c.Out, c.In, c.Kernel, c.Kernel, mostValues))
		return p
	}
	x, y := e.NewTensor(p, "x", n, h, w, c.In), e.NewTensor(p, "y", n, c.OutSize(h), c.OutSize(w), c.Out)
	weights, dw := p.Temp("w", e.Size()*c.WeightLen()).All(), p.Temp("dw", 4*c.WeightLen()).All()
	bias := p.Temp("b", 4*kernels.Stride(c.Out)).All()
	var passes convolutionPasses = c
	if winograd {
		passes = kernels.Winograd{Conv: c, Always: true}
	}
	passes.Forward(p, x, weights, vk.Range{}, y, kernels.None)
	norm := kernels.Norm{ImagesPerGroup: 1, Eps: 1e-5}
	passes.ForwardStats(p, x, weights, vk.Range{}, y, norm, p.Temp("stats", 4*norm.StatsLen(y)).All())
	for _, accumulate := range []bool{false, true} {
		passes.DataGrad(p, y, weights, x, accumulate)
		passes.WeightGrad(p, x, y, dw, accumulate)
		kernels.BiasGrad(p, y, bias, accumulate)
	}
	t := kernels.ConvTranspose{In: c.Out, Out: c.In, Kernel: c.Kernel, Stride: c.Stride, Pad: c.Pad}
	if t.OutPad = h - t.OutSize(y.H); p.Err() == nil && t.OutPad >= 0 && t.OutPad < t.Stride && t.OutSize(y.W) == w {
		t.DataGrad(p, x, weights, y, true)
	}
	return p
}

// survey times the tiles of each launch of the shader that a program has.
func (k *kernelProfile) survey(ctx context.Context, dev *vk.Device, bar *app.Progress, repeats int, p *vk.Program) error {
	if p.Err() != nil {
		return app.BadInput(p.Err())
	}
	list := slices.DeleteFunc(vk.Launches(p), func(t *vk.Tunable) bool { return t.Shader != k.Kernel })
	bar.Of(len(list))
	for i, t := range list {
		if ctx.Err() != nil {
			return app.ErrInterrupted
		}
		bar.Set(i, t.Label)
		surveyed, dropped, err := t.Survey(repeats)
		if err != nil {
			return err
		}
		pass := shapeTime{Pass: t.Label, Shader: t.Shader, Work: t.Work(), Read: t.Read, Written: t.Written, Dropped: []string{}}
		for _, s := range surveyed {
			pass.Tiles = append(pass.Tiles, tileOf(s.Variant, s.Times, s.Executables))
		}
		for _, err := range dropped {
			pass.Dropped = append(pass.Dropped, err.Error())
		}
		k.Passes = append(k.Passes, pass)
	}
	return nil
}

// tileOf is how a variant did, of its times.
func tileOf(v vk.Variant, times []time.Duration, compiled []vk.Executable) tileTime {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	sorted := slices.Sorted(slices.Values(times))
	constants := v.Spec
	if constants == nil {
		constants = []uint32{}
	}
	for i := range v.Groups {
		v.Groups[i] = max(1, v.Groups[i])
	}
	return tileTime{constants, v.Groups, ms(sorted[len(sorted)/2]), ms(sorted[0]), ms(sorted[len(sorted)-1]), executables(compiled)}
}
