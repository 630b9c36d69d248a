// Adversarial losses of logits x and their gradients. Images [0, real) have the target 1, the others the target 0:
//   loss = weight * (mean over the real part + mean over the fake part), with s = -1 for target 1 and +1 for target 0
//   lsgan            (x - target)^2     Mao et al. 2017
//   vanilla          softplus(s x)      cross entropy; -log D(x) and -log(1 - D(x)), the non-saturating form
//   vanilla min-max  s softplus(x)      log(1 - D(x)) for target 1: the generator's saturating form
//   wgangp           s x                the critic's means; the penalty is not here
//
// x and grad are [N, H, W, Stride(C)] as vec4. Each workgroup sums its own stretch and leaves one partial sum, as l1_loss does.
//
// The variant multiplies grad by the loss scale.
//
// Bindings: 0 x, 1 grad, 2 partial sums [workgroups], 3 the loss scale. Push constants: see ganPush in kernels/loss.go.
// Specialisation constant 0 is the GANMode, so that a mode's arithmetic is all that is compiled.
//! variant gan_loss_half -DHALF=1
#version 450
#extension GL_GOOGLE_include_directive : require

const uint LSGAN = 0u, VANILLA = 1u, VANILLA_MIN_MAX = 2u, WGANGP = 3u;
layout(constant_id = 0) const uint MODE = LSGAN;

#include "inc/real.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) writeonly buffer Grad { REAL4 grad[]; };
layout(std430, binding = 2) writeonly buffer Partial { float partial[]; };
#define LOSS_SCALE 3
#include "inc/loss_scale.glsl"
layout(push_constant) uniform Push {
    uint size;        // of the tensor, in vec4
    uint stretch;     // vec4 a workgroup
    uint real;        // of the images with target 1, in vec4
    uint channels;    // C
    float realScale; // weight / count of the real part
    float fakeScale; // weight / count of the fake part
};

#include "inc/exp.glsl"
#include "inc/reduce.glsl"

// log(1 + y) for 0 <= y <= 1, as 2 artanh(q) with q = y / (2 + y) <= 1/3: the series to q^17 leaves 3e-10 of the value.
vec4 log1p(vec4 y) {
    vec4 q = y / (2.0 + y), z = q * q;
    vec4 p = fma(z, vec4(1.0 / 17.0), vec4(1.0 / 15.0));
    p = fma(z, p, vec4(1.0 / 13.0));
    p = fma(z, p, vec4(1.0 / 11.0));
    p = fma(z, p, vec4(1.0 / 9.0));
    p = fma(z, p, vec4(1.0 / 7.0));
    p = fma(z, p, vec4(1.0 / 5.0));
    p = fma(z, p, vec4(1.0 / 3.0));
    return 2.0 * fma(q * z, p, q);
}

// log(1 + e^z), finite for every finite z and accurate in both tails; a NaN comes out as NaN.
vec4 softplus(vec4 z) {
    return mix(z, vec4(0.0), lessThanEqual(z, vec4(0.0))) + log1p(preciseExp(-abs(z)));
}

// 1 / (1 + e^-z), the derivative of softplus.
vec4 sigmoid(vec4 z) {
    vec4 e = preciseExp(-abs(z));
    return mix(e, vec4(1.0), greaterThan(z, vec4(0.0))) / (1.0 + e);
}

void main() {
    uint first = gl_WorkGroupID.x * stretch;
    uint end = min(first + stretch, size);
    uint quads = (channels + 3u) / 4u; // of a pixel
    vec4 sum = vec4(0.0);
    for (uint i = first + gl_LocalInvocationIndex; i < end; i += gl_WorkGroupSize.x) {
        bool isReal = i < real;
        float s = isReal ? -1.0 : 1.0;
        vec4 v = LOAD(x[i]), value, slope;
        if (MODE == LSGAN) {
            vec4 d = v - (isReal ? 1.0 : 0.0);
            value = d * d;
            slope = 2.0 * d;
        } else if (MODE == VANILLA) {
            value = softplus(s * v);
            slope = s * sigmoid(s * v);
        } else if (MODE == VANILLA_MIN_MAX) {
            value = s * softplus(v);
            slope = s * sigmoid(v);
        } else {
            value = s * v;
            slope = vec4(s);
        }
        bvec4 padding = greaterThanEqual(i % quads * 4u + uvec4(0u, 1u, 2u, 3u), uvec4(channels));
        float scale = isReal ? realScale : fakeScale;
        sum += mix(scale * value, vec4(0.0), padding);
        grad[i] = STORE(SCALED(mix(scale * slope, vec4(0.0), padding)));
    }
    sum = sumLanes(sum, 1u);
    if (gl_LocalInvocationIndex == 0u) partial[gl_WorkGroupID.x] = dot(sum, vec4(1.0));
}
