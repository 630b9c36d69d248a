// Dropout: y = x / (1 - rate) where the element is kept, else 0. The mask is a function of seed, layer and element, so the
// backward pass makes it again instead of storing it.
//
// binding 0: x [count] vec4; 1: y, which may be x's memory; 2: seed, 4 words: key (low, high), step, 0
// Push constants: count; threshold: an element whose random word is below is dropped; scale = 1 / (1 - rate); layer; first: how
// many vec4 the mask has before x's.
// One draw has the words of a vec4's 4 elements.
//! variant dropout_half -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) writeonly buffer Y { REAL4 y[]; };
layout(std430, binding = 2) readonly buffer Seed { uvec4 seed; };
layout(push_constant) uniform Shape {
    uint count, threshold;
    float scale;
    uint layer, first;
};

#include "inc/strip.glsl"
#include "inc/random.glsl"

void main() {
    for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP) {
        uvec4 draw = philox(uvec4(first + i, layer, seed.z, 0u), seed.xy);
        y[i] = STORE(mix(vec4(0.0), LOAD(x[i]) * scale, greaterThanEqual(draw, uvec4(threshold))));
    }
}
