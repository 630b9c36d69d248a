// From fp32 to 16 bits; the variant goes back.
//
// binding 0: from [count] vec4; 1: to [count] of 16 bits; in the variant the other way round
// Push constants: count.
//! variant widen -DWIDEN
#version 450
#extension GL_GOOGLE_include_directive : require

#define HALF 0
#include "inc/real.glsl"

#ifdef WIDEN
layout(std430, binding = 0) readonly buffer From { REAL4 from[]; };
layout(std430, binding = 1) writeonly buffer To { vec4 to[]; };
#else
layout(std430, binding = 0) readonly buffer From { vec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { REAL4 to[]; };
#endif
layout(push_constant) uniform Shape { uint count; };

#include "inc/strip.glsl"

void main() {
    for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP) {
#ifdef WIDEN
        to[i] = LOAD(from[i]);
#else
        to[i] = STORE(from[i]);
#endif
    }
}
