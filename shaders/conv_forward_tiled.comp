// Convolution by tiles in shared memory, for GPUs: forward, and the gradient of the input. The formulas and bindings are those of
// conv_forward.comp and conv_data_grad.comp.
//
//! variant conv_forward_tiled_add -DACCUMULATE
//! variant conv_data_grad_tiled -DADJOINT
//! variant conv_data_grad_tiled_add -DADJOINT -DACCUMULATE
//! variant conv_forward_tiled_half -DHALF=10
//! variant conv_forward_tiled_add_half -DACCUMULATE -DHALF=10
//! variant conv_data_grad_tiled_half -DADJOINT -DHALF=10
//! variant conv_data_grad_tiled_add_half -DADJOINT -DACCUMULATE -DHALF=10
//! variant winograd_products_tiled -DPOINTS
//! variant winograd_products_tiled_adjoint -DPOINTS -DADJOINT
//
// shapes     x [N,H,W,CI], w [kernel,kernel,CI,CO], bias [CO], y [N,OH,OW,CO]; the adjoint takes dy for x, bias [CI], and gives dx for y;
//            CI and CO are padded to a multiple of 4
// bindings   0 x, 1 w, 2 bias (any buffer where hasBias is 0), 3 y, which the add variants add to; the others, but Winograd's products, also have
//            4 stats, of the norm of x, and 5 partial, for that of y (the buffers 1 and 3 where NORM is 0 and MOMENTS false):
//            inc/normed.glsl, inc/block_moments.glsl
// groups     x,y: blocks of ROWS pixels, linear over N, rows and columns, in the adjoint kind after kind; z: blocks of COLS channels
//
// Why this version: as conv_forward_matrix_half.comp, without matrices: a slice of pixels and one of weights in shared memory, as fp32, the
// next ones on their way into registers. A lane owns DOWN pixels x 4 ACROSS channels, neighbours apart, so that lanes next to each other
// read rows next to each other, which are one vec4 longer than what they hold and so lie in different banks.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"
#if !defined(ACCUMULATE) && !defined(POINTS)
#define FUSES // norms with it
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 64;
layout(constant_id = 1) const int ROWS = 64; // of the workgroup's tile
layout(constant_id = 2) const int COLS = 64;
layout(constant_id = 3) const int DOWN = 8;   // of a lane's
layout(constant_id = 4) const int ACROSS = 2; // in vec4
layout(constant_id = 5) const int VECTORS = 1024; // of shared memory
layout(constant_id = 6) const bool REFLECT = false; // else zeros
layout(constant_id = 7) const uint ACTIVATION = 0u;
layout(constant_id = 8) const uint NORM = 0u; // of what is loaded: no workgroup has pixels of two images then
layout(constant_id = 9) const bool MOMENTS = false; // of what is stored: no 32 pixels of a tile are of two images then

layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer W { REAL4 w[]; };
layout(std430, binding = 2) readonly buffer Bias { vec4 bias[]; };
#ifdef ACCUMULATE
layout(std430, binding = 3) buffer Y { REAL4 y[]; };
#else
layout(std430, binding = 3) writeonly buffer Y { REAL4 y[]; };
#endif
#ifdef FUSES
layout(std430, binding = 4) readonly buffer Stats { vec4 stats[]; };
layout(std430, binding = 5) writeonly buffer Partial { vec4 partial[]; };
#endif

layout(push_constant) uniform Push {
    int images; // N
    int height, width, outHeight, outWidth;
    int ci, co; // in vec4
    int kernel, stride, pad;
    int hasBias;
};

const int SLICE = 16;

#include "inc/activation.glsl"
#include "inc/conv.glsl"
#include "inc/unfold.glsl"

#ifdef ADJOINT
const int WEIGHT_COLS = SLICE; // of the weights' tile, COLS x SLICE
#else
const int WEIGHT_COLS = COLS; // SLICE x COLS
#endif
const int LINES = ROWS / DOWN, LINE = COLS / 4 / ACROSS; // of lanes: how many, and how long

// A lane's part of the tiles, in vec4.
const int PIXEL_LOADS = ROWS * SLICE / 4 / LANES, WEIGHT_LOADS = COLS * SLICE / 4 / LANES;
const int STRIDE = SLICE / 4 + 1, WEIGHT_STRIDE = WEIGHT_COLS / 4 + 1; // from one row of a tile to the next

shared vec4 tile[VECTORS]; // the pixels and behind them the weights; at the end, where MOMENTS, the sums of 32 pixels
const int WEIGHTS = ROWS * STRIDE;

Place place4[PIXEL_LOADS]; // the pixels
int source4[PIXEL_LOADS];  // where the tap finds them, or -1
REAL4 pixel4[PIXEL_LOADS], weight4[WEIGHT_LOADS];

void locate() {
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) source4[i] = source(place4[i]);
}

int channel4() { return slice * (SLICE / 4) + lane() % (SLICE / 4); } // of all pixels that the lane loads
bool inside(int i) { return source4[i] >= 0 && channel4() < FROM; }

#ifdef FUSES
#include "inc/normed.glsl"
#define STORED(i) tile[i]
#include "inc/block_moments.glsl"

int image;         // the workgroup's
ChannelStats stats4; // of channel4()
#endif

// fetch loads a slice into registers. Pixels and channels outside are zero; weights there meet those zeros, or sums that nobody stores.
void fetch(int column) {
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) {
        pixel4[i] = x[inside(i) ? source4[i] * FROM + channel4() : 0];
        if (!inside(i)) pixel4[i] = REAL4(0);
    }
#ifdef FUSES
    if (NORM != 0u) stats4 = statsOf(image, channel4(), FROM);
#endif
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++) {
        const int row = (lane() + i * LANES) / (WEIGHT_COLS / 4), col = (lane() + i * LANES) % (WEIGHT_COLS / 4);
#ifdef ADJOINT
        const ivec2 at = ivec2(column + row, slice * (SLICE / 4) + col); // ci, fourth of co
#else
        const ivec2 at = ivec2(slice * SLICE + row, column / 4 + col);
#endif
        weight4[i] = w[(TAP * 4 * ci + min(at.x, 4 * ci - 1)) * co + min(at.y, co - 1)];
    }
}

// put takes it from there into shared memory.
void put() {
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) {
        const int e = lane() + i * LANES;
#ifdef FUSES
        if (NORM != 0u && inside(i)) pixel4[i] = normed(pixel4[i], stats4);
#endif
        tile[e / (SLICE / 4) * STRIDE + e % (SLICE / 4)] = LOAD(pixel4[i]);
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++) {
        const int e = lane() + i * LANES, row = e / (WEIGHT_COLS / 4);
#ifdef ADJOINT
        const int at = row % 4 * (COLS / 4) + row / 4; // neighbours read every fourth
#else
        const int at = row;
#endif
        tile[WEIGHTS + at * WEIGHT_STRIDE + e % (WEIGHT_COLS / 4)] = LOAD(weight4[i]);
    }
}

void main() {
    const int column = int(gl_WorkGroupID.z) * COLS; // channel
    const int first = blockOf(ROWS), line = lane() / LINE, across = lane() % LINE;
    if (first < 0) return;
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) place4[i] = pixel(first + (lane() + i * LANES) / (SLICE / 4)); // past the end: of no image

#ifdef FUSES
    image = pixel(first).n;
#endif

    vec4 sums[DOWN * ACROSS];
    [[unroll]] for (int i = 0; i < DOWN * ACROSS; i++) sums[i] = vec4(0.0);

    const int steps = start();
    if (steps > 0) {
        locate();
        fetch(column);
    }
    for (int s = 0; s < steps; s++) {
        barrier(); // all have read the slice before
        put();
        barrier();
        if (s + 1 < steps) {
            if (next()) locate();
            fetch(column);
        }
        for (int k = 0; k < SLICE / 4; k++) {
            vec4 v[DOWN];
            [[unroll]] for (int i = 0; i < DOWN; i++) v[i] = tile[(line + i * LINES) * STRIDE + k];
            [[unroll]] for (int j = 0; j < ACROSS; j++) {
                vec4 four[4];
                [[unroll]] for (int e = 0; e < 4; e++) {
#ifdef ADJOINT
                    four[e] = tile[WEIGHTS + (e * (COLS / 4) + across + j * LINE) * WEIGHT_STRIDE + k]; // four of one channel that is written
#else
                    four[e] = tile[WEIGHTS + (4 * k + e) * WEIGHT_STRIDE + across + j * LINE]; // four channels that are written, of one
#endif
                }
                [[unroll]] for (int i = 0; i < DOWN; i++) {
                    vec4 sum = sums[i * ACROSS + j];
#ifdef ADJOINT
                    [[unroll]] for (int e = 0; e < 4; e++) {
                        sum[e] = fma(v[i].x, four[e].x, sum[e]);
                        sum[e] = fma(v[i].y, four[e].y, sum[e]);
                        sum[e] = fma(v[i].z, four[e].z, sum[e]);
                        sum[e] = fma(v[i].w, four[e].w, sum[e]);
                    }
#else
                    [[unroll]] for (int e = 0; e < 4; e++) sum = fma(vec4(v[i][e]), four[e], sum);
#endif
                    sums[i * ACROSS + j] = sum;
                }
            }
        }
    }

    [[unroll]] for (int i = 0; i < DOWN; i++) {
        const Place p = pixel(first + line + i * LINES);
        [[unroll]] for (int j = 0; j < ACROSS; j++) {
            const int channel = column / 4 + across + j * LINE; // a vec4
            if (p.n < images && channel < TO) {
                const vec4 v = activate(sums[i * ACROSS + j] + (hasBias != 0 ? bias[channel] : vec4(0.0)));
#ifdef ACCUMULATE
                ADD(y[target(p) * TO + channel], v);
#else
                y[target(p) * TO + channel] = STORE(v);
#endif
#ifdef FUSES
                sums[i * ACROSS + j] = LOAD(STORE(v));
#endif
            }
        }
    }
#ifdef FUSES
    if (!MOMENTS) return;
    [[unroll]] for (int b = 0; b < ROWS / BLOCK; b++) {
        barrier(); // all have read what was there
        [[unroll]] for (int i = 0; i < DOWN; i++) {
            const int row = line + i * LINES - b * BLOCK;
            [[unroll]] for (int j = 0; j < ACROSS; j++) {
                if (row >= 0 && row < BLOCK) tile[row * (COLS / 4) + across + j * LINE] = sums[i * ACROSS + j];
            }
        }
        barrier();
        if (lane() < COLS / 4 && column / 4 + lane() < TO && first + b * BLOCK < pixels()) {
            for (int row = 0; row < BLOCK; row += 16) look(row * (COLS / 4) + lane(), COLS / 4, 16, row == 0);
            keep(first + b * BLOCK, column / 4 + lane());
        }
    }
#endif
}
