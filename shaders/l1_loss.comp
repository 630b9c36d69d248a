// L1 loss and its gradient in one pass, since both need a - b:
//   loss = weight * mean |a - b|,   grad = weight * sign(a - b) / count,   sign(0) = 0.
//
// a, b, grad are [N, H, W, Stride(C)] as vec4; the padding is zero in a and b, so it adds nothing and stays zero.
// Each workgroup sums its own stretch of the tensor and leaves one partial sum; loss_reduce adds them up. A tensor of one
// stretch has one partial sum, which is the loss.
//
// The variant multiplies grad by the loss scale.
//
// Bindings: 0 a, 1 b, 2 grad, 3 partial sums [workgroups], 4 the loss scale. Push constants: see l1Push in kernels/loss.go.
//! variant l1_loss_half -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer A { REAL4 a[]; };
layout(std430, binding = 1) readonly buffer B { REAL4 b[]; };
layout(std430, binding = 2) writeonly buffer Grad { REAL4 grad[]; };
layout(std430, binding = 3) writeonly buffer Partial { float partial[]; };
#define LOSS_SCALE 4
#include "inc/loss_scale.glsl"
layout(push_constant) uniform Push {
    uint size;    // of the tensor, in vec4
    uint stretch; // vec4 a workgroup
    float scale;  // weight / count
};

#include "inc/reduce.glsl"

void main() {
    uint first = gl_WorkGroupID.x * stretch;
    uint end = min(first + stretch, size);
    vec4 sum = vec4(0.0);
    for (uint i = first + gl_LocalInvocationIndex; i < end; i += gl_WorkGroupSize.x) {
        vec4 d = LOAD(a[i]) - LOAD(b[i]);
        sum += abs(d);
        grad[i] = STORE(SCALED(scale * sign(d)));
    }
    sum = sumLanes(sum, 1u);
    if (gl_LocalInvocationIndex == 0u) partial[gl_WorkGroupID.x] = scale * dot(sum, vec4(1.0));
}
