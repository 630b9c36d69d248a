// The backward pass of activations.

package kernels

import "cyclevk/vk"

// ActGrad writes dx = dy act'(x), computed from the activation's output y: 1 - y² for tanh, 1 or 0 for ReLU, 1 or LeakySlope for
// LeakyReLU. At y = 0 it takes the slope below zero, as PyTorch does. dx may be dy.
func ActGrad(p *vk.Program, act Activation, y, dy, dx Tensor) {
	elementwise(p, "act_grad", []uint32{uint32(act)}, y, dy, dx)
}
