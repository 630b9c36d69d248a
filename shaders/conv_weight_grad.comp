// Convolution, gradient of the weights:
//   dw[ky,kx,ci,co] (+)= sum over n,oy,ox of x[n, oy stride + ky - pad, ox stride + kx - pad, ci] dy[n,oy,ox,co]
//
//! variant conv_weight_grad_add -DACCUMULATE
//! variant conv_weight_grad_shuffle -DSHUFFLE
//! variant conv_weight_grad_shuffle_add -DSHUFFLE -DACCUMULATE
//! variant conv_weight_grad_half -DHALF=3
//! variant conv_weight_grad_add_half -DACCUMULATE -DHALF=3
//! variant conv_weight_grad_shuffle_half -DSHUFFLE -DHALF=3
//! variant conv_weight_grad_shuffle_add_half -DSHUFFLE -DACCUMULATE -DHALF=3
//
// shapes     x [N,H,W,CI], dy [N,OH,OW,CO], dw [splits,kernel,kernel,CI,CO]; CI and CO are padded to a multiple of 4
// bindings   0 x, 1 dy, 2 dw, which the add variants add to
// groups     x: blocks of `columns` vec4 of CO, y: blocks of ROWS vec4 of the kernel^2 CI input weights, z: split
//
// Why this version: the matrix product of x, unfolded on the fly, with dy. A lane owns one vec4 of output channels of ROWS vec4
// of input channels (which may belong to different taps: with 3 channels a tap has only one). Where there are fewer columns than
// lanes, several lanes own the same weights at different pixels, in slots, and add up at the end; without shuffles there is one
// slot: all lanes walk over the same pixels, and x lies at addresses that all share. A split sums a stretch of the pixels, short
// enough for caches; conv_sum.comp adds the splits up.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SHUFFLE
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#endif

#include "inc/real.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 64;
layout(constant_id = 1) const int ROWS = 4;
layout(constant_id = 2) const int TURNS = 1; // pixels of a lane that are added to a sum at once; divides `columns` with shuffles

layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer DY { REAL4 dy[]; };
#ifdef ACCUMULATE
layout(std430, binding = 2) buffer DW { vec4 dw[]; };
#else
layout(std430, binding = 2) writeonly buffer DW { vec4 dw[]; };
#endif

layout(push_constant) uniform Push {
    int images; // N
    int height, width, outHeight, outWidth;
    int ci, co; // in vec4
    int kernel, stride, pad;
    int reflect; // else zeros
    int columns; // of a workgroup, a power of two that divides LANES
    int share;   // pixels of a split
};

#include "inc/conv.glsl"

void main() {
    const int column = int(gl_WorkGroupID.x) * columns + lane() % columns, slot = lane() / columns;
    const int slots = LANES / columns;
    const int row = int(gl_WorkGroupID.y) * ROWS, rows = kernel * kernel * ci, split = int(gl_WorkGroupID.z);
    const int pixels = images * outHeight * outWidth;

    int top[ROWS], left[ROWS], channel[ROWS]; // of each row: where its tap looks, which vec4 of channels
    Place tap = place(row, kernel, ci); // ky, kx, ci
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        top[r] = tap.n - pad;
        left[r] = tap.y - pad;
        channel[r] = tap.x;
        tap = advance(tap, Place(0, 0, 1), kernel, ci);
    }
    vec4 sum[4 * ROWS];
    [[unroll]] for (int i = 0; i < 4 * ROWS; i++) sum[i] = vec4(0.0);

    // SHARERS pixels at a time: each sharer loads x of one; then they are served in turn, one in each slot.
    Place at = place(split * share + sharer(), outHeight, outWidth);
    const Place distance = place(SHARERS, outHeight, outWidth);
    const int end = min((split + 1) * share, pixels);
    for (int first = split * share; first < end; first += SHARERS) {
        vec4 loaded[ROWS];
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            int iy = at.y * stride + top[r], ix = at.x * stride + left[r];
            if (reflect != 0) {
                iy = mirror(iy, height);
                ix = mirror(ix, width);
            }
            const bool inside = first + sharer() < end && uint(iy) < uint(height) && uint(ix) < uint(width);
            loaded[r] = LOAD(x[inside ? ((at.n * height + iy) * width + ix) * ci + channel[r] : 0]);
            loaded[r] = inside ? loaded[r] : vec4(0.0);
        }
        for (int turn = 0; turn < SHARERS; turn += TURNS * slots) {
            vec4 g[TURNS];
            [[unroll]] for (int t = 0; t < TURNS; t++) {
                g[t] = LOAD(dy[min(first + turn + t * slots + slot, pixels - 1) * co + min(column, co - 1)]);
            }
            [[unroll]] for (int r = 0; r < ROWS; r++) {
                vec4 v[TURNS];
                [[unroll]] for (int t = 0; t < TURNS; t++) v[t] = shared4(loaded[r], turn + t * slots + slot);
                [[unroll]] for (int i = 0; i < 4; i++) {
                    vec4 s = sum[4 * r + i];
                    [[unroll]] for (int t = 0; t < TURNS; t++) s = fma(vec4(v[t][i]), g[t], s);
                    sum[4 * r + i] = s;
                }
            }
        }
        at = advance(at, distance, outHeight, outWidth);
    }

#ifdef SHUFFLE
    for (int other = columns; other < LANES; other *= 2) {
        [[unroll]] for (int i = 0; i < 4 * ROWS; i++) sum[i] += subgroupShuffle(sum[i], uint(lane() ^ other));
    }
#endif
    if (slot > 0 || column >= co) return;
    [[unroll]] for (int i = 0; i < 4 * ROWS; i++) {
        if (row + i / 4 < rows) {
            const int element = (4 * (split * rows + row) + i) * co + column;
#ifdef ACCUMULATE
            dw[element] += sum[i];
#else
            dw[element] = sum[i];
#endif
        }
    }
}
