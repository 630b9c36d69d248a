// Pixels to network input, see inc/normalise.glsl.
//
// Bindings: 0 pixels [N, H, W, C] samples, 1 x [N, H, W, Stride(C)] as vec4. Push constants: see uploadPush in kernels/image.go.
//! variant image_upload_half -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"
layout(std430, binding = 0) readonly buffer Pixels { uint pixels[]; };
layout(std430, binding = 1) writeonly buffer X { REAL4 x[]; };
layout(push_constant) uniform Push {
    uint size; // of x, in vec4
    uint channels;
    uint bits; // a sample
};

#include "inc/normalise.glsl"
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
        v[c] = bits == 8u ? normalisedByte(raw & 255u) : normalised(raw & 65535u);
    }
    x[i] = STORE(v);
}
