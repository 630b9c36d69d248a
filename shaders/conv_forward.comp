// Convolution, forward, and so the data gradient of a transposed convolution:
//   y[n,oy,ox,co] (+)= act(bias[co] + sum over ky,kx,ci of x[n, oy stride + ky - pad, ox stride + kx - pad, ci] w[ky,kx,ci,co])
//
//! variant conv_forward_add -DACCUMULATE
//! variant conv_forward_shuffle -DSHUFFLE
//! variant conv_forward_shuffle_add -DSHUFFLE -DACCUMULATE
//! variant conv_forward_half -DHALF=5
//! variant conv_forward_add_half -DACCUMULATE -DHALF=5
//! variant conv_forward_shuffle_half -DSHUFFLE -DHALF=5
//! variant conv_forward_shuffle_add_half -DSHUFFLE -DACCUMULATE -DHALF=5
//
// shapes     x [N,H,W,CI], w [kernel,kernel,CI,CO], bias [CO], y [N,OH,OW,CO]; CI and CO are padded to a multiple of 4
// bindings   0 x, 1 w, 2 bias (any buffer where hasBias is 0), 3 y, which the add variants add to
// groups     x,y: blocks of LANES ROWS output pixels, linear over N OH OW; z: blocks of COLS vec4 of output channels
//
// Why this version: a direct implicit GEMM without shared memory. A lane owns ROWS pixels, LANES apart, and COLS vec4 of output
// channels. Each loaded pixel serves 4 COLS channels, each weight serves ROWS pixels. All lanes need the same weights.
// Padding is a matter of addresses, settled once for each tap. Every sum runs in the same order, whatever the tile.
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
layout(constant_id = 2) const int COLS = 4;
layout(constant_id = 3) const bool REFLECT = false; // else zeros
layout(constant_id = 4) const uint ACTIVATION = 0u;

layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer W { REAL4 w[]; };
layout(std430, binding = 2) readonly buffer Bias { vec4 bias[]; };
#ifdef ACCUMULATE
layout(std430, binding = 3) buffer Y { REAL4 y[]; };
#else
layout(std430, binding = 3) writeonly buffer Y { REAL4 y[]; };
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

void main() {
    const int pixels = images * outHeight * outWidth;
    const int first = workgroup() * LANES * ROWS + lane();
    const int column = int(gl_WorkGroupID.z) * COLS;
    if (workgroup() * LANES * ROWS >= pixels) return;

    int image[ROWS], top[ROWS], left[ROWS]; // the image's first row of pixels, the window's corner
    Place at = place(first, outHeight, outWidth);
    const Place distance = place(LANES, outHeight, outWidth);
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        image[r] = min(at.n, images - 1) * height; // past the end: work that is not stored
        top[r] = at.y * stride - pad;
        left[r] = at.x * stride - pad;
        at = advance(at, distance, outHeight, outWidth);
    }

    vec4 sum[ROWS * COLS];
    [[unroll]] for (int j = 0; j < COLS; j++) {
        const vec4 start = hasBias != 0 ? bias[min(column + j, co - 1)] : vec4(0.0);
        [[unroll]] for (int r = 0; r < ROWS; r++) sum[r * COLS + j] = start;
    }

    for (int ky = 0; ky < kernel; ky++) {
        for (int kx = 0; kx < kernel; kx++) {
            int source[ROWS];
            bool inside[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; r++) {
                int iy = top[r] + ky, ix = left[r] + kx;
                if (REFLECT) {
                    iy = mirror(iy, height);
                    ix = mirror(ix, width);
                }
                inside[r] = REFLECT || uint(iy) < uint(height) && uint(ix) < uint(width);
                source[r] = inside[r] ? ((image[r] + iy) * width + ix) * ci : 0;
            }
            int weights = (ky * kernel + kx) * 4 * ci * co; // of four input channels
            for (int c = 0; c < ci; c++) {
                vec4 v[ROWS];
                [[unroll]] for (int r = 0; r < ROWS; r++) {
                    v[r] = LOAD(x[source[r] + c]);
                    if (!REFLECT) v[r] = inside[r] ? v[r] : vec4(0.0);
                }
                vec4 four[4]; // a column's weights
                [[unroll]] for (int e = 0; e < 4 * COLS; e += SHARERS) {
                    const int mine = min(e + sharer(), 4 * COLS - 1);
                    const vec4 loaded = LOAD(w[weights + mine % 4 * co + min(column + mine / 4, co - 1)]);
                    [[unroll]] for (int k = 0; k < SHARERS; k++) {
                        const int j = (e + k) / 4;
                        four[(e + k) % 4] = shared4(loaded, k);
                        if ((e + k) % 4 == 3 && j < COLS) {
                            [[unroll]] for (int r = 0; r < ROWS; r++) {
                                vec4 s = sum[r * COLS + j];
                                s = fma(vec4(v[r].x), four[0], s);
                                s = fma(vec4(v[r].y), four[1], s);
                                s = fma(vec4(v[r].z), four[2], s);
                                sum[r * COLS + j] = fma(vec4(v[r].w), four[3], s);
                            }
                        }
                    }
                }
                weights += 4 * co;
            }
        }
    }

    [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int j = 0; j < COLS; j++) {
            const int pixel = first + LANES * r;
            if (pixel < pixels && column + j < co) {
#ifdef ACCUMULATE
                ADD(y[pixel * co + column + j], activate(sum[r * COLS + j]));
#else
                y[pixel * co + column + j] = STORE(activate(sum[r * COLS + j]));
#endif
            }
        }
    }
}
