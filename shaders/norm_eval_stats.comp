// The statistics that a batch norm uses in evaluation, the same for every group: its running ones.
//
// binding 0: running [2][quads] vec4: mean, variance; 1: stats [groups][2][quads]: mean, 1 / sqrt(variance + eps)
// Push constants: groups, quads, eps. One lane a quad of a group.
#version 450

layout(std430, binding = 0) readonly buffer Running { vec4 running[]; };
layout(std430, binding = 1) writeonly buffer Stats { vec4 stats[]; };
layout(push_constant) uniform Shape {
    uint groups, quads;
    float eps;
};

layout(local_size_x = 64) in;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= groups * quads) {
        return;
    }
    uint group = i / quads, q = i % quads;
    stats[2u * group * quads + q] = running[q];
    stats[(2u * group + 1u) * quads + q] = inversesqrt(running[q + quads] + eps);
}
