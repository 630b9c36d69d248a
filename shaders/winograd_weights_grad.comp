// Winograd, gradient of the weights: dw (+)= G^T du G of the 36 points of each pair of channels. winograd_weights.comp transposed.
//
//! variant winograd_weights_grad_add -DACCUMULATE
//
// shapes     du [36,CI,CO], dw [3,3,CI,CO]; CI and CO are padded to a multiple of 4
// bindings   0 du, 1 dw, which the add variant adds to
// groups     blocks of 64 vec4 of a point
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(std430, binding = 0) readonly buffer DU { vec4 du[]; };
#ifdef ACCUMULATE
layout(std430, binding = 1) buffer DW { vec4 dw[]; };
#else
layout(std430, binding = 1) writeonly buffer DW { vec4 dw[]; };
#endif

layout(push_constant) uniform Push { int count; }; // vec4 of a point

#include "inc/flat.glsl"
#include "inc/winograd.glsl"

void main() {
    const int index = int(flatIndex());
    if (index >= count) return;
    vec4 line[PATCH][3]; // taps across
    [[unroll]] for (int y = 0; y < PATCH; y++) {
        vec4 q[PATCH];
        [[unroll]] for (int x = 0; x < PATCH; x++) q[x] = du[(y * PATCH + x) * count + index];
        line[y] = pointsToWeights(q);
    }
    [[unroll]] for (int kx = 0; kx < 3; kx++) {
        vec4 q[PATCH];
        [[unroll]] for (int y = 0; y < PATCH; y++) q[y] = line[y][kx];
        const vec4 taps[3] = pointsToWeights(q);
        [[unroll]] for (int ky = 0; ky < 3; ky++) {
#ifdef ACCUMULATE
            dw[(3 * ky + kx) * count + index] += taps[ky];
#else
            dw[(3 * ky + kx) * count + index] = taps[ky];
#endif
        }
    }
}
