// Pixels to network input: x = (v / most - 0.5) / 0.5 for a sample v of 8 or 16 bits, most being 255 or 65535: for 8 bits, bit for
// bit what torchvision's ToTensor and Normalize compute in fp32. Vulkan's division may be off by 2.5 units in the last place, so
// the quotient is made of integers: v / 65535 in binary is 0.vvv..., the 16 bits of v again and again. Behind the leading zeros, 24
// of them are the mantissa and the next one rounds; the digits never end, so there are no ties. Two v are enough: where they do not
// fill the mantissa, what is missing is lost in the subtraction. A byte v is as much as 257 v of 16 bits. What follows is one
// correctly rounded subtraction, since multiplications by powers of two are exact: x = 2 (v / most) - 1.
//
// Bindings: 0 pixels [N, H, W, C] samples, 1 x [N, H, W, Stride(C)] as vec4. Push constants: see uploadPush in kernels/image.go.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Pixels { uint pixels[]; };
layout(std430, binding = 1) writeonly buffer X { vec4 x[]; };
layout(push_constant) uniform Push {
    uint size; // of x, in vec4
    uint channels;
    uint bits; // a sample
};

// 2 v / 65535 - 1.
float normalised(uint v) {
    if (v == 0u) return -1.0;
    uint zeros = 15u - uint(findMSB(v));
    uint digits = (v << 16 | v) << zeros;
    uint mantissa = (digits >> 8) + (digits >> 7 & 1u);
    return float(mantissa) * uintBitsToFloat((104u - zeros) << 23) - 1.0;
}

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    if (i >= size) return;
    uint quads = (channels + 3u) / 4u; // of a pixel
    uint channel = i % quads * 4u, from = i / quads * channels + channel;
    uint each = 32u / bits; // samples a word
    vec4 v = vec4(0.0);
    for (uint c = 0u; c < min(4u, channels - channel); c++) {
        uint at = from + c;
        uint raw = pixels[at / each] >> (at % each * bits);
        v[c] = normalised(bits == 8u ? (raw & 255u) * 257u : raw & 65535u);
    }
    x[i] = v;
}
