// Convolution, gradient of the weights:
//   dw[ky,kx,ci,co] (+)= sum over n,oy,ox of x[n, oy stride + ky - pad, ox stride + kx - pad, ci] dy[n,oy,ox,co]
//
//! variant conv_weight_grad_add -DACCUMULATE
//! variant conv_weight_grad_shuffle -DSHUFFLE
//! variant conv_weight_grad_shuffle_add -DSHUFFLE -DACCUMULATE
//! variant conv_weight_grad_half -DHALF=5
//! variant conv_weight_grad_add_half -DACCUMULATE -DHALF=5
//! variant conv_weight_grad_shuffle_half -DSHUFFLE -DHALF=5
//! variant conv_weight_grad_shuffle_add_half -DSHUFFLE -DACCUMULATE -DHALF=5
//
// shapes     x [N,H,W,CI], dy [N,OH,OW,CO], dw [splits,kernel,kernel,CI,CO]; CI and CO are padded to a multiple of 4
// bindings   0 x, 1 dy, 2 dw, which the add variants add to
// groups     x: blocks of COLUMNS COLS vec4 of CO, y: blocks of ROWS vec4 of the kernel^2 CI input weights, z: split
//
// Why this version: the matrix product of x, unfolded on the fly, with dy. A lane owns COLS vec4 of output channels of ROWS vec4
// of input channels (which may belong to different taps: with 3 channels a tap has only one). Where there are fewer columns than
// lanes, several lanes own the same weights at different pixels, in slots, and add up at the end; without shuffles there is one
// slot: all lanes walk over the same pixels, and x lies at addresses that all share. A split sums a stretch of the pixels, short
// enough for caches; conv_sum.comp adds the splits up.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SHUFFLE
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require
#endif

#include "inc/real.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 64;
layout(constant_id = 1) const int ROWS = 4;
layout(constant_id = 2) const int TURNS = 1; // pixels of a lane that are added to a sum at once; divides COLUMNS with shuffles, is COLUMNS with more than 8 lanes
layout(constant_id = 3) const int COLUMNS = 64; // lanes with columns of their own, a power of two that divides LANES
layout(constant_id = 4) const int COLS = 1; // columns of a lane, COLUMNS apart
const int SLOTS = LANES / COLUMNS;

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
    int share;   // pixels of a split
};

#include "inc/conv.glsl"

// served is what a slot's lanes need of x: what the sharer of a pixel holds, which counts from that of the first slot.
vec4 served(vec4 mine, int pixel, int slot) {
    if (SLOTS == LANES) return mine;
    if (LANES <= 8) return shared4(mine, pixel + slot);
    vec4 v = shared4(mine, pixel);
    [[unroll]] for (int s = 1; s < SLOTS; s++) {
        const vec4 other = shared4(mine, pixel + s);
        v = slot == s ? other : v;
    }
    return v;
}

#ifdef SHUFFLE
// total is the sum over 16 lanes, whose shuffles would be loops.
vec4 total(vec4 mine) {
#define PLUS(n) + subgroupBroadcast(mine, n)
    return subgroupBroadcast(mine, 0u) PLUS(1u) PLUS(2u) PLUS(3u) PLUS(4u) PLUS(5u) PLUS(6u) PLUS(7u)
        PLUS(8u) PLUS(9u) PLUS(10u) PLUS(11u) PLUS(12u) PLUS(13u) PLUS(14u) PLUS(15u);
}
#endif

void main() {
    const int column = int(gl_WorkGroupID.x) * COLUMNS * COLS + lane() % COLUMNS, slot = lane() / COLUMNS;
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
    vec4 sum[4 * ROWS * COLS];
    [[unroll]] for (int i = 0; i < 4 * ROWS * COLS; i++) sum[i] = vec4(0.0);

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
        for (int turn = 0; turn < SHARERS; turn += TURNS * SLOTS) {
            vec4 g[TURNS * COLS];
            [[unroll]] for (int t = 0; t < TURNS; t++) {
                const int pixel = min(first + turn + t * SLOTS + slot, pixels - 1) * co;
                [[unroll]] for (int j = 0; j < COLS; j++) g[t * COLS + j] = LOAD(dy[pixel + min(column + j * COLUMNS, co - 1)]);
            }
            [[unroll]] for (int r = 0; r < ROWS; r++) {
                vec4 v[TURNS];
                [[unroll]] for (int t = 0; t < TURNS; t++) v[t] = served(loaded[r], turn + t * SLOTS, slot);
                [[unroll]] for (int i = 0; i < 4 * COLS; i++) {
                    vec4 s = sum[4 * COLS * r + i];
                    [[unroll]] for (int t = 0; t < TURNS; t++) s = fma(vec4(v[t][i / COLS]), g[t * COLS + i % COLS], s);
                    sum[4 * COLS * r + i] = s;
                }
            }
        }
        at = advance(at, distance, outHeight, outWidth);
    }

#ifdef SHUFFLE
    if (SLOTS == 16) {
        [[unroll]] for (int i = 0; i < 4 * ROWS * COLS; i++) sum[i] = total(sum[i]);
    }
    for (int other = COLUMNS; other < LANES && SLOTS < 16; other *= 2) {
        [[unroll]] for (int i = 0; i < 4 * ROWS * COLS; i++) sum[i] += subgroupShuffle(sum[i], uint(lane() ^ other));
    }
#endif
    if (slot > 0) return;
    [[unroll]] for (int i = 0; i < 4 * ROWS * COLS; i++) {
        const int mine = column + i % COLS * COLUMNS;
        if (row + i / (4 * COLS) < rows && mine < co) {
            const int element = (4 * (split * rows + row) + i / COLS) * co + mine;
#ifdef ACCUMULATE
            dw[element] += sum[i];
#else
            dw[element] = sum[i];
#endif
        }
    }
}
