// Transposed convolution: the adjoint of a convolution, so its kernels are that convolution's with the roles exchanged.
// Its forward pass is the data gradient (by phases of the stride, nothing is inserted), its data gradient the forward pass, and
// its weight gradient the weight gradient with x and dy exchanged.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// ConvTranspose is torch.nn.ConvTranspose2d with a square kernel. Stride is 1 or 2, OutPad less than Stride.
type ConvTranspose struct {
	In, Out, Kernel, Stride, Pad, OutPad int
}

// conv is the convolution whose adjoint this is. PyTorch's weights [In, Out, k, k] are that convolution's [Out, In, k, k].
func (c ConvTranspose) conv() Conv {
	return Conv{In: c.Out, Out: c.In, Kernel: c.Kernel, Stride: c.Stride, Pad: c.Pad}
}

func (c ConvTranspose) String() string {
	return fmt.Sprintf("%dx%d %d->%d", c.Kernel, c.Kernel, c.In, c.Out)
}

// OutSize is the height or width made of n: (n - 1) stride - 2 pad + kernel + outpad.
func (c ConvTranspose) OutSize(n int) int { return (n-1)*c.Stride - 2*c.Pad + c.Kernel + c.OutPad }

// WeightLen is the number of floats of the weights on the device: [kernel, kernel, Stride(Out), Stride(In)].
func (c ConvTranspose) WeightLen() int { return c.conv().WeightLen() }

// Pack brings weights from PyTorch's order [In, Out, k, k] into the device's, padded by zeros.
func (c ConvTranspose) Pack(iohw []float32) []float32 { return c.conv().Pack(iohw) }

// Unpack is Pack's inverse.
func (c ConvTranspose) Unpack(dev []float32) []float32 { return c.conv().Unpack(dev) }

// MACs is the number of multiplications that make y; those that zero insertion would add are not done and not counted. It
// counts the terms that fall outside of y.
func (c ConvTranspose) MACs(y Tensor) int64 {
	in := func(n int) int64 { return int64((n-c.OutPad+2*c.Pad-c.Kernel)/c.Stride + 1) }
	return int64(y.N) * in(y.H) * in(y.W) * int64(c.Kernel*c.Kernel*c.In*c.Out)
}

// Forward appends y = act(transposed conv(x, w) + bias). bias is as in Conv.Forward.
func (c ConvTranspose) Forward(p *vk.Program, x Source, w, bias vk.Range, y Tensor, act Activation) {
	p.Fail(c.check(x.normed().Tensor, y))
	c.conv().adjoint(p, convPass{label: "convT forward " + c.String(), from: x.normed(), w: w, bias: bias, to: y, act: act})
}

// DataGrad appends dx = the gradient with respect to x, from dy; it is added to dx where accumulate is set.
func (c ConvTranspose) DataGrad(p *vk.Program, dy Tensor, w vk.Range, dx Tensor, accumulate bool) {
	p.Fail(c.check(dx, dy))
	c.conv().forward(p, convPass{label: "convT data gradient " + c.String(), from: dy.normed(), w: w, to: dx, accumulate: accumulate})
}

// WeightGrad appends dw = the gradient with respect to the weights, as Conv.WeightGrad does.
func (c ConvTranspose) WeightGrad(p *vk.Program, x Source, dy Tensor, dw vk.Range, accumulate bool) {
	p.Fail(c.check(x.normed().Tensor, dy))
	c.conv().weightGrad(p, "convT weight gradient "+c.String(), dy.normed(), x.normed(), dw, accumulate)
}

// check holds what the convolution behind it cannot see; the rest is checked there.
func (c ConvTranspose) check(x, y Tensor) error {
	if c.OutPad < 0 || c.OutPad >= c.Stride || c.OutSize(x.H) != y.H || c.OutSize(x.W) != y.W {
		return fmt.Errorf("convT %v: input %v, output %v: want %dx%d pixels out (output padding %d, less than stride %d)",
			c, x, y, c.OutSize(x.H), c.OutSize(x.W), c.OutPad, c.Stride)
	}
	return nil
}
