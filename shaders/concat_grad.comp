// The gradient of one of the two tensors that concat.comp joins, whose channels begin at first:
//   dx[p,c] = dy[p,first + c] activate'(y[p,first + c])
//
// binding 0: y [pixels][stride] floats; 1: dy, as y; 2: dx [pixels][quads] vec4, in the variant added to
// Push constants: pixels; channels of dx, without padding; first; stride of y in floats; quads of dx. Constant 0: the activation.
// One lane a vec4 of dx.
//! variant concat_grad_add -DTO
#version 450
#extension GL_GOOGLE_include_directive : require

layout(constant_id = 0) const uint ACTIVATION = 0u;
layout(std430, binding = 0) readonly buffer Y { float y[]; };
layout(std430, binding = 1) readonly buffer DY { float dy[]; };
#ifdef TO
layout(std430, binding = 2) buffer DX { vec4 dx[]; };
#else
layout(std430, binding = 2) writeonly buffer DX { vec4 dx[]; };
#endif
layout(push_constant) uniform Shape { uint pixels, channels, first, stride, quads; };

#include "inc/flat.glsl"
#include "inc/actgrad.glsl"

void main() {
    uint i = flatIndex();
    if (i >= pixels * quads) return;
    uint pixel = i / quads, c = 4u * (i - pixel * quads);
    vec4 g = vec4(0.0), at = vec4(0.0);
    for (uint k = 0u; k < min(4u, channels - c); k++) {
        g[k] = dy[pixel * stride + first + c + k];
        at[k] = y[pixel * stride + first + c + k];
    }
#ifdef TO
    dx[i] += g * activationSlope(at);
#else
    dx[i] = g * activationSlope(at);
#endif
}
