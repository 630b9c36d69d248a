// Batch norm's running statistics, moved towards those of one group of images, unless a guard word is set:
//   running = (1 - momentum) running + momentum (mean, variance pixels / (pixels - 1))
//
// binding 0: stats [groups][2][quads] vec4: mean, 1 / sqrt(variance + eps); 1: running [2][quads]: mean, unbiased variance
// binding 2: guard words
// Push constants: the group, quads, pixels of a group, guards, eps, momentum. One lane a quad.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Stats { vec4 stats[]; };
layout(std430, binding = 1) buffer Running { vec4 running[]; };
layout(push_constant) uniform Shape {
    uint group, quads, pixels, guards;
    float eps, momentum;
};

#define GUARD 2
#include "inc/guard.glsl"

layout(local_size_x = 64) in;

void main() {
    uint q = gl_GlobalInvocationID.x;
    if (q >= quads || halted(guards)) {
        return;
    }
    vec4 mean = running[q], variance = running[q + quads];
    float unbiased = float(pixels) / float(pixels - 1u);
    vec4 rstd = stats[(2u * group + 1u) * quads + q];
    running[q] = fma(stats[2u * group * quads + q] - mean, vec4(momentum), mean);
    running[q + quads] = fma(max(1.0 / (rstd * rstd) - eps, vec4(0.0)) * unbiased - variance, vec4(momentum), variance);
}
