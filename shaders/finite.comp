// Looks for values that would spoil a training, before they reach a weight: word = max(word, ~index of the first such value),
// where it counts from `first`. So word is 0 while nothing was found, and what was found stays until the host clears it.
//
// The test is one of bits, |value| as an integer against limit: that is exact for infinities and NaNs of every kind, whatever a
// driver makes of isnan. Integer maxima do not depend on the order in which lanes come, and no lane writes in a healthy step.
//
// Bindings: 0 values [size] vec4, 1 word. Push constants: see finitePush in kernels/finite.go.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Values { uvec4 values[]; };
layout(std430, binding = 1) buffer Word { uint word; };
layout(push_constant) uniform Push {
    uint size;  // in vec4
    uint first; // index of the first value
    uint limit; // bits of the smallest magnitude that is reported
};

#include "inc/strip.glsl"

void main() {
    uint found = 0u;
    for (uint i = stripFirst(); i < stripEnd(size); i += STRIP_STEP) {
        bvec4 bad = greaterThanEqual(values[i] & 0x7fffffffu, uvec4(limit));
        uvec4 place = mix(uvec4(0u), ~(first + 4u * i + uvec4(0u, 1u, 2u, 3u)), bad);
        found = max(found, max(max(place.x, place.y), max(place.z, place.w)));
    }
    if (found != 0u) atomicMax(word, found);
}
