// Winograd, products: for each of the 36 points, the matrix product
//   m[point,tile,j] = sum over k of v[point,tile,k] u[point,k,j]
//
//! variant winograd_products_shuffle -DSHUFFLE
//
// shapes     v [36,tiles,K], u [36,K/4,J/4,4,4] (winograd_weights.comp), m [36,tiles,J]; K and J are padded to a multiple of 4
// bindings   0 v, 1 u, 2 m
// groups     x,y: blocks of LANES ROWS tiles; z: block of COLS vec4 of J + blocks (point)
//
// Why this version: the inner loop of conv_forward.comp with tiles for pixels, without taps or padding. Blocks of a point follow one
// another, so that its tiles and weights stay in a CPU core's cache.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SHUFFLE
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 64;
layout(constant_id = 1) const int ROWS = 4;
layout(constant_id = 2) const int COLS = 4;

layout(std430, binding = 0) readonly buffer V { vec4 v[]; };
layout(std430, binding = 1) readonly buffer U { vec4 u[]; };
layout(std430, binding = 2) writeonly buffer M { vec4 m[]; };

layout(push_constant) uniform Push {
    int tiles;
    int k, j; // in vec4
};

#include "inc/conv.glsl"
#include "inc/winograd.glsl"

void main() {
    const int first = workgroup() * LANES * ROWS + lane();
    const int blocks = (j + COLS - 1) / COLS, point = int(gl_WorkGroupID.z) / blocks, column = int(gl_WorkGroupID.z) % blocks * COLS;
    if (workgroup() * LANES * ROWS >= tiles) return;

    int source[ROWS];
    vec4 sum[ROWS * COLS];
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        source[r] = (point * tiles + min(first + LANES * r, tiles - 1)) * k; // past the end: work that is not stored
        [[unroll]] for (int c = 0; c < COLS; c++) sum[r * COLS + c] = vec4(0.0);
    }
    int weights = point * k * 4 * j;
    for (int i = 0; i < k; i++) {
        vec4 row[ROWS];
        [[unroll]] for (int r = 0; r < ROWS; r++) row[r] = v[source[r] + i];
        vec4 four[4]; // a column's weights
        [[unroll]] for (int e = 0; e < 4 * COLS; e += SHARERS) {
            const vec4 loaded = u[weights + min(4 * column + e + sharer(), 4 * j - 1)];
            [[unroll]] for (int n = 0; n < SHARERS; n++) {
                const int c = (e + n) / 4;
                four[(e + n) % 4] = shared4(loaded, n);
                if ((e + n) % 4 == 3 && c < COLS) {
                    [[unroll]] for (int r = 0; r < ROWS; r++) {
                        vec4 s = sum[r * COLS + c];
                        s = fma(vec4(row[r].x), four[0], s);
                        s = fma(vec4(row[r].y), four[1], s);
                        s = fma(vec4(row[r].z), four[2], s);
                        sum[r * COLS + c] = fma(vec4(row[r].w), four[3], s);
                    }
                }
            }
        }
        weights += 4 * j;
    }
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int c = 0; c < COLS; c++) {
            const int tile = first + LANES * r;
            if (tile < tiles && column + c < j) m[(point * tiles + tile) * j + column + c] = sum[r * COLS + c];
        }
    }
}
