// Arithmetic peak: fused multiply-adds and little else, to measure what a device does at most.
//
//	x[k] = (k + 1) start, then turns * STEPS times x[k] = factor x[k] + term; result = x[0] + x[1] + x[2]
//
// Three vec4 are twelve independent chains: enough to hide the latency of a CPU's two FMA units, and few enough for 16 registers.
//
// binding 0: start [count] vec4; 1: result
// Push constants: count, turns, factor, term. The variant computes in half precision.
//! variant peak_fma_half -DHALF
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define VEC4 f16vec4
#else
#define VEC4 vec4
#endif

layout(std430, binding = 0) readonly buffer Start { vec4 start[]; };
layout(std430, binding = 1) writeonly buffer Result { vec4 result[]; };
layout(push_constant) uniform Shape {
    uint count, turns;
    float factor, term;
};

#include "inc/flat.glsl"

const uint STEPS = 16u; // peakSteps in peak.go

void main() {
    uint i = flatIndex();
    if (i >= count) return;
    VEC4 x0 = VEC4(start[i]), x1 = VEC4(2.0 * start[i]), x2 = VEC4(3.0 * start[i]);
    VEC4 a = VEC4(factor), b = VEC4(term);
    for (uint turn = 0u; turn < turns; turn++) {
        for (uint s = 0u; s < STEPS; s++) {
            x0 = fma(x0, a, b);
            x1 = fma(x1, a, b);
            x2 = fma(x2, a, b);
        }
    }
    result[i] = vec4(x0 + x1 + x2);
}
