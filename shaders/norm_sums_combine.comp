// Second step of a normalisation's backward pass, where a group has several chunks: their sums added in a fixed order.
//
// binding 0: partial [groups][chunks][2][quads] vec4 (norm_sums); 1: sums [groups][2][quads]
// Push constants: inc/norm.glsl; chunk is that of norm_sums. Workgroups: y is width quads, z the group.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Partial { vec4 partial[]; };
layout(std430, binding = 1) writeonly buffer Sums { vec4 sums[]; };

#include "inc/norm.glsl"
#include "inc/reduce.glsl"

void main() {
    uint all = chunks();
    vec4 gx = vec4(0.0), g = vec4(0.0);
    if (hasQuad()) {
        for (uint i = laneRow(); i < all; i += gl_WorkGroupSize.x >> widthShift) {
            uint at = (gl_WorkGroupID.z * all + i) * 2u * quads + quad();
            gx += partial[at];
            g += partial[at + quads];
        }
    }
    gx = sumLanes(gx, width());
    g = sumLanes(g, width());
    if (isFirst()) {
        sums[row()] = gx;
        sums[row() + quads] = g;
    }
}
