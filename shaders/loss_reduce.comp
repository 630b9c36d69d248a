// The second stage of a loss: adds up the partial sums of l1_loss or gan_loss in a fixed order. One workgroup.
//
// Bindings: 0 partial sums [count], 1 loss [1]. Push constant: count.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) readonly buffer Partial { float partial[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Loss { float loss; };
layout(push_constant) uniform Push { uint count; };

#include "inc/sum.glsl"

void main() {
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < count; i += gl_WorkGroupSize.x) sum += partial[i];
    sum = workgroupSum(sum);
    if (gl_LocalInvocationIndex == 0) loss = sum;
}
