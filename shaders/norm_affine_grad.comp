// Gradients of gamma and beta: the sums of g xhat and of g over all groups, in their order.
//
// binding 0: sums [groups][rows] vec4, rows = 2 quads: of g xhat, of g (norm_sums)
// binding 1: daffine [rows] vec4; the variant adds to what it holds
// Push constants: groups, rows. One lane a row entry.
//! variant norm_affine_grad_add -DADD
#version 450

layout(std430, binding = 0) readonly buffer Sums { vec4 sums[]; };
#ifdef ADD
layout(std430, binding = 1) buffer DAffine { vec4 daffine[]; };
#else
layout(std430, binding = 1) writeonly buffer DAffine { vec4 daffine[]; };
#endif
layout(push_constant) uniform Shape { uint groups, rows; };

layout(local_size_x = 64) in;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= rows) {
        return;
    }
    vec4 sum = vec4(0.0);
    for (uint g = 0u; g < groups; g++) {
        sum += sums[g * rows + i];
    }
#ifdef ADD
    sum += daffine[i];
#endif
    daffine[i] = sum;
}
