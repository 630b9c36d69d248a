// Activations: the pointwise functions that kernels apply in their epilogues, and that have kernels of their own.

package kernels

// Activation is a pointwise function. Its value is the specialisation constant that shaders/inc/activation.glsl switches on.
type Activation uint32

// The activations of CycleGAN's networks.
const (
	None      Activation = iota
	ReLU                 // max(x, 0)
	LeakyReLU            // x where x > 0, else 0.2 x
	Tanh
)

// LeakySlope is LeakyReLU's slope below zero.
const LeakySlope = 0.2

func (a Activation) String() string {
	switch a {
	case ReLU:
		return "relu"
	case LeakyReLU:
		return "leaky relu"
	case Tanh:
		return "tanh"
	}
	return "none"
}
