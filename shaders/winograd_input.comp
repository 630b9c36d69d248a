// Winograd, input: for each tile, v = B^T d B of its 6x6 pixels, one beyond the tile on each side.
//
//! variant winograd_input_half -DHALF=0
//! variant winograd_input_matrix_half -DMATRIX -DHALF=0
//
// shapes     x [N,H,W,C], v [36,N tiles,C]; C is padded to a multiple of 4
// bindings   0 x, 1 v
// groups     blocks of 64 (tile, vec4 of channels)
//
// Why this version: neighbouring lanes have neighbouring channels, so every load and store is contiguous. Padding is a matter of
// addresses: a position that the reflection does not reach, beyond what any stored output needs, is zero.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"
#include "inc/winograd_tile.glsl"

layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) writeonly buffer V { POINT4 v[]; };

#include "inc/mirror.glsl"

void main() {
    if (flatIndex() >= uint(plane())) return;
    const Tile t = tile();
    vec4 line[PATCH][PATCH]; // points across
    [[unroll]] for (int i = 0; i < PATCH; i++) {
        int y = t.y - 1 + i;
        if (reflect != 0) y = mirror(y, height);
        vec4 d[PATCH];
        [[unroll]] for (int j = 0; j < PATCH; j++) {
            int at = t.x - 1 + j;
            if (reflect != 0) at = mirror(at, width);
            d[j] = inside(y, at) ? LOAD(x[pixel(t, y, at)]) : vec4(0.0);
        }
        line[i] = pixelsToPoints(d);
    }
    [[unroll]] for (int j = 0; j < PATCH; j++) {
        vec4 d[PATCH];
        [[unroll]] for (int i = 0; i < PATCH; i++) d[i] = line[i][j];
        d = pixelsToPoints(d);
        [[unroll]] for (int i = 0; i < PATCH; i++) v[(i * PATCH + j) * plane() + t.index] = POINT(d[i]);
    }
}
