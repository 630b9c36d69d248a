// The gradient of one of the two tensors that concat.comp joins, whose channels begin at first:
//   dx[p,c] = dy[p,first + c] activate'(y[p,first + c])
//
// binding 0: y [pixels][stride] floats; 1: dy, as y; 2: dx [pixels][quads] vec4, in the variant added to
// Push constants: pixels; channels of dx, without padding; first; stride of y in floats; quads of dx. Constant 0: the activation.
// One lane a vec4 of dx.
//! variant concat_grad_add -DTO
//! variant concat_grad_half -DHALF=1
//! variant concat_grad_add_half -DTO -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(constant_id = 0) const uint ACTIVATION = 0u;
layout(std430, binding = 0) readonly buffer Y { REAL y[]; };
layout(std430, binding = 1) readonly buffer DY { REAL dy[]; };
#ifdef TO
layout(std430, binding = 2) buffer DX { REAL4 dx[]; };
#else
layout(std430, binding = 2) writeonly buffer DX { REAL4 dx[]; };
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
        g[k] = AT(dy, pixel * stride + first + c + k);
        at[k] = AT(y, pixel * stride + first + c + k);
    }
#ifdef TO
    ADD(dx[i], g * activationSlope(at));
#else
    dx[i] = STORE(g * activationSlope(at));
#endif
}
