// Last step of a normalisation's backward pass: dx from the sums over the group.
//
// Formulas and bindings 0 to 2: inc/norm_gradient.glsl; binding 3: sums [groups][2][quads] vec4: of g xhat, of g; 4: dx, as x,
// which may be dy's memory: each element is read before it is written, by the same lane.
// Push constants, constant and workgroups: inc/norm.glsl.
//! variant norm_backward_affine -DAFFINE=5
//! variant norm_backward_half -DHALF=1
//! variant norm_backward_affine_half -DAFFINE=5 -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 3) readonly buffer Sums { vec4 sums[]; };
layout(std430, binding = 4) writeonly buffer DX { REAL4 dx[]; };

#include "inc/norm_gradient.glsl"

void main() {
    Channel c = channel();
    vec4 meanGX = sums[row()] / float(pixels);
    vec4 meanG = sums[row() + quads] / float(pixels);
    Span s = span();
    for (uint at = s.first; at < s.end; at += quads) {
        dx[at] = STORE(inputGradient(c, at, meanGX, meanG));
    }
}
