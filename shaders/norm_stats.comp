// Statistics of a normalisation: mean and 1 / sqrt(variance + eps) of each channel over the pixels of a group.
//
// One read of x, as exact as two passes: a lane holds 8 pixels in registers, takes their mean and then their centred second
// moment, and merges the blocks by Chan's formula; so do the lanes. All of it works on x less the group's first pixel, which is
// exact where the values lie close to one another: sigma 1e-4 at mean 100 loses nothing, and a constant image gives variance 0.
//
// binding 0: x [groups][pixels][quads] vec4
// binding 1: stats [groups][2][quads] vec4: mean, 1 / sqrt(variance + eps), from one chunk a group. The variant is for several:
//            partial [groups][chunks][2][quads] vec4: mean less the first pixel, centred second moment; norm_combine goes on.
// Push constants and workgroups: inc/norm.glsl.
//! variant norm_stats_partial -DPARTIAL
//! variant norm_stats_half -DHALF=1
//! variant norm_stats_partial_half -DPARTIAL -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) writeonly buffer Stats { vec4 stats[]; };

#include "inc/norm.glsl"
#include "inc/moments_lanes.glsl"

const uint BLOCK = 8u;

void main() {
    Span s = span();
    vec4 pilot = LOAD(x[gl_WorkGroupID.z * pixels * quads + min(quad(), quads - 1u)]);

    Moments m = Moments(0.0, vec4(0.0), vec4(0.0));
    for (uint at = s.first; at < s.end; at += BLOCK * quads) {
        vec4 d[BLOCK];
        float weight[BLOCK]; // 0 past the end
        float n = 0.0;
        vec4 sum = vec4(0.0);
        for (uint i = 0u; i < BLOCK; i++) {
            uint next = at + i * quads;
            bool inside = next < s.end;
            weight[i] = inside ? 1.0 : 0.0;
            d[i] = LOAD(x[inside ? next : at]) - pilot;
            n += weight[i];
            sum = fma(d[i], vec4(weight[i]), sum);
        }
        vec4 mean = sum / n;
        vec4 m2 = vec4(0.0);
        for (uint i = 0u; i < BLOCK; i++) {
            vec4 centred = (d[i] - mean) * weight[i];
            m2 = fma(centred, centred, m2);
        }
        m = merge(m, Moments(n, mean, m2));
    }
    m = mergeLanes(m, width());

    if (isFirst()) {
#ifdef PARTIAL
        stats[chunkRow()] = m.mean;
        stats[chunkRow() + quads] = m.m2;
#else
        stats[row()] = pilot + m.mean;
        stats[row() + quads] = inversesqrt(m.m2 / float(pixels) + eps);
#endif
    }
}
