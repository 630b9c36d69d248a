// Convolution, gradient of the weights: dw[ky,kx,ci,co] (+)= sum over n,oy,ox of x[n, oy S + ky - pad, ox S + kx - pad, ci] dy[n,oy,ox,co]
//
//! variant conv_weight_grad_add -DACCUMULATE
//
// shapes     x [N,H,W,CI], dy [N,OH,OW,CO], dw [splits,K,K,CI,CO]; CI and CO are padded to a multiple of 4
// bindings   0 x, 1 dy, 2 dw, which the variant adds to
// groups     x: blocks of LANES vec4 of CO, y: blocks of ROWS vec4 of CI, z: tap + K^2 split
//
// Why this version: a lane owns one vec4 of output channels and 4 ROWS input channels of one tap, and all lanes of a workgroup
// walk over the same pixels. So x lies at uniform addresses, which CPUs load as scalars, dy is read in order, and nothing has
// to be reduced between lanes. A split sums every pixel row (n, oy) that is its own modulo the number of splits; conv_sum.comp
// adds the splits up in a fixed order.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in; // LANES
layout(constant_id = 0) const int LANES = 64;
layout(constant_id = 1) const uint PADDING = 0u;
layout(constant_id = 2) const int K = 3;
layout(constant_id = 3) const int S = 1;
layout(constant_id = 4) const int ROWS = 2;

layout(std430, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, binding = 1) readonly buffer DY { vec4 dy[]; };
#ifdef ACCUMULATE
layout(std430, binding = 2) buffer DW { vec4 dw[]; };
#else
layout(std430, binding = 2) writeonly buffer DW { vec4 dw[]; };
#endif

layout(push_constant) uniform Push {
    int images; // N
    int height, width, outHeight, outWidth;
    int ci, co; // in vec4
    int pad;
    int splits;
};

#include "inc/conv.glsl"

void main() {
    const int column = int(gl_GlobalInvocationID.x), row = int(gl_WorkGroupID.y) * ROWS;
    const int tap = int(gl_WorkGroupID.z) % (K * K), split = int(gl_WorkGroupID.z) / (K * K);
    const int ky = tap / K, kx = tap % K;
    if (column >= co) return;

    vec4 sum[4 * ROWS];
    [[unroll]] for (int i = 0; i < 4 * ROWS; i++) sum[i] = vec4(0.0);

    for (int line = split; line < images * outHeight; line += splits) {
        int iy = line % outHeight * S + ky - pad;
        if (PADDING == PAD_REFLECT) iy = mirror(iy, height);
        if (PADDING == PAD_ZERO && uint(iy) >= uint(height)) continue;
        const int from = (line / outHeight * height + iy) * width;
        for (int ox = 0; ox < outWidth; ox++) {
            int ix = ox * S + kx - pad;
            if (PADDING == PAD_REFLECT) ix = mirror(ix, width);
            if (PADDING == PAD_ZERO && uint(ix) >= uint(width)) continue;
            const vec4 g = dy[(line * outWidth + ox) * co + column];
            [[unroll]] for (int j = 0; j < ROWS; j++) {
                const vec4 v = x[(from + ix) * ci + min(row + j, ci - 1)];
                sum[4 * j] = fma(vec4(v.x), g, sum[4 * j]);
                sum[4 * j + 1] = fma(vec4(v.y), g, sum[4 * j + 1]);
                sum[4 * j + 2] = fma(vec4(v.z), g, sum[4 * j + 2]);
                sum[4 * j + 3] = fma(vec4(v.w), g, sum[4 * j + 3]);
            }
        }
    }

    [[unroll]] for (int j = 0; j < ROWS; j++) {
        if (row + j < ci) {
            [[unroll]] for (int i = 0; i < 4; i++) {
                const int at = (int(gl_WorkGroupID.z) * 4 * ci + 4 * (row + j) + i) * co + column;
#ifdef ACCUMULATE
                dw[at] += sum[4 * j + i];
#else
                dw[at] = sum[4 * j + i];
#endif
            }
        }
    }
}
