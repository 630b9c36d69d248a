// For losses: their gradients, times the loss scale (loss_scale.comp) where these are of 16 bits.
// The including shader includes real.glsl and defines LOSS_SCALE, the binding.
#ifdef HALF
layout(std430, binding = LOSS_SCALE) readonly buffer LossScale { float lossScale; };
#define SCALED(g) (lossScale * (g))
#else
#define SCALED(g) g
#endif
