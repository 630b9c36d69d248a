// Pixels to network input: x = (v / 255 - 0.5) / 0.5 for a byte v, bit for bit what torchvision's ToTensor and Normalize
// compute in fp32. Vulkan's division may be off by 2.5 units in the last place, so v / 255 is rounded in integers: with
// shift s = 31 - floor(log2 v), v 2^s / 255 lies in [2^23, 2^24], the range of 24-bit mantissas. What follows is one correctly
// rounded subtraction, since multiplications by powers of two are exact: x = 2 (v / 255) - 1.
//
// Bindings: 0 pixels [N, H, W, C] bytes, 1 x [N, H, W, Stride(C)] as vec4. Push constants: see uploadPush in kernels/image.go.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Pixels { uint pixels[]; };
layout(std430, binding = 1) writeonly buffer X { vec4 x[]; };
layout(push_constant) uniform Push {
    uint size; // of x, in vec4
    uint channels;
};

float normalised(uint v) {
    if (v == 0u) return -1.0;
    uint shift = 31u - uint(findMSB(v));
    uint mantissa = ((v << shift) + 127u) / 255u;
    return float(mantissa) * uintBitsToFloat((128u - shift) << 23) - 1.0;
}

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    if (i >= size) return;
    uint quads = (channels + 3u) / 4u; // of a pixel
    uint channel = i % quads * 4u, from = i / quads * channels + channel;
    vec4 v = vec4(0.0);
    for (uint c = 0u; c < min(4u, channels - channel); c++) {
        uint at = from + c;
        v[c] = normalised(pixels[at / 4u] >> (at % 4u * 8u) & 255u);
    }
    x[i] = v;
}
