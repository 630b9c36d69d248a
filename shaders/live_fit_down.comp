// The second step of a camera's frame to the canvas: filtered lines (live_fit_across.comp), filtered down the columns and normalised.
//
// Bindings: 0 filtered [lines, w] vec4, 1 x [h, w] vec4. One lane a pixel of x.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Lines { vec4 filtered[]; };
layout(std430, binding = 1) writeonly buffer X { vec4 x[]; };

#include "inc/fit.glsl"
#include "inc/flat.glsl"

void main() {
    int i = int(flatIndex());
    if (i >= width * height) return;
    Taps rows = taps(i / width, offsetY, frameHeight);
    vec3 sum = vec3(0.0);
    for (int r = rows.first; r < rows.end; r++) sum += float(weight(rows, r)) * filtered[(r - firstLine) * width + i % width].rgb;
    sum /= total(rows);
    vec4 v = vec4(0.0);
    for (uint c = 0u; c < channels; c++) v[c] = sum[c] * (2.0 / 255.0) - 1.0;
    x[i] = v;
}
