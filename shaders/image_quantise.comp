// Network output to pixels: the byte (x + 1) / 2 * 255, truncated as the official code does, and clamped to [0, 255].
// An invocation packs four bytes into a word; the last word's spare bytes are zero.
//
// Bindings: 0 x [N, H, W, Stride(C)], 1 pixels [N, H, W, C] bytes. Push constants: see quantisePush in kernels/image.go.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) writeonly buffer Pixels { uint pixels[]; };
layout(push_constant) uniform Push {
    uint size; // of the pixels, in bytes
    uint channels;
};

uint quantised(float v) {
    precise float grey = (v + 1.0) / 2.0 * 255.0;
    return grey > 0.0 ? uint(min(grey, 255.0)) : 0u;
}

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    if (4u * i >= size) return;
    uint stride = (channels + 3u) / 4u * 4u, word = 0u;
    for (uint b = 0u; b < min(4u, size - 4u * i); b++) {
        uint at = 4u * i + b;
        word |= quantised(x[at / channels * stride + at % channels]) << (8u * b);
    }
    pixels[i] = word;
}
