// Sum of two tensors, element by element: where a residual block or two gradients meet.
//
// binding 0: a [count] vec4; 1: b; 2: sum. The variant has no b and adds a to sum.
// Push constants: count.
//! variant add_to -DTO
//! variant add_half -DHALF=0
//! variant add_to_half -DTO -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer A { REAL4 a[]; };
#ifdef TO
layout(std430, binding = 1) buffer Sum { REAL4 sum[]; };
#else
layout(std430, binding = 1) readonly buffer B { REAL4 b[]; };
layout(std430, binding = 2) writeonly buffer Sum { REAL4 sum[]; };
#endif
layout(push_constant) uniform Shape { uint count; };

#include "inc/strip.glsl"

void main() {
    for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP) {
#ifdef TO
        ADD(sum[i], LOAD(a[i]));
#else
        sum[i] = STORE(LOAD(a[i]) + LOAD(b[i]));
#endif
    }
}
