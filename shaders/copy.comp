// Copy of a tensor, bit for bit.
//
// binding 0: src [count] vec4; 1: dst
// Push constants: count.
//! variant copy_half -DELEMENT=uvec2
#version 450
#extension GL_GOOGLE_include_directive : require

#ifndef ELEMENT
#define ELEMENT uvec4
#endif
layout(std430, binding = 0) readonly buffer Src { ELEMENT src[]; };
layout(std430, binding = 1) writeonly buffer Dst { ELEMENT dst[]; };
layout(push_constant) uniform Shape { uint count; };

#include "inc/strip.glsl"

void main() {
    for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP) {
        dst[i] = src[i];
    }
}
