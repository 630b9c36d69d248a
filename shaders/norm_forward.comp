// Normalisation: y = activate((x - mean) / sqrt(variance + eps) * gamma + beta) + residual, the last three where asked for.
// x - mean is taken first and not folded into a multiply-add of x: close to the mean it is exact.
//
// binding 0: x [groups][pixels][quads] vec4; 1: stats [groups][2][quads]; 2: y, as x
// then, each where the variant has it: affine [2][quads]: gamma, beta; residual, as x
// Push constants, constant and workgroups: inc/norm.glsl.
//! variant norm_forward_affine -DAFFINE
//! variant norm_forward_residual -DRESIDUAL=3
//! variant norm_forward_affine_residual -DAFFINE -DRESIDUAL=4
//! variant norm_forward_half -DHALF=1
//! variant norm_forward_affine_half -DAFFINE -DHALF=1
//! variant norm_forward_residual_half -DRESIDUAL=3 -DHALF=1
//! variant norm_forward_affine_residual_half -DAFFINE -DRESIDUAL=4 -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer Stats { vec4 stats[]; };
layout(std430, binding = 2) writeonly buffer Y { REAL4 y[]; };
#ifdef AFFINE
layout(std430, binding = 3) readonly buffer Affine { vec4 affine[]; };
#endif
#ifdef RESIDUAL
layout(std430, binding = RESIDUAL) readonly buffer Residual { REAL4 residual[]; };
#endif

#include "inc/norm.glsl"
#include "inc/norm_channel.glsl"
#include "inc/activation.glsl"

void main() {
    Channel c = channel();
    Span s = span();
    for (uint at = s.first; at < s.end; at += quads) {
        vec4 v = activate(scaled(c, normalised(c, LOAD(x[at]))));
#ifdef RESIDUAL
        v += LOAD(residual[at]);
#endif
        y[at] = STORE(v);
    }
}
