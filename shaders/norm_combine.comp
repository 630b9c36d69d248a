// Statistics of a normalisation from those of its chunks, merged in a fixed order by Chan's formula.
//
// binding 0: x [groups][pixels][quads] vec4, of which the first pixel of each group is read
// binding 1: partial [groups][chunks][2][quads] vec4: mean less the first pixel, centred second moment (norm_stats)
// binding 2: stats [groups][2][quads] vec4: mean, 1 / sqrt(variance + eps)
// Push constants: inc/norm.glsl; chunk is that of norm_stats. Workgroups: y is width quads, z the group.
//! variant norm_combine_half -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer Partial { vec4 partial[]; };
layout(std430, binding = 2) writeonly buffer Stats { vec4 stats[]; };

#include "inc/norm.glsl"
#include "inc/moments.glsl"

void main() {
    uint all = chunks();
    Moments m = Moments(0.0, vec4(0.0), vec4(0.0));
    if (hasQuad()) {
        for (uint i = laneRow(); i < all; i += gl_WorkGroupSize.x >> widthShift) {
            uint at = (gl_WorkGroupID.z * all + i) * 2u * quads + quad();
            m = merge(m, Moments(float(min(chunk, pixels - i * chunk)), partial[at], partial[at + quads]));
        }
    }
    m = mergeLanes(m, width());

    if (isFirst()) {
        stats[row()] = LOAD(x[gl_WorkGroupID.z * pixels * quads + quad()]) + m.mean;
        stats[row() + quads] = inversesqrt(m.m2 / float(pixels) + eps);
    }
}
