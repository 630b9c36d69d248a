// Network output to pixels: the sample (x + 1) / 2 * most, truncated as the official code does, and clamped to [0, most], most
// being 255 or 65535. An invocation packs a word of four bytes or two samples of 16 bits; the last word's spare bytes are zero.
//
// Bindings: 0 x [N, H, W, Stride(C)], 1 pixels [N, H, W, C] samples. Push constants: see quantisePush in kernels/image.go.
//! variant image_quantise_half -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer X { REAL x[]; };
layout(std430, binding = 1) writeonly buffer Pixels { uint pixels[]; };
layout(push_constant) uniform Push {
    uint size; // of the pixels, in samples
    uint channels;
    uint bits; // a sample
};

uint quantised(float v, float most) {
    precise float grey = (v + 1.0) / 2.0 * most;
    return grey > 0.0 ? uint(min(grey, most)) : 0u;
}

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    uint each = 32u / bits; // samples a word
    if (each * i >= size) return;
    uint stride = (channels + 3u) / 4u * 4u, word = 0u;
    float most = bits == 8u ? 255.0 : 65535.0;
    for (uint s = 0u; s < min(each, size - each * i); s++) {
        uint at = each * i + s;
        word |= quantised(AT(x, at / channels * stride + at % channels), most) << (bits * s);
    }
    pixels[i] = word;
}
