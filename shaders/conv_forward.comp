// Convolution, forward, and so the data gradient of a transposed convolution:
//   y[n,oy,ox,co] (+)= act(bias[co] + sum over ky,kx,ci of x[n, oy S + ky - pad, ox S + kx - pad, ci] w[ky,kx,ci,co])
//
//! variant conv_forward_add -DACCUMULATE
//
// shapes     x [N,H,W,CI], w [K,K,CI,CO], bias [CO], y [N,OH,OW,CO]; CI and CO are padded to a multiple of 4
// bindings   0 x, 1 w, 2 bias (any buffer where BIAS is false), 3 y, which the variant adds to
// groups     x,y: blocks of 64 ROWS output pixels, linear over N OH OW; z: blocks of COLS vec4 of output channels
//
// Why this version: a direct implicit GEMM without shared memory. A lane owns ROWS pixels 64 apart and COLS vec4 of output
// channels. Each loaded pixel serves 4 COLS channels, each weight serves ROWS pixels; weights lie at addresses that are the
// same for the whole workgroup, which CPUs load as scalars. Padding is a matter of addresses, settled once for each tap.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint ACTIVATION = 0u;
layout(constant_id = 1) const bool BIAS = false;
layout(constant_id = 2) const uint PADDING = 0u;
layout(constant_id = 3) const int K = 3;
layout(constant_id = 4) const int S = 1;
layout(constant_id = 5) const int ROWS = 4;
layout(constant_id = 6) const int COLS = 4;

layout(std430, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, binding = 1) readonly buffer W { vec4 w[]; };
layout(std430, binding = 2) readonly buffer Bias { vec4 bias[]; };
#ifdef ACCUMULATE
layout(std430, binding = 3) buffer Y { vec4 y[]; };
#else
layout(std430, binding = 3) writeonly buffer Y { vec4 y[]; };
#endif

layout(push_constant) uniform Push {
    int pixels; // N OH OW
    int height, width, outHeight, outWidth;
    int ci, co; // in vec4
    int pad;
};

#include "inc/activation.glsl"
#include "inc/conv.glsl"

void main() {
    const int first = workgroup() * 64 * ROWS + int(gl_LocalInvocationIndex);
    const int column = int(gl_WorkGroupID.z) * COLS;

    int image[ROWS], top[ROWS], left[ROWS]; // the image's first row of pixels, the window's corner
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        const int pixel = min(first + 64 * r, pixels - 1); // past the end: work that is not stored
        const int row = pixel / outWidth;
        image[r] = row / outHeight * height;
        top[r] = row % outHeight * S - pad;
        left[r] = pixel % outWidth * S - pad;
    }

    vec4 sum[ROWS * COLS];
    [[unroll]] for (int j = 0; j < COLS; j++) {
        const vec4 start = BIAS ? bias[min(column + j, co - 1)] : vec4(0.0);
        [[unroll]] for (int r = 0; r < ROWS; r++) sum[r * COLS + j] = start;
    }

    for (int ky = 0; ky < K; ky++) {
        for (int kx = 0; kx < K; kx++) {
            int at[ROWS];
            bool inside[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; r++) {
                int iy = top[r] + ky, ix = left[r] + kx;
                if (PADDING == PAD_REFLECT) {
                    iy = mirror(iy, height);
                    ix = mirror(ix, width);
                }
                inside[r] = PADDING != PAD_ZERO || uint(iy) < uint(height) && uint(ix) < uint(width);
                at[r] = inside[r] ? ((image[r] + iy) * width + ix) * ci : 0;
            }
            const int tap = (ky * K + kx) * 4 * ci;
            for (int c = 0; c < ci; c++) {
                vec4 v[ROWS];
                [[unroll]] for (int r = 0; r < ROWS; r++) {
                    v[r] = x[at[r] + c];
                    if (PADDING == PAD_ZERO) v[r] = inside[r] ? v[r] : vec4(0.0);
                }
                [[unroll]] for (int j = 0; j < COLS; j++) {
                    const int weight = (tap + 4 * c) * co + min(column + j, co - 1);
                    const vec4 w0 = w[weight], w1 = w[weight + co], w2 = w[weight + 2 * co], w3 = w[weight + 3 * co];
                    [[unroll]] for (int r = 0; r < ROWS; r++) {
                        const int i = r * COLS + j;
                        sum[i] = fma(vec4(v[r].x), w0, sum[i]);
                        sum[i] = fma(vec4(v[r].y), w1, sum[i]);
                        sum[i] = fma(vec4(v[r].z), w2, sum[i]);
                        sum[i] = fma(vec4(v[r].w), w3, sum[i]);
                    }
                }
            }
        }
    }

    [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int j = 0; j < COLS; j++) {
            const int pixel = first + 64 * r;
            if (pixel < pixels && column + j < co) {
#ifdef ACCUMULATE
                y[pixel * co + column + j] += activate(sum[r * COLS + j]);
#else
                y[pixel * co + column + j] = activate(sum[r * COLS + j]);
#endif
            }
        }
    }
}
