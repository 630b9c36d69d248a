// Nearest-neighbour enlargement by 2, and its adjoint:
//   y[n,i,j] = x[n,i/2,j/2]          dx[n,i,j] = sum over a, b in {0, 1} of dy[n,2i + a,2j + b]
//
// binding 0: x [rows][width][quads] vec4, rows those of all images; 1: y [2 rows][2 width][quads]. The variants read y's gradient
// from binding 0 and write x's to binding 1, or add it there.
// Push constants: rows and width of x; quads. One lane a vec4 of what is written.
//! variant upsample_grad -DGRAD
//! variant upsample_grad_add -DGRAD -DTO
//! variant upsample_half -DHALF=0
//! variant upsample_grad_half -DGRAD -DHALF=0
//! variant upsample_grad_add_half -DGRAD -DTO -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer From { REAL4 from[]; };
#ifdef TO
layout(std430, binding = 1) buffer To { REAL4 to[]; };
#else
layout(std430, binding = 1) writeonly buffer To { REAL4 to[]; };
#endif
layout(push_constant) uniform Shape { uint rows, width, quads; };

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
#ifdef GRAD
    if (i >= rows * width * quads) return;
    uint pixel = i / quads, row = pixel / width, q = i - pixel * quads, line = 2u * width * quads;
    uint at = 2u * row * line + 2u * (pixel - row * width) * quads + q;
    vec4 sum = LOAD(from[at]) + LOAD(from[at + quads]) + (LOAD(from[at + line]) + LOAD(from[at + line + quads]));
#ifdef TO
    ADD(to[i], sum);
#else
    to[i] = STORE(sum);
#endif
#else
    if (i >= 4u * rows * width * quads) return;
    uint pixel = i / quads, row = pixel / (2u * width), q = i - pixel * quads, column = pixel - row * 2u * width;
    to[i] = from[(row / 2u * width + column / 2u) * quads + q];
#endif
}
