// Batch norm's running statistics, group after group:
//   running = (1 - momentum) running + momentum (mean, variance pixels / (pixels - 1))
//
// binding 0: stats [groups][2][quads] vec4: mean, 1 / sqrt(variance + eps); 1: running [2][quads]: mean, unbiased variance
// Push constants: groups, quads, pixels of a group, eps, momentum. One lane a quad.
#version 450

layout(std430, binding = 0) readonly buffer Stats { vec4 stats[]; };
layout(std430, binding = 1) buffer Running { vec4 running[]; };
layout(push_constant) uniform Shape {
    uint groups, quads, pixels;
    float eps, momentum;
};

layout(local_size_x = 64) in;

void main() {
    uint q = gl_GlobalInvocationID.x;
    if (q >= quads) {
        return;
    }
    vec4 mean = running[q], variance = running[q + quads];
    float unbiased = float(pixels) / float(pixels - 1u);
    for (uint g = 0u; g < groups; g++) {
        vec4 rstd = stats[(2u * g + 1u) * quads + q];
        mean = fma(stats[2u * g * quads + q] - mean, vec4(momentum), mean);
        variance = fma(max(1.0 / (rstd * rstd) - eps, vec4(0.0)) * unbiased - variance, vec4(momentum), variance);
    }
    running[q] = mean;
    running[q + quads] = variance;
}
