// A normalisation's whole backward pass in one dispatch, for groups small enough for one workgroup: it saves the overhead of the
// steps norm_sums and norm_backward.
//
// Formulas and bindings 0 to 2: inc/norm_gradient.glsl; binding 3: sums [groups][2][quads] vec4: of g xhat, of g; 4: dx, as x,
// which may be dy's memory: each element is read for the last time before it is written, by the same lane.
// Push constants, constant and workgroups: inc/norm.glsl, with one chunk.
//! variant norm_backward_small_affine -DAFFINE=5
//! variant norm_backward_small_half -DHALF=1
//! variant norm_backward_small_affine_half -DAFFINE=5 -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 3) writeonly buffer Sums { vec4 sums[]; };
layout(std430, binding = 4) writeonly buffer DX { REAL4 dx[]; };

#include "inc/norm_gradient.glsl"
#include "inc/reduce.glsl"

void main() {
    Channel c = channel();
    Span s = span();
    vec4 gx, g;
    sumGradient(c, s, gx, g);
    gx = sumLanes(gx, width());
    g = sumLanes(g, width());
    if (isFirst()) {
        sums[row()] = gx;
        sums[row() + quads] = g;
    }
    for (uint at = s.first; at < s.end; at += quads) {
        dx[at] = STORE(inputGradient(c, at, gx / float(pixels), g / float(pixels)));
    }
}
