// A camera's frame, [H, W, 3] bytes in binding 0, for kernels with the push constants of fit.glsl.
layout(std430, binding = 0) readonly buffer Frame { uint frame[]; };

// The frame's colours, or its luma: three bytes of one word or of two.
uvec3 pixel(int row, int column) {
    uint at = 3u * uint(row * frameWidth + column), shift = at % 4u * 8u;
    uint bytes = frame[at / 4u] >> shift | frame[(at + 2u) / 4u] << 8 << (24u - shift);
    uvec3 p = uvec3(bytes, bytes >> 8, bytes >> 16) & 255u;
    if (channels == 1u) p = uvec3((19595u * p.r + 38470u * p.g + 7471u * p.b + 0x8000u) >> 16, 0u, 0u);
    return p;
}
