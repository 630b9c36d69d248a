// Pixels to network input: x = (v / 255 - 0.5) / 0.5 for a byte v, bit for bit what torchvision's ToTensor and Normalize
// compute in fp32. Vulkan's division may be off by 2.5 units in the last place, so v / 255 is rounded in integers: with
// shift s = 31 - floor(log2 v), v 2^s / 255 lies in [2^23, 2^24], the range of 24-bit mantissas. What follows is one correctly
// rounded subtraction, since multiplications by powers of two are exact: x = 2 (v / 255) - 1.
//
// Bindings: 0 pixels [N, H, W, C] bytes, 1 x [N, H, W, Stride(C)] as vec4. Push constants: see uploadPush in kernels/image.go.
#version 450

layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) readonly buffer Pixels { uint pixels[]; };
layout(set = 0, binding = 1, std430) writeonly buffer X { vec4 x[]; };
layout(push_constant) uniform Push {
    uint size; // of x, in vec4
    uint channels;
};

float normalised(uint v) {
    if (v == 0) return -1.0;
    uint shift = 31 - findMSB(v);
    uint mantissa = ((v << shift) + 127) / 255;
    return float(mantissa) * uintBitsToFloat((128 - shift) << 23) - 1.0;
}

void main() {
    uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
    if (i >= size) return;
    uint vectors = (channels + 3) / 4; // a pixel
    uint channel = i % vectors * 4, from = i / vectors * channels + channel;
    vec4 v = vec4(0.0);
    for (uint c = 0; c < min(4, channels - channel); c++) {
        uint at = from + c;
        v[c] = normalised(pixels[at / 4] >> (at % 4 * 8) & 255);
    }
    x[i] = v;
}
