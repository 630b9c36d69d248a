// Sums of rows, in a fixed order: out[p][c] (+)= sum of in[r][c] over the rows r that are p modulo P.
// It adds up the splits of a weight gradient (P = 1), and the pixels of a bias gradient in two stages.
//
//! variant conv_sum_add -DACCUMULATE
//! variant conv_sum_half -DHALF=0
//! variant conv_sum_add_half -DACCUMULATE -DHALF=0
//
// shapes     in [rows, columns], out [P, columns], columns in vec4
// bindings   0 in, 1 out, which the variant adds to
// groups     x,y: 64 elements of out each
//
// Why this version: one lane an element of out; neighbours read neighbours, and P gives enough lanes.
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"

layout(local_size_x = 64) in;

layout(std430, binding = 0) readonly buffer In { REAL4 source[]; };
#ifdef ACCUMULATE
layout(std430, binding = 1) buffer Out { vec4 result[]; };
#else
layout(std430, binding = 1) writeonly buffer Out { vec4 result[]; };
#endif

layout(push_constant) uniform Push {
    int rows, columns, parts; // parts is P
};

void main() {
    const int i = int((gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * 64 + gl_LocalInvocationIndex);
    if (i >= parts * columns) return;
    vec4 sum = vec4(0.0);
    for (int at = i; at < rows * columns; at += parts * columns) sum += LOAD(source[at]);
#ifdef ACCUMULATE
    result[i] += sum;
#else
    result[i] = sum;
#endif
}
