// The second stage of a loss: adds up the partial sums of l1_loss or gan_loss in a fixed order. One workgroup.
//
// Bindings: 0 partial sums [count], 1 loss [1]. Push constant: count.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Partial { float partial[]; };
layout(std430, binding = 1) writeonly buffer Loss { float loss; };
layout(push_constant) uniform Push { uint count; };

#include "inc/reduce.glsl"

void main() {
    vec4 sum = vec4(0.0); // in x; the reduction is the one that takes vec4
    for (uint i = gl_LocalInvocationIndex; i < count; i += gl_WorkGroupSize.x) sum.x += partial[i];
    sum = sumLanes(sum, 1u);
    if (gl_LocalInvocationIndex == 0u) loss = sum.x;
}
