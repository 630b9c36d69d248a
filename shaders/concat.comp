// Concatenation of two tensors along their channels, and an activation: where a U-Net's skip connection meets the way up.
//   y[p,c] = activate(c < channelsA ? a[p,c] : b[p,c - channelsA])
//
// binding 0: a [pixels][strideA] floats; 1: b [pixels][strideB]; 2: y [pixels][quads] vec4
// Push constants: pixels; channelsA, channelsB, without padding; strides in floats; quads of y. Constant 0: the activation.
// One lane a vec4 of y, whose channels may come from both: a's padding is not in y.
//! variant concat_half -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(constant_id = 0) const uint ACTIVATION = 0u;
layout(std430, binding = 0) readonly buffer A { REAL a[]; };
layout(std430, binding = 1) readonly buffer B { REAL b[]; };
layout(std430, binding = 2) writeonly buffer Y { REAL4 y[]; };
layout(push_constant) uniform Shape { uint pixels, channelsA, channelsB, strideA, strideB, quads; };

#include "inc/flat.glsl"
#include "inc/activation.glsl"

float value(uint pixel, uint c) {
    if (c < channelsA) return AT(a, pixel * strideA + c);
    c -= channelsA;
    return c < channelsB ? AT(b, pixel * strideB + c) : 0.0;
}

void main() {
    uint i = flatIndex();
    if (i >= pixels * quads) return;
    uint pixel = i / quads, c = 4u * (i - pixel * quads);
    y[i] = STORE(activate(vec4(value(pixel, c), value(pixel, c + 1u), value(pixel, c + 2u), value(pixel, c + 3u))));
}
