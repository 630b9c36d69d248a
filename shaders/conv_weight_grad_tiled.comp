// Convolution by tiles in shared memory, for GPUs: the gradient of the weights. Formula and bindings are those of conv_weight_grad.comp.
//
//! variant conv_weight_grad_tiled_add -DACCUMULATE
//! variant conv_weight_grad_tiled_half -DHALF=8
//! variant conv_weight_grad_tiled_add_half -DACCUMULATE -DHALF=8
//
// shapes     x [N,H,W,CI], dy [N,OH,OW,CO], dw [splits,kernel,kernel,CI,CO] in fp32; CI and CO are padded to a multiple of 4
// bindings   0 x, 1 dy, 2 dw, which the add variants add to, 3 stats, of the norm of x or of dy (any buffer where NORM is 0): inc/normed.glsl
// groups     x: blocks of COLS output channels, y: taps, each with its blocks of ROWS input channels, z: split
//
// Why this version: as conv_weight_grad_matrix_half.comp, without matrices: slices of 16 pixels, in shared memory as fp32. A lane owns
// DOWN vec4 of input channels x ACROSS vec4 of output channels, neighbours apart, and reads a few vec4 of a pixel for 16 sums of each pair.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 64;
layout(constant_id = 1) const int ROWS = 64; // of the workgroup's tile
layout(constant_id = 2) const int COLS = 64;
layout(constant_id = 3) const int CHANNELS = 8; // of a lane's tile, down
layout(constant_id = 4) const int ACROSS = 2;   // in vec4
layout(constant_id = 6) const uint NORM = 0u; // of what is loaded: no slice has pixels of two images then (5 is for conv_forward_tiled.comp)
layout(constant_id = 7) const bool NORM_OF_DY = false; // as in a transposed convolution; else of x

layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer DY { REAL4 dy[]; };
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
#include "inc/normed.glsl"

const int SLICE = 16, DOWN = CHANNELS / 4;
const int LINES = ROWS / 4 / DOWN, LINE = COLS / 4 / ACROSS; // of lanes: how many, and how long

// A lane's part of the tiles, in vec4 of a pixel.
const int X_LOADS = ROWS * SLICE / 4 / LANES, DY_LOADS = COLS * SLICE / 4 / LANES;

shared vec4 xTile[SLICE * ROWS / 4];
shared vec4 dyTile[SLICE * COLS / 4];

Place place4[X_LOADS]; // the pixels of dy that the lane finds in x
REAL4 x4[X_LOADS], dy4[DY_LOADS];
bool inside4[X_LOADS];
ChannelStats stats4;

// fetch loads a slice, from pixel `first` on, into registers. In x, what lies outside is zero; dy there meets those zeros, or sums that
// nobody stores.
void fetch(int first, int end, int ky, int kx, int row, int column) {
    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        const int e = lane() + i * LANES, channel = row / 4 + e % (ROWS / 4);
        int iy = place4[i].y * stride - pad + ky, ix = place4[i].x * stride - pad + kx;
        if (reflect != 0) {
            iy = mirror(iy, height);
            ix = mirror(ix, width);
        }
        inside4[i] = first + e / (ROWS / 4) < end && channel < ci && uint(iy) < uint(height) && uint(ix) < uint(width);
        x4[i] = x[inside4[i] ? ((place4[i].n * height + iy) * width + ix) * ci + channel : 0];
        if (!inside4[i]) x4[i] = REAL4(0);
    }
    [[unroll]] for (int i = 0; i < DY_LOADS; i++) {
        const int e = lane() + i * LANES, channel = column / 4 + e % (COLS / 4);
        dy4[i] = dy[min(first + e / (COLS / 4), end - 1) * co + min(channel, co - 1)];
    }
    if (NORM != 0u) {
        const int image = first / (outHeight * outWidth), channels = NORM_OF_DY ? co : ci;
        const int channel = NORM_OF_DY ? column / 4 + lane() % (COLS / 4) : row / 4 + lane() % (ROWS / 4);
        stats4 = statsOf(image, channel, channels);
    }
}

// put takes it from there into shared memory.
void put() {
    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        if (NORM != 0u && !NORM_OF_DY && inside4[i]) x4[i] = normed(x4[i], stats4);
        xTile[lane() + i * LANES] = LOAD(x4[i]);
    }
    [[unroll]] for (int i = 0; i < DY_LOADS; i++) {
        if (NORM != 0u && NORM_OF_DY) dy4[i] = normed(dy4[i], stats4);
        dyTile[lane() + i * LANES] = LOAD(dy4[i]);
    }
}

void main() {
    const int blocks = (4 * ci + ROWS - 1) / ROWS, tap = int(gl_WorkGroupID.y) / blocks, ky = tap / kernel, kx = tap % kernel;
    const int row = int(gl_WorkGroupID.y) % blocks * ROWS, column = int(gl_WorkGroupID.x) * COLS; // channels
    const int split = int(gl_WorkGroupID.z), end = min((split + 1) * share, images * outHeight * outWidth);
    const int line = lane() / LINE, across = lane() % LINE;

    const Place distance = place(SLICE, outHeight, outWidth);
    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        place4[i] = place(split * share + (lane() + i * LANES) / (ROWS / 4), outHeight, outWidth);
    }
    vec4 sums[4 * DOWN * ACROSS];
    [[unroll]] for (int i = 0; i < 4 * DOWN * ACROSS; i++) sums[i] = vec4(0.0);

    fetch(split * share, end, ky, kx, row, column);
    for (int first = split * share; first < end; first += SLICE) {
        barrier(); // all have read the slice before
        put();
        barrier();
        if (first + SLICE < end) {
            [[unroll]] for (int i = 0; i < X_LOADS; i++) place4[i] = advance(place4[i], distance, outHeight, outWidth);
            fetch(first + SLICE, end, ky, kx, row, column);
        }
        for (int k = 0; k < SLICE; k++) {
            vec4 g[ACROSS];
            [[unroll]] for (int j = 0; j < ACROSS; j++) g[j] = dyTile[k * (COLS / 4) + across + j * LINE];
            [[unroll]] for (int i = 0; i < DOWN; i++) {
                const vec4 v = xTile[k * (ROWS / 4) + line + i * LINES];
                [[unroll]] for (int e = 0; e < 4; e++) {
                    [[unroll]] for (int j = 0; j < ACROSS; j++) {
                        const int at = (4 * i + e) * ACROSS + j;
                        sums[at] = fma(vec4(v[e]), g[j], sums[at]);
                    }
                }
            }
        }
    }

    [[unroll]] for (int i = 0; i < 4 * DOWN; i++) {
        const int from = row + 4 * (line + i / 4 * LINES) + i % 4;
        [[unroll]] for (int j = 0; j < ACROSS; j++) {
            const int channel = column / 4 + across + j * LINE; // a vec4 of outputs
            if (from < 4 * ci && channel < co) {
                const int element = ((split * kernel * kernel + tap) * 4 * ci + from) * co + channel;
#ifdef ACCUMULATE
                dw[element] += sums[i * ACROSS + j];
#else
                dw[element] = sums[i * ACROSS + j];
#endif
            }
        }
    }
}
