// Convolution, gradient of the input, and so a transposed convolution's forward pass:
//   dx[n,iy,ix,ci] (+)= act(bias[ci] + sum over ky,kx,co of dy[n, (iy + pad - ky) / S, (ix + pad - kx) / S, co] w[ky,kx,ci,co])
// over the taps whose divisions are exact and inside dy. Reflection: a pixel that mirrors outside of the image, at -i or at
// 2(n-1) - i, gets the gradients of those positions too; they are added up before they meet the weights, in a fixed order.
//
//! variant conv_data_grad_add -DACCUMULATE
//
// shapes     dy [N,OH,OW,CO], w [K,K,CI,CO], bias [CI], dx [N,H,W,CI]; CI and CO are padded to a multiple of 4
// bindings   0 dy, 1 w, 2 bias (any buffer where BIAS is false), 3 dx, which the variant adds to
// groups     x,y: blocks of 64 ROWS input pixels of one phase, linear over N, rows, columns; z: phase + S^2 (block of COLS vec4 of CI)
//
// Why this version: as conv_forward.comp, with the same weights, contracted over CO. With stride S, the pixels (iy, ix) of one
// phase (iy mod S, ix mod S) meet the same taps, about K^2/S^2, and a workgroup has pixels of one phase only: nothing is
// multiplied by the zeros that a zero-inserted image would hold.
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

layout(std430, binding = 0) readonly buffer DY { vec4 dy[]; };
layout(std430, binding = 1) readonly buffer W { vec4 w[]; };
layout(std430, binding = 2) readonly buffer Bias { vec4 bias[]; };
#ifdef ACCUMULATE
layout(std430, binding = 3) buffer DX { vec4 dx[]; };
#else
layout(std430, binding = 3) writeonly buffer DX { vec4 dx[]; };
#endif

layout(push_constant) uniform Push {
    int images; // N
    int height, width, outHeight, outWidth;
    int ci, co; // in vec4
    int pad;
};

#include "inc/activation.glsl"
#include "inc/conv.glsl"

// source is the position in dy, of size n, that a tap k connects with position i of the padded image, or -1.
int source(int i, int k, int n) {
    const int o = (i + pad - k) / S; // exact: the phase has chosen k
    return i + pad >= k && o < n ? o : -1;
}

// sources are those of an image's position i, of size `size`, and of its mirror images, or -1.
ivec3 sources(int i, int k, int size, int n) {
    const int low = i > 0 && i <= pad ? source(-i, k, n) : -1;
    const int high = i < size - 1 && i >= size - 1 - pad ? source(2 * (size - 1) - i, k, n) : -1;
    return ivec3(source(i, k, n), low, high);
}

// gather reads c of dy where a pixel and its tap meet it: at (ys.x, xs.x), and for mirrored pixels at up to eight places more.
vec4 gather(int image, ivec3 ys, ivec3 xs, int c) {
    const bool inside = ys.x >= 0 && xs.x >= 0;
    vec4 g = dy[inside ? ((image + ys.x) * outWidth + xs.x) * co + c : 0];
    g = inside ? g : vec4(0.0);
    if (PADDING == PAD_REFLECT && (max(ys.y, ys.z) >= 0 || max(xs.y, xs.z) >= 0)) {
        [[unroll]] for (int m = 1; m < 9; m++) {
            const int oy = ys[m / 3], ox = xs[m % 3];
            if (oy >= 0 && ox >= 0) g += dy[((image + oy) * outWidth + ox) * co + c];
        }
    }
    return g;
}

void main() {
    const int phase = int(gl_WorkGroupID.z) % (S * S), column = int(gl_WorkGroupID.z) / (S * S) * COLS;
    const int phaseY = phase / S, phaseX = phase % S;
    const int rows = (height - phaseY + S - 1) / S, columns = (width - phaseX + S - 1) / S; // of this phase's pixels
    const int pixels = images * rows * columns;
    const int first = workgroup() * 64 * ROWS + int(gl_LocalInvocationIndex);
    if (workgroup() * 64 * ROWS >= pixels) return;

    int image[ROWS], iy[ROWS], ix[ROWS];
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        const int pixel = min(first + 64 * r, pixels - 1); // past the end: work that is not stored
        const int row = pixel / columns;
        image[r] = row / rows;
        iy[r] = row % rows * S + phaseY;
        ix[r] = pixel % columns * S + phaseX;
    }

    vec4 sum[ROWS * COLS];
    [[unroll]] for (int j = 0; j < COLS; j++) {
        const vec4 start = BIAS ? bias[min(column + j, ci - 1)] : vec4(0.0);
        [[unroll]] for (int r = 0; r < ROWS; r++) sum[r * COLS + j] = start;
    }

    for (int ky = (phaseY + pad) % S; ky < K; ky += S) {
        for (int kx = (phaseX + pad) % S; kx < K; kx += S) {
            ivec3 ys[ROWS], xs[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; r++) {
                if (PADDING == PAD_REFLECT) {
                    ys[r] = sources(iy[r], ky, height, outHeight);
                    xs[r] = sources(ix[r], kx, width, outWidth);
                } else {
                    ys[r].x = source(iy[r], ky, outHeight);
                    xs[r].x = source(ix[r], kx, outWidth);
                }
            }
            const int tap = (ky * K + kx) * 4 * ci;
            for (int c = 0; c < co; c++) {
                vec4 v[ROWS];
                [[unroll]] for (int r = 0; r < ROWS; r++) v[r] = gather(image[r] * outHeight, ys[r], xs[r], c);
                [[unroll]] for (int j = 0; j < COLS; j++) {
                    const int weight = (tap + 4 * min(column + j, ci - 1)) * co + c;
                    const mat4 m = transpose(mat4(w[weight], w[weight + co], w[weight + 2 * co], w[weight + 3 * co]));
                    [[unroll]] for (int r = 0; r < ROWS; r++) {
                        const int i = r * COLS + j;
                        sum[i] = fma(vec4(v[r].x), m[0], sum[i]);
                        sum[i] = fma(vec4(v[r].y), m[1], sum[i]);
                        sum[i] = fma(vec4(v[r].z), m[2], sum[i]);
                        sum[i] = fma(vec4(v[r].w), m[3], sum[i]);
                    }
                }
            }
        }
    }

    [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int j = 0; j < COLS; j++) {
            if (first + 64 * r < pixels && column + j < ci) {
                const int at = ((image[r] * height + iy[r]) * width + ix[r]) * ci + column + j;
#ifdef ACCUMULATE
                dx[at] += activate(sum[r * COLS + j]);
#else
                dx[at] = activate(sum[r * COLS + j]);
#endif
            }
        }
    }
}
