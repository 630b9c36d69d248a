// The canvas: from column `from` on the translation, blended into the camera's picture by its strength s, and the camera's picture left
// of it, where s is 0. v = camera + s (y - camera) becomes (v + 1) / 2 * 255 + (1 - s) / 2, truncated and clamped: with s = 1 the bytes
// of image_quantise.comp, with s = 0 the camera's.
//
// Bindings: 0 camera and 1 y [h, w] vec4; 2 view; 3 canvas [h, w] words of R, G, B and 255, the lowest byte first.
// Push constants: see composePush in kernels/live_compose.go. One lane a pixel.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Camera { vec4 camera[]; };
layout(std430, binding = 1) readonly buffer Y { vec4 y[]; };
layout(std430, binding = 2) readonly buffer View {
    uint from;
    float strength; // in [0, 1]
    uint mirrored;
};
layout(std430, binding = 3) writeonly buffer Canvas { uint canvas[]; };
layout(push_constant) uniform Push {
    uint width, height;
    uint channels; // of y: 1 or 3
};

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    if (i >= width * height) return;
    uint column = i % width;
    uint at = mirrored != 0u ? i - column + (width - 1u - column) : i;
    float s = column >= from ? strength : 0.0;
    vec3 v = camera[at].rgb;
    if (s > 0.0) {
        vec3 translated = channels == 1u ? y[at].rrr : y[at].rgb;
        v = s == 1.0 ? translated : v + s * (translated - v);
    }
    precise vec3 grey = (v + 1.0) / 2.0 * 255.0 + (1.0 - s) / 2.0;
    uint word = 255u << 24;
    for (uint c = 0u; c < 3u; c++) {
        if (grey[c] > 0.0) word |= uint(min(grey[c], 255.0)) << (8u * c); // a NaN is 0
    }
    canvas[i] = word;
}
