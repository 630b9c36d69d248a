// Winograd, weights: u = G w G^T of the 3x3 weights of each pair of channels.
//
//! variant winograd_weights_half -DHALF=1
//! variant winograd_weights_matrix_half -DMATRIX -DHALF=1
//
// shapes     w [3,3,CI,CO], u [36,K/4,J/4,4,4] with BLOCKS: K is the channels that are summed over (CI forward, CO for the data gradient),
//            J the others, both padded to a multiple of 4; the last but one is of K, the last of J. Without, u [36,K,J]
// bindings   0 w, 1 u
// groups     blocks of 64 vec4 of a point
//
// Why this version: winograd_products.comp reads what it needs next from contiguous memory, whichever channels it sums over. Products by
// tiles and by matrices take the points as they take weights.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"
#include "inc/flat.glsl"
#include "inc/winograd.glsl"

layout(constant_id = 0) const bool BLOCKS = true;

layout(std430, binding = 0) readonly buffer W { REAL w[]; };
layout(std430, binding = 1) writeonly buffer U { POINT4 u[]; };

layout(push_constant) uniform Push {
    int k, j;         // in vec4
    int stepK, stepJ; // elements from a channel to the next
};

void main() {
    const int index = int(flatIndex()), count = 4 * k * j;
    if (index >= count) return;
    const int row = BLOCKS ? 4 * (index / (4 * j)) + index % 4 : index / j, column = BLOCKS ? index / 4 % j : index % j;
    vec4 line[3][PATCH]; // points across
    [[unroll]] for (int ky = 0; ky < 3; ky++) {
        vec4 taps[3];
        [[unroll]] for (int kx = 0; kx < 3; kx++) {
            const uint at = uint((3 * ky + kx) * 4 * count + row * stepK + 4 * column * stepJ), step = uint(stepJ);
            taps[kx] = vec4(AT(w, at), AT(w, at + step), AT(w, at + 2 * step), AT(w, at + 3 * step));
        }
        line[ky] = weightsToPoints(taps);
    }
    [[unroll]] for (int x = 0; x < PATCH; x++) {
        vec4 taps[3];
        [[unroll]] for (int ky = 0; ky < 3; ky++) taps[ky] = line[ky][x];
        const vec4 points[PATCH] = weightsToPoints(taps);
        [[unroll]] for (int y = 0; y < PATCH; y++) u[(y * PATCH + x) * count + index] = POINT(points[y]);
    }
}
