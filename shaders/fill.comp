// Memory filled with one value: gradients before they are accumulated, the targets of a loss.
//
// binding 0: dst [count] vec4; float in the variant, for sizes that are no multiple of 16 bytes
// Push constants: count, value.
//! variant fill_floats -DELEMENT=float
#version 450
#extension GL_GOOGLE_include_directive : require

#ifndef ELEMENT
#define ELEMENT vec4
#endif
layout(std430, binding = 0) writeonly buffer Dst { ELEMENT dst[]; };
layout(push_constant) uniform Shape {
    uint count;
    float value;
};

#include "inc/strip.glsl"

void main() {
    for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP) {
        dst[i] = ELEMENT(value);
    }
}
