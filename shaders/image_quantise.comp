// Network output to pixels: the byte (x + 1) / 2 * 255, truncated as the official code does, and clamped to [0, 255].
// An invocation packs four bytes into a word; the last word's spare bytes are zero.
//
// Bindings: 0 x [N, H, W, Stride(C)], 1 pixels [N, H, W, C] bytes. Push constants: see quantisePush in kernels/image.go.
#version 450

layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Pixels { uint pixels[]; };
layout(push_constant) uniform Push {
    uint size; // of the pixels, in bytes
    uint channels;
};

uint quantised(float v) {
    precise float grey = (v + 1.0) / 2.0 * 255.0;
    return grey > 0.0 ? uint(min(grey, 255.0)) : 0;
}

void main() {
    uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
    if (4 * i >= size) return;
    uint stride = (channels + 3) / 4 * 4, word = 0;
    for (uint b = 0; b < min(4, size - 4 * i); b++) {
        uint at = 4 * i + b;
        word |= quantised(x[at / channels * stride + at % channels]) << (8 * b);
    }
    pixels[i] = word;
}
