// First step of a normalisation's backward pass: the sums of g xhat and of g over a chunk of a group's pixels.
//
// Formulas and bindings 0 to 2: inc/norm_gradient.glsl; binding 3: sums [groups][chunks][2][quads] vec4.
// Push constants, constant and workgroups: inc/norm.glsl.
//! variant norm_sums_affine -DAFFINE=4
//! variant norm_sums_half -DHALF=1
//! variant norm_sums_affine_half -DAFFINE=4 -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 3) writeonly buffer Sums { vec4 sums[]; };

#include "inc/norm_gradient.glsl"
#include "inc/reduce.glsl"

void main() {
    vec4 gx, g;
    sumGradient(channel(), span(), gx, g);
    gx = sumLanes(gx, width());
    g = sumLanes(g, width());
    if (isFirst()) {
        sums[chunkRow()] = gx;
        sums[chunkRow() + quads] = g;
    }
}
