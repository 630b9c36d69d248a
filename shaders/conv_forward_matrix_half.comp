// Convolution of tensors of 16 bits by cooperative matrices: forward, and the gradient of the input. The formulas and bindings are those
// of conv_forward.comp and conv_data_grad.comp.
//
//! glslang 13
//! variant conv_forward_matrix_add_half -DACCUMULATE
//! variant conv_data_grad_matrix_half -DADJOINT
//! variant conv_data_grad_matrix_add_half -DADJOINT -DACCUMULATE
//! variant winograd_products_matrix_half -DPOINTS
//! variant winograd_products_matrix_adjoint_half -DPOINTS -DADJOINT
//! variant conv_forward_matrix_workgroup_half -DWORKGROUP
//! variant conv_forward_matrix_workgroup_add_half -DWORKGROUP -DACCUMULATE
//! variant conv_data_grad_matrix_workgroup_half -DWORKGROUP -DADJOINT
//! variant conv_data_grad_matrix_workgroup_add_half -DWORKGROUP -DADJOINT -DACCUMULATE
//! glslang 16
//! variant conv_forward_matrix_bf16_half -DBFLOAT16
//! variant conv_forward_matrix_bf16_add_half -DBFLOAT16 -DACCUMULATE
//! variant conv_data_grad_matrix_bf16_half -DBFLOAT16 -DADJOINT
//! variant conv_data_grad_matrix_bf16_add_half -DBFLOAT16 -DADJOINT -DACCUMULATE
//! variant conv_forward_matrix_workgroup_bf16_half -DWORKGROUP -DBFLOAT16
//! variant conv_forward_matrix_workgroup_bf16_add_half -DWORKGROUP -DBFLOAT16 -DACCUMULATE
//! variant conv_data_grad_matrix_workgroup_bf16_half -DWORKGROUP -DBFLOAT16 -DADJOINT
//! variant conv_data_grad_matrix_workgroup_bf16_add_half -DWORKGROUP -DBFLOAT16 -DADJOINT -DACCUMULATE
//
// shapes     x [N,H,W,CI], w [kernel,kernel,CI,CO], bias [CO], y [N,OH,OW,CO]; the adjoint takes dy for x, bias [CI], and gives dx for y;
//            CI and CO are padded to a multiple of 8
// bindings   0 x, 1 w, 2 bias (any buffer where hasBias is 0), 3 y, which the add variants add to; the others, but Winograd's products, also have
//            4 stats, of the norm of x, and 5 partial, for that of y (the buffers 1 and 3 where NORM is 0 and MOMENTS false):
//            inc/normed.glsl, inc/block_moments.glsl
// groups     x,y: blocks of ROWS pixels, linear over N, rows and columns, in the adjoint kind after kind; z: blocks of COLS channels
//
// Why this version: an implicit GEMM, pixels by channels, contracted over taps and, in slices of 32, over channels. A slice of the unfolded
// pixels and one of the weights wait in shared memory, so that each 16 bytes from global memory serve COLS or ROWS sums; while they
// are multiplied, the next ones are on their way into registers. Products of 16 bits are exact, sums fp32, their order that of the
// taps and channels, whatever the tile.
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

#define HALF 12
#include "inc/real.glsl"
#if !defined(ACCUMULATE) && !defined(POINTS)
#define FUSES // norms with it
#endif
#ifdef POINTS // sums stay fp32
#define Y4 vec4
#define RESULT(v) v
#else
#define Y4 uvec2
#define RESULT(v) STORE(v)
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int LANES = 128;
layout(constant_id = 8) const bool REFLECT = false; // else zeros
layout(constant_id = 9) const uint ACTIVATION = 0u;
layout(constant_id = 10) const uint NORM = 0u; // of what is loaded: no workgroup has pixels of two images then
layout(constant_id = 11) const bool MOMENTS = false; // of what is stored: no 32 pixels of a tile's part are of two images then

layout(std430, binding = 0) readonly buffer X { uvec4 x[]; };
layout(std430, binding = 1) readonly buffer W { uvec4 w[]; };
layout(std430, binding = 2) readonly buffer Bias { vec4 bias[]; };
#ifdef ACCUMULATE
layout(std430, binding = 3) buffer Y { uvec2 y[]; };
#else
layout(std430, binding = 3) writeonly buffer Y { Y4 y[]; };
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

#include "inc/activation.glsl"
#include "inc/conv.glsl"
#include "inc/matrix.glsl"
#include "inc/unfold.glsl"

#ifdef ADJOINT
const int WEIGHT_ROWS = COLS, WEIGHT_COLS = SLICE, LAYOUT = BY_COLUMNS; // of the weights' tile
#else
const int WEIGHT_ROWS = SLICE, WEIGHT_COLS = COLS, LAYOUT = BY_ROWS;
#endif

// A lane's part of the tiles, in vectors of 8 elements. The weights' tile lies behind that of the pixels.
const int PIXEL_LOADS = ROWS * SLICE / 8 / LANES, WEIGHT_LOADS = COLS * SLICE / 8 / LANES;
const int WEIGHTS = ROWS * SLICE_STRIDE, WEIGHT_STRIDE = WEIGHT_COLS / 8 + 1;

Place place8[PIXEL_LOADS]; // the pixels
int source8[PIXEL_LOADS];  // where the tap finds them, or -1
uvec4 pixel8[PIXEL_LOADS], weight8[WEIGHT_LOADS];

void locate() {
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) source8[i] = source(place8[i]);
}

int channel8() { return slice * (SLICE / 8) + lane() % (SLICE / 8); } // of all pixels that the lane loads
bool inside(int i) { return source8[i] >= 0 && channel8() < FROM / 2; }

#ifdef FUSES
#include "inc/normed.glsl"
#define STORED(i) uintBitsToFloat(vectors[i])
#include "inc/block_moments.glsl"

int image;              // the workgroup's
ChannelStats stats8[2]; // of channel8()
#endif

// fetch loads a slice into registers. Pixels and channels outside are zero; weights there meet those zeros, or sums that nobody stores.
void fetch(int column) {
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) {
        pixel8[i] = x[inside(i) ? source8[i] * (FROM / 2) + channel8() : 0];
        if (!inside(i)) pixel8[i] = uvec4(0);
    }
#ifdef FUSES
    if (NORM != 0u) {
        [[unroll]] for (int i = 0; i < 2; i++) stats8[i] = statsOf(image, 2 * channel8() + i, FROM);
    }
#endif
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++) {
        const int row = (lane() + i * LANES) / (WEIGHT_COLS / 8), col = (lane() + i * LANES) % (WEIGHT_COLS / 8);
#ifdef ADJOINT
        const ivec2 at = ivec2(column + row, slice * (SLICE / 8) + col); // ci, eighth of co
#else
        const ivec2 at = ivec2(slice * SLICE + row, column / 8 + col);
#endif
        weight8[i] = w[(TAP * 4 * ci + min(at.x, 4 * ci - 1)) * (co / 2) + min(at.y, co / 2 - 1)];
    }
}

// put takes it from there into shared memory.
void put() {
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) {
        const int e = lane() + i * LANES;
#ifdef FUSES
        if (NORM != 0u && inside(i)) pixel8[i] = uvec4(normed(pixel8[i].xy, stats8[0]), normed(pixel8[i].zw, stats8[1]));
#endif
        vectors[e / (SLICE / 8) * SLICE_STRIDE + e % (SLICE / 8)] = pixel8[i];
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; i++) {
        const int e = lane() + i * LANES;
        vectors[WEIGHTS + e / (WEIGHT_COLS / 8) * WEIGHT_STRIDE + e % (WEIGHT_COLS / 8)] = weight8[i];
    }
}

void main() {
    const int column = int(gl_WorkGroupID.z) * COLS; // channel
    const int first = blockOf(ROWS);
    if (first < 0) return;
    [[unroll]] for (int i = 0; i < PIXEL_LOADS; i++) place8[i] = pixel(first + (lane() + i * LANES) / (SLICE / 8)); // past the end: of no image

#ifdef FUSES
    image = pixel(first).n;
#endif

    SUM sums[DOWN * ACROSS];
    [[unroll]] for (int i = 0; i < DOWN * ACROSS; i++) sums[i] = SUM(0.0);

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
        [[unroll]] for (int k = 0; k < SLICE; k += K) {
            LEFT left[DOWN];
            [[unroll]] for (int i = 0; i < DOWN; i++) {
                coopMatLoad(left[i], vectors, uint(firstRow(i) * SLICE_STRIDE + k / 8), uint(SLICE_STRIDE), BY_ROWS);
            }
            [[unroll]] for (int j = 0; j < ACROSS; j++) {
                RIGHT right;
                const int across = firstColumn(j);
#ifdef ADJOINT
                const int at = across * WEIGHT_STRIDE + k / 8;
#else
                const int at = k * WEIGHT_STRIDE + across / 8;
#endif
                coopMatLoad(right, vectors, uint(WEIGHTS + at), uint(WEIGHT_STRIDE), LAYOUT);
                [[unroll]] for (int i = 0; i < DOWN; i++) sums[i * ACROSS + j] = coopMatMulAdd(left[i], right, sums[i * ACROSS + j]);
            }
        }
    }

    [[unroll]] for (int i = 0; i < DOWN; i++) {
        barrier(); // all have read what was there
        [[unroll]] for (int j = 0; j < ACROSS; j++) STAGE(sums[i * ACROSS + j], j);
        barrier();
        for (int e = lane(); e < STAGED; e += LANES) {
            const Place p = pixel(first + stagedRow(e, i));
            const int channel = column / 4 + stagedColumn(e); // a vec4
            if (p.n < images && channel < TO) {
                const vec4 v = activate(stagedSum(e) + (hasBias != 0 ? bias[channel] : vec4(0.0)));
#ifdef ACCUMULATE
                ADD(y[target(p) * TO + channel], v);
#else
                y[target(p) * TO + channel] = RESULT(v);
#endif
#ifdef FUSES
                if (MOMENTS) restage(e, LOAD(STORE(v)));
#endif
            }
        }
#ifdef FUSES
        if (!MOMENTS) continue;
        barrier();
        // A lane has a column of the rows of one half, of which M are staged: a part of a block, or whole blocks.
        const int side = lane() / (COLS / 4), col = lane() % (COLS / 4), part = M < BLOCK ? M : BLOCK;
        for (int r = 0; r < M; r += part) {
            const int row = i * M + r, start = first + side * (ROWS / HALVES) + row / BLOCK * BLOCK;
            if (side < HALVES && column / 4 + col < TO && start < pixels()) {
                look((side * M + r) * SUM_STRIDE + col, SUM_STRIDE, part, row % BLOCK == 0);
                if ((row + part) % BLOCK == 0) keep(start, column / 4 + col);
            }
        }
#endif
    }
}
