// Statistics of a normalisation from those of its chunks, merged in a fixed order by Chan's formula.
//
// binding 0: x [groups][pixels][quads] vec4, of which the first pixel of each group is read
// binding 1: partial [groups][chunks][2][quads] vec4: mean less the first pixel, centred second moment (norm_stats)
// binding 2: stats [groups][2][quads] vec4: mean, 1 / sqrt(variance + eps)
// The variant for the blocks of a convolution (inc/block_moments.glsl) has no x: 0 partial [groups][chunks][3][quads] vec4: first pixel,
// mean less that, centred second moment; 1 stats. What their means are apart is taken from first pixels, which is exact where they are close.
// Push constants: inc/norm.glsl; chunk is that of norm_stats. Workgroups: y is width quads, z the group.
//! variant norm_combine_half -DHALF=1
//! variant norm_combine_blocks -DBLOCKS
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
#ifdef BLOCKS
layout(std430, binding = 0) readonly buffer Partial { vec4 partial[]; };
layout(std430, binding = 1) writeonly buffer Stats { vec4 stats[]; };
#else
layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer Partial { vec4 partial[]; };
layout(std430, binding = 2) writeonly buffer Stats { vec4 stats[]; };
#endif

#include "inc/norm.glsl"
#include "inc/moments_lanes.glsl"

// pilot is the group's first pixel, and less is the moments of its chunk i, the mean less that.
#ifdef BLOCKS
vec4 pilot() { return partial[gl_WorkGroupID.z * chunks() * 3u * quads + min(quad(), quads - 1u)]; }
Moments less(uint i, vec4 pilot) {
    uint at = (gl_WorkGroupID.z * chunks() + i) * 3u * quads + quad();
    return Moments(float(chunk), partial[at] - pilot + partial[at + quads], partial[at + 2u * quads]);
}
#else
vec4 pilot() { return LOAD(x[gl_WorkGroupID.z * pixels * quads + min(quad(), quads - 1u)]); }
Moments less(uint i, vec4 pilot) {
    uint at = (gl_WorkGroupID.z * chunks() + i) * 2u * quads + quad();
    return Moments(float(min(chunk, pixels - i * chunk)), partial[at], partial[at + quads]);
}
#endif

void main() {
    vec4 first = pilot();
    uint all = chunks();
    Moments m = Moments(0.0, vec4(0.0), vec4(0.0));
    if (hasQuad()) {
        for (uint i = laneRow(); i < all; i += gl_WorkGroupSize.x >> widthShift) m = merge(m, less(i, first));
    }
    m = mergeLanes(m, width());

    if (isFirst()) {
        stats[row()] = first + m.mean;
        stats[row() + quads] = inversesqrt(m.m2 / float(pixels) + eps);
    }
}
