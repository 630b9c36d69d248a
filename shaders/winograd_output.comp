// Winograd, output: for each tile, y = act(A^T m A + bias), its 4x4 pixels.
//
//! variant winograd_output_half -DHALF=1
//
// shapes     m [36,N tiles,C], bias [C], y [N,H,W,C]; C is padded to a multiple of 4
// bindings   0 m, 1 bias (any buffer where hasBias is 0), 2 y
// groups     blocks of 64 (tile, vec4 of channels)
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "inc/real.glsl"

layout(constant_id = 0) const uint ACTIVATION = 0u;

layout(std430, binding = 0) readonly buffer M { vec4 m[]; };
layout(std430, binding = 1) readonly buffer Bias { vec4 bias[]; };
layout(std430, binding = 2) writeonly buffer Y { REAL4 y[]; };

#include "inc/winograd_tile.glsl"
#include "inc/activation.glsl"

void main() {
    if (flatIndex() >= uint(plane())) return;
    const Tile t = tile();
    vec4 line[PATCH][TILE]; // outputs across
    [[unroll]] for (int i = 0; i < PATCH; i++) {
        vec4 q[PATCH];
        [[unroll]] for (int j = 0; j < PATCH; j++) q[j] = m[(i * PATCH + j) * plane() + t.index];
        line[i] = pointsToOutputs(q);
    }
    const vec4 start = hasBias != 0 ? bias[t.channel] : vec4(0.0);
    [[unroll]] for (int j = 0; j < TILE; j++) {
        vec4 q[PATCH];
        [[unroll]] for (int i = 0; i < PATCH; i++) q[i] = line[i][j];
        const vec4 outputs[TILE] = pointsToOutputs(q);
        [[unroll]] for (int i = 0; i < TILE; i++) {
            if (inside(t.y + i, t.x + j)) y[pixel(t, t.y + i, t.x + j)] = STORE(activate(outputs[i] + start));
        }
    }
}
