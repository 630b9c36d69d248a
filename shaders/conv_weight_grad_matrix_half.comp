// Convolution of tensors of 16 bits by cooperative matrices: the gradient of the weights. Formula and bindings are those of
// conv_weight_grad.comp.
//
//! glslang 13
//! variant conv_weight_grad_matrix_add_half -DACCUMULATE
//! variant conv_weight_grad_matrix_workgroup_half -DWORKGROUP
//! variant conv_weight_grad_matrix_workgroup_add_half -DWORKGROUP -DACCUMULATE
//! glslang 16
//! variant conv_weight_grad_matrix_bf16_half -DBFLOAT16
//! variant conv_weight_grad_matrix_bf16_add_half -DBFLOAT16 -DACCUMULATE
//! variant conv_weight_grad_matrix_workgroup_bf16_half -DWORKGROUP -DBFLOAT16
//! variant conv_weight_grad_matrix_workgroup_bf16_add_half -DWORKGROUP -DBFLOAT16 -DACCUMULATE
//
// shapes     x [N,H,W,CI], dy [N,OH,OW,CO], dw [splits,kernel,kernel,CI,CO] in fp32; CI and CO are padded to a multiple of 8
// bindings   0 x, 1 dy, 2 dw, which the add variant adds to, 3 stats, of the norm of x or of dy (any buffer where NORM is 0): inc/normed.glsl
// groups     x: blocks of COLS output channels, y: taps, each with its blocks of ROWS input channels, z: split
//
// Why this version: one tap's weights are the matrix product of x, moved by the tap and transposed, with dy, contracted over pixels
// in slices of 32. A slice of both waits in shared memory, pixel by pixel as it came: the matrices are loaded from there by columns.
// The next slice is on its way meanwhile. A split sums a stretch of the pixels, so that there is work for a whole GPU;
// conv_sum.comp adds the splits up.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#ifdef BFLOAT16
#extension GL_EXT_bfloat16 : require
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif

#define HALF 10
#include "inc/real.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 128;
layout(constant_id = 8) const uint NORM = 0u; // of what is loaded: no slice has pixels of two images then
layout(constant_id = 9) const bool NORM_OF_DY = false; // as in a transposed convolution; else of x

layout(std430, binding = 0) readonly buffer X { uvec4 x[]; };
layout(std430, binding = 1) readonly buffer DY { uvec4 dy[]; };
layout(std430, binding = 3) readonly buffer Stats { vec4 stats[]; };
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
    int share;   // pixels of a split, a multiple of SLICE
};

#include "inc/activation.glsl"
#include "inc/conv.glsl"
#include "inc/matrix.glsl"
#include "inc/normed.glsl"

// A lane's part of the tiles, in vectors of 8 channels of a pixel. The tile of dy lies behind that of x.
const int X_LOADS = ROWS * SLICE / 8 / LANES, DY_LOADS = COLS * SLICE / 8 / LANES;
const int BEHIND = SLICE * ROWS_STRIDE;

Place place8[X_LOADS]; // the pixels of dy that the lane finds in x
uvec4 x8[X_LOADS], dy8[DY_LOADS];
bool inside8[X_LOADS];
ChannelStats stats8[2];

// fetch loads a slice, from pixel `first` on, into registers. In x, what lies outside is zero; dy there meets those zeros, or sums that
// nobody stores.
void fetch(int first, int end, int ky, int kx, int row, int column) {
    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        const int e = lane() + i * LANES, channel = row / 8 + e % (ROWS / 8);
        int iy = place8[i].y * stride - pad + ky, ix = place8[i].x * stride - pad + kx;
        if (reflect != 0) {
            iy = mirror(iy, height);
            ix = mirror(ix, width);
        }
        inside8[i] = first + e / (ROWS / 8) < end && channel < ci / 2 && uint(iy) < uint(height) && uint(ix) < uint(width);
        x8[i] = x[inside8[i] ? ((place8[i].n * height + iy) * width + ix) * (ci / 2) + channel : 0];
        if (!inside8[i]) x8[i] = uvec4(0);
    }
    [[unroll]] for (int i = 0; i < DY_LOADS; i++) {
        const int e = lane() + i * LANES, channel = column / 8 + e % (COLS / 8);
        dy8[i] = dy[min(first + e / (COLS / 8), end - 1) * (co / 2) + min(channel, co / 2 - 1)];
    }
    if (NORM != 0u) {
        const int channel = NORM_OF_DY ? column / 8 + lane() % (COLS / 8) : row / 8 + lane() % (ROWS / 8);
        [[unroll]] for (int i = 0; i < 2; i++) stats8[i] = statsOf(first / (outHeight * outWidth), 2 * channel + i, NORM_OF_DY ? co : ci);
    }
}

// put takes it from there into shared memory.
void put() {
    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        const int e = lane() + i * LANES;
        if (NORM != 0u && !NORM_OF_DY && inside8[i]) x8[i] = uvec4(normed(x8[i].xy, stats8[0]), normed(x8[i].zw, stats8[1]));
        vectors[e / (ROWS / 8) * ROWS_STRIDE + e % (ROWS / 8)] = x8[i];
    }
    [[unroll]] for (int i = 0; i < DY_LOADS; i++) {
        const int e = lane() + i * LANES;
        if (NORM != 0u && NORM_OF_DY) dy8[i] = uvec4(normed(dy8[i].xy, stats8[0]), normed(dy8[i].zw, stats8[1]));
        vectors[BEHIND + e / (COLS / 8) * COLS_STRIDE + e % (COLS / 8)] = dy8[i];
    }
}

void main() {
    const int blocks = (4 * ci + ROWS - 1) / ROWS, tap = int(gl_WorkGroupID.y) / blocks, ky = tap / kernel, kx = tap % kernel;
    const int row = int(gl_WorkGroupID.y) % blocks * ROWS, column = int(gl_WorkGroupID.x) * COLS; // channels
    const int split = int(gl_WorkGroupID.z), end = min((split + 1) * share, images * outHeight * outWidth);

    const Place distance = place(SLICE, outHeight, outWidth);
    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        place8[i] = place(split * share + (lane() + i * LANES) / (ROWS / 8), outHeight, outWidth);
    }
    SUM sums[DOWN * ACROSS];
    [[unroll]] for (int i = 0; i < DOWN * ACROSS; i++) sums[i] = SUM(0.0);

    fetch(split * share, end, ky, kx, row, column);
    for (int first = split * share; first < end; first += SLICE) {
        barrier(); // all have read the slice before
        put();
        barrier();
        if (first + SLICE < end) {
            [[unroll]] for (int i = 0; i < X_LOADS; i++) place8[i] = advance(place8[i], distance, outHeight, outWidth);
            fetch(first + SLICE, end, ky, kx, row, column);
        }
        [[unroll]] for (int k = 0; k < SLICE; k += K) {
            LEFT left[DOWN];
            [[unroll]] for (int i = 0; i < DOWN; i++) {
                coopMatLoad(left[i], vectors, uint(k * ROWS_STRIDE + firstRow(i) / 8), uint(ROWS_STRIDE), BY_COLUMNS);
            }
            [[unroll]] for (int j = 0; j < ACROSS; j++) {
                RIGHT right;
                coopMatLoad(right, vectors, uint(BEHIND + k * COLS_STRIDE + firstColumn(j) / 8), uint(COLS_STRIDE), BY_ROWS);
                [[unroll]] for (int i = 0; i < DOWN; i++) sums[i * ACROSS + j] = coopMatMulAdd(left[i], right, sums[i * ACROSS + j]);
            }
        }
    }

    [[unroll]] for (int i = 0; i < DOWN; i++) {
        barrier(); // all have read what was there
        [[unroll]] for (int j = 0; j < ACROSS; j++) STAGE(sums[i * ACROSS + j], j);
        barrier();
        for (int e = lane(); e < STAGED; e += LANES) {
            const int from = row + stagedRow(e, i), channel = column / 4 + stagedColumn(e); // a vec4 of outputs
            if (from < 4 * ci && channel < co) {
                const int element = ((split * kernel * kernel + tap) * 4 * ci + from) * co + channel;
#ifdef ACCUMULATE
                dw[element] += stagedSum(e);
#else
                dw[element] = stagedSum(e);
#endif
            }
        }
    }
}
