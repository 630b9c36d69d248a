// Winograd, weights: u = G w G^T of the 3x3 weights of each pair of channels.
//
// shapes     w [3,3,CI,CO], u [36,K/4,J/4,4,4]: K is the channels that are summed over (CI forward, CO for the data gradient), J the
//            others, both padded to a multiple of 4; the last but one is of K, the last of J
// bindings   0 w, 1 u
// groups     blocks of 64 vec4 of a point
//
// Why this version: winograd_products.comp reads what it needs next from contiguous memory, whichever channels it sums over.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(std430, binding = 0) readonly buffer W { float w[]; };
layout(std430, binding = 1) writeonly buffer U { vec4 u[]; };

layout(push_constant) uniform Push {
    int k, j;         // in vec4
    int stepK, stepJ; // floats from a channel to the next
};

#include "inc/flat.glsl"
#include "inc/winograd.glsl"

void main() {
    const int index = int(flatIndex()), count = 4 * k * j;
    if (index >= count) return;
    const int first = (4 * (index / (4 * j)) + index % 4) * stepK + 4 * (index / 4 % j) * stepJ;
    vec4 line[3][PATCH]; // points across
    [[unroll]] for (int ky = 0; ky < 3; ky++) {
        vec4 taps[3];
        [[unroll]] for (int kx = 0; kx < 3; kx++) {
            const int at = (3 * ky + kx) * 4 * count + first;
            taps[kx] = vec4(w[at], w[at + stepJ], w[at + 2 * stepJ], w[at + 3 * stepJ]);
        }
        line[ky] = weightsToPoints(taps);
    }
    [[unroll]] for (int x = 0; x < PATCH; x++) {
        vec4 taps[3];
        [[unroll]] for (int ky = 0; ky < 3; ky++) taps[ky] = line[ky][x];
        const vec4 points[PATCH] = weightsToPoints(taps);
        [[unroll]] for (int y = 0; y < PATCH; y++) u[(y * PATCH + x) * count + index] = points[y];
    }
}
