// Winograd, gradient of the input: dx (+)= B dv B^T of each tile, 6x6 pixels, added up where tiles overlap and where the padding
// reflects. winograd_input.comp transposed.
//
//! variant winograd_input_grad_add -DACCUMULATE
//! variant winograd_input_grad_half -DHALF=0
//! variant winograd_input_grad_add_half -DACCUMULATE -DHALF=0
//
// shapes     dv [36,N tiles,C], dx [N,H,W,C]; C is padded to a multiple of 4
// bindings   0 dv, 1 dx, which the add variant adds to
// groups     blocks of 64 (tile, vec4 of channels)
//
// Why this version: a lane gathers its tile's 4x4 pixels, so that no two write the same. A neighbour reaches into a tile by one pixel,
// its first or last, which depend on one point alone (0 or infinity): 64 loads in place of 36.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"

layout(std430, binding = 0) readonly buffer DV { vec4 dv[]; };
#ifdef ACCUMULATE
layout(std430, binding = 1) buffer DX { REAL4 dx[]; };
#else
layout(std430, binding = 1) writeonly buffer DX { REAL4 dx[]; };
#endif

#include "inc/winograd_tile.glsl"

// points loads a point of the tile that lies down and right of the lane's; zero where there is none.
vec4 points(Tile t, int down, int right, int i, int j) {
    if (uint(t.row + down) >= uint(rows) || uint(t.column + right) >= uint(columns)) return vec4(0.0);
    return dv[(i * PATCH + j) * plane() + t.index + (down * columns + right) * channels];
}

// gather makes the pixels of a tile, along one side of n pixels: from its points q, the last one of the tile before and the
// first of the tile after. first is the position of the tile's first pixel; -1 mirrors 1, and n mirrors n - 2.
vec4[TILE] gather(vec4 q[PATCH], vec4 before, vec4 after, int first, int n) {
    const vec4 d[PATCH] = pointsToPixels(q);
    vec4 y[TILE] = vec4[TILE](d[1] + before, d[2], d[3], d[4] + PRODUCT * after);
    if (reflect != 0) {
        [[unroll]] for (int i = 1; i < TILE; i++) {
            if (first + i == 1) y[i] += d[i - 1];
        }
        [[unroll]] for (int i = 0; i < TILE - 1; i++) {
            if (first + i == n - 2) y[i] += d[i + 3];
        }
    }
    return y;
}

// column is gather down a column of points of the tile at `right`.
vec4[TILE] column(Tile t, int right, int j) {
    vec4 q[PATCH];
    [[unroll]] for (int i = 0; i < PATCH; i++) q[i] = points(t, 0, right, i, j);
    return gather(q, points(t, -1, right, PATCH - 1, j), points(t, 1, right, 0, j), t.y, height);
}

void main() {
    if (flatIndex() >= uint(plane())) return;
    const Tile t = tile();
    vec4 own[PATCH][TILE];
    [[unroll]] for (int j = 0; j < PATCH; j++) own[j] = column(t, 0, j);
    const vec4 before[TILE] = column(t, -1, PATCH - 1), after[TILE] = column(t, 1, 0);
    [[unroll]] for (int i = 0; i < TILE; i++) {
        vec4 q[PATCH];
        [[unroll]] for (int j = 0; j < PATCH; j++) q[j] = own[j][i];
        const vec4 pixels[TILE] = gather(q, before[i], after[i], t.x, width);
        [[unroll]] for (int j = 0; j < TILE; j++) {
            if (inside(t.y + i, t.x + j)) {
#ifdef ACCUMULATE
                ADD(dx[pixel(t, t.y + i, t.x + j)], pixels[j]);
#else
                dx[pixel(t, t.y + i, t.x + j)] = STORE(pixels[j]);
#endif
            }
        }
    }
}
