// Convolution, gradient of the input, and so a transposed convolution's forward pass:
//   dx[n,iy,ix,ci] (+)= act(bias[ci] + sum over ky,kx,co of dy[n, (iy + pad - ky) / stride, (ix + pad - kx) / stride, co] w[ky,kx,ci,co])
// over the taps whose divisions are exact and inside dy. Reflection: a pixel that mirrors outside of the image, at -i or at
// 2(n-1) - i, gets the gradients of those positions too; they are added up before they meet the weights, in a fixed order.
//
//! variant conv_data_grad_add -DACCUMULATE
//! variant conv_data_grad_shuffle -DSHUFFLE
//! variant conv_data_grad_shuffle_add -DSHUFFLE -DACCUMULATE
//! variant conv_data_grad_half -DHALF=5
//! variant conv_data_grad_add_half -DACCUMULATE -DHALF=5
//! variant conv_data_grad_shuffle_half -DSHUFFLE -DHALF=5
//! variant conv_data_grad_shuffle_add_half -DSHUFFLE -DACCUMULATE -DHALF=5
//
// shapes     dy [N,OH,OW,CO], w [kernel,kernel,CI,CO], bias [CI], dx [N,H,W,CI]; CI and CO are padded to a multiple of 4
// bindings   0 dy, 1 w, 2 bias (any buffer where hasBias is 0), 3 dx, which the add variants add to
// groups     x,y: blocks of LANES ROWS pixels of one phase, linear over N, rows, columns; z: phase + stride^2 (block of COLS vec4 of CI)
//
// Why this version: as conv_forward.comp, with the same weights, contracted over CO. The pixels (iy, ix) of one phase
// (iy mod stride, ix mod stride) meet the same taps, about kernel^2 / stride^2 of them, and a workgroup has pixels of one phase
// only: nothing is multiplied by the zeros that a zero-inserted image would hold.
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

layout(std430, binding = 0) readonly buffer DY { REAL4 dy[]; };
layout(std430, binding = 1) readonly buffer W { REAL4 w[]; };
layout(std430, binding = 2) readonly buffer Bias { vec4 bias[]; };
#ifdef ACCUMULATE
layout(std430, binding = 3) buffer DX { REAL4 dx[]; };
#else
layout(std430, binding = 3) writeonly buffer DX { REAL4 dx[]; };
#endif

layout(push_constant) uniform Push {
    int images; // N
    int height, width, outHeight, outWidth;
    int ci, co; // in vec4
    int kernel, stride, pad; // stride is 1 or 2
    int hasBias;
};

#include "inc/activation.glsl"
#include "inc/conv.glsl"

// source is the position in dy, of size n, that a tap k connects with position i of the image or its padding, or -1.
int source(int i, int k, int n) {
    const int o = i + pad - k >> stride - 1; // exact: the phase has chosen k
    return o >= 0 && o < n ? o : -1;
}

// reflection is the position in dy that the tap connects with the mirror image of a position of the image, or -1. No tap meets
// two mirror images, since pad <= kernel - 2.
int reflection(int i, int k, int size, int n) {
    const int low = i > 0 && i <= pad ? source(-i, k, n) : -1;
    const int high = i < size - 1 && i >= size - 1 - pad ? source(2 * (size - 1) - i, k, n) : -1;
    return max(low, high);
}

// gradient is where a pixel of dy begins, or -1.
int gradient(int image, int oy, int ox) {
    return min(oy, ox) < 0 ? -1 : ((image * outHeight + oy) * outWidth + ox) * co;
}

void main() {
    const int phase = int(gl_WorkGroupID.z) % (stride * stride), column = int(gl_WorkGroupID.z) / (stride * stride) * COLS;
    const int phaseY = phase / stride, phaseX = phase % stride;
    const int rows = (height - phaseY + stride - 1) / stride, columns = (width - phaseX + stride - 1) / stride; // of this phase
    const int pixels = images * rows * columns;
    const int first = workgroup() * LANES * ROWS + lane();
    if (workgroup() * LANES * ROWS >= pixels) return;

    int image[ROWS], iy[ROWS], ix[ROWS];
    Place at = place(first, rows, columns);
    const Place distance = place(LANES, rows, columns);
    [[unroll]] for (int r = 0; r < ROWS; r++) {
        image[r] = min(at.n, images - 1); // past the end: work that is not stored
        iy[r] = at.y * stride + phaseY;
        ix[r] = at.x * stride + phaseX;
        at = advance(at, distance, rows, columns);
    }

    vec4 sum[ROWS * COLS];
    [[unroll]] for (int j = 0; j < COLS; j++) {
        const vec4 start = hasBias != 0 ? bias[min(column + j, ci - 1)] : vec4(0.0);
        [[unroll]] for (int r = 0; r < ROWS; r++) sum[r * COLS + j] = start;
    }

    for (int ky = (phaseY + pad) % stride; ky < kernel; ky += stride) {
        for (int kx = (phaseX + pad) % stride; kx < kernel; kx += stride) {
            int own[ROWS];
            ivec3 mirrored[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; r++) {
                const int oy = source(iy[r], ky, outHeight), ox = source(ix[r], kx, outWidth);
                own[r] = gradient(image[r], oy, ox);
                if (REFLECT) {
                    const int my = reflection(iy[r], ky, height, outHeight), mx = reflection(ix[r], kx, width, outWidth);
                    mirrored[r] = ivec3(gradient(image[r], oy, mx), gradient(image[r], my, ox), gradient(image[r], my, mx));
                }
            }
            const int weights = (ky * kernel + kx) * 4 * ci;
            for (int c = 0; c < co; c++) {
                vec4 v[ROWS];
                [[unroll]] for (int r = 0; r < ROWS; r++) {
                    v[r] = LOAD(dy[max(own[r], 0) + c]);
                    v[r] = own[r] >= 0 ? v[r] : vec4(0.0);
                    if (REFLECT) {
                        [[unroll]] for (int m = 0; m < 3; m++) {
                            if (mirrored[r][m] >= 0) v[r] += LOAD(dy[mirrored[r][m] + c]);
                        }
                    }
                }
                [[unroll]] for (int e = 0; e < 4 * COLS; e += SHARERS) {
                    const int mine = min(e + sharer(), 4 * COLS - 1);
                    const vec4 loaded = LOAD(w[(weights + min(4 * column + mine, 4 * ci - 1)) * co + c]);
                    [[unroll]] for (int k = 0; k < SHARERS; k++) {
                        const int j = (e + k) / 4, i = (e + k) % 4; // column, channel in it
                        if (j < COLS) {
                            const vec4 weight = shared4(loaded, k);
                            [[unroll]] for (int r = 0; r < ROWS; r++) {
                                float s = sum[r * COLS + j][i];
                                s = fma(v[r].x, weight.x, s);
                                s = fma(v[r].y, weight.y, s);
                                s = fma(v[r].z, weight.z, s);
                                sum[r * COLS + j][i] = fma(v[r].w, weight.w, s);
                            }
                        }
                    }
                }
            }
        }
    }

    [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int j = 0; j < COLS; j++) {
            if (first + LANES * r < pixels && column + j < ci) {
                const int pixel = (image[r] * height + iy[r]) * width + ix[r];
#ifdef ACCUMULATE
                ADD(dx[pixel * ci + column + j], activate(sum[r * COLS + j]));
#else
                dx[pixel * ci + column + j] = STORE(activate(sum[r * COLS + j]));
#endif
            }
        }
    }
}
