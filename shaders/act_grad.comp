// Backward pass of an activation, from its output: dx = dy activate'(x), where y = activate(x).
//
// binding 0: y [count] vec4; 1: dy; 2: dx, which may be dy's memory: each element is read before it is written, by the same lane
// Push constants: count. Constant 0: the activation.
//! variant act_grad_half -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(constant_id = 0) const uint ACTIVATION = 0u;
layout(std430, binding = 0) readonly buffer Y { REAL4 y[]; };
layout(std430, binding = 1) readonly buffer DY { REAL4 dy[]; };
layout(std430, binding = 2) writeonly buffer DX { REAL4 dx[]; };
layout(push_constant) uniform Shape { uint count; };

#include "inc/strip.glsl"
#include "inc/actgrad.glsl"

void main() {
    for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP) {
        dx[i] = STORE(LOAD(dy[i]) * activationSlope(LOAD(y[i])));
    }
}
