// Winograd, gradient of the output: for each tile, dm = A dy A^T of its 4x4 pixels. winograd_output.comp transposed.
//
//! variant winograd_output_grad_half -DHALF=0
//! variant winograd_output_grad_matrix_half -DMATRIX -DHALF=0
//
// shapes     dy [N,H,W,C], dm [36,N tiles,C]; C is padded to a multiple of 4
// bindings   0 dy, 1 dm
// groups     blocks of 64 (tile, vec4 of channels)
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"
#include "inc/winograd_tile.glsl"

layout(std430, binding = 0) readonly buffer DY { REAL4 dy[]; };
layout(std430, binding = 1) writeonly buffer DM { POINT4 dm[]; };

void main() {
    if (flatIndex() >= uint(plane())) return;
    const Tile t = tile();
    vec4 line[TILE][PATCH]; // points across
    [[unroll]] for (int i = 0; i < TILE; i++) {
        vec4 g[TILE];
        [[unroll]] for (int j = 0; j < TILE; j++) {
            g[j] = inside(t.y + i, t.x + j) ? LOAD(dy[pixel(t, t.y + i, t.x + j)]) : vec4(0.0);
        }
        line[i] = outputsToPoints(g);
    }
    [[unroll]] for (int j = 0; j < PATCH; j++) {
        vec4 g[TILE];
        [[unroll]] for (int i = 0; i < TILE; i++) g[i] = line[i][j];
        const vec4 points[PATCH] = outputsToPoints(g);
        [[unroll]] for (int i = 0; i < PATCH; i++) dm[(i * PATCH + j) * plane() + t.index] = POINT(points[i]);
    }
}
