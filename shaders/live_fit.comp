// A camera's frame to the canvas: centre crop, resize, normalise. The filter is a triangle as wide as a pixel of the larger grid, as in
// Pillow's BILINEAR; taps outside of the frame are left out. Places are whole numbers of units of 1 / (2 den) pixels of the frame, where
// den pixels of the canvas are as long as num of the frame:
//   centre of column j  c = (2 j + 1) num + offset;   of the frame's column k  (2 k + 1) den;   weight max(0, 2 max(num, den) - distance)
// Where num = den the frame is cropped alone, and each sample is exactly that of image_upload.comp.
// A grey network gets Pillow's luma of each tap, as cyclegan/data does.
//
// Bindings: 0 frame [H, W, 3] bytes, 1 x [h, w] vec4. Push constants: see fitPush in kernels/live_fit.go. One lane a pixel of x.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Frame { uint frame[]; };
layout(std430, binding = 1) writeonly buffer X { vec4 x[]; };
layout(push_constant) uniform Push {
    int frameWidth, frameHeight;
    int width, height; // of x
    int num, den;
    int offsetX, offsetY;
    uint channels; // of x: 1 or 3
};

#include "inc/normalise.glsl"
#include "inc/flat.glsl"

// The frame's colours, or its luma: three bytes of one word or of two.
uvec3 pixel(int row, int column) {
    uint at = 3u * uint(row * frameWidth + column), shift = at % 4u * 8u;
    uint bytes = frame[at / 4u] >> shift | frame[(at + 2u) / 4u] << 8 << (24u - shift);
    uvec3 p = uvec3(bytes, bytes >> 8, bytes >> 16) & 255u;
    if (channels == 1u) p = uvec3((19595u * p.r + 38470u * p.g + 7471u * p.b + 0x8000u) >> 16, 0u, 0u);
    return p;
}

// The taps [first, end) of a centre, among n.
struct Taps { int centre, first, end; };

int reach() { return 2 * max(num, den); }

Taps taps(int i, int offset, int n) {
    int c = (2 * i + 1) * num + offset;
    int first = max(c - reach() + den, 0) / (2 * den);
    int end = min((c + reach() + den - 1) / (2 * den), n);
    return Taps(c, first, end);
}

int weight(Taps t, int k) { return reach() - abs((2 * k + 1) * den - t.centre); }

void main() {
    int i = int(flatIndex());
    if (i >= width * height) return;
    Taps rows = taps(i / width, offsetY, frameHeight), columns = taps(i % width, offsetX, frameWidth);
    vec4 v = vec4(0.0);
    if (num == den) {
        uvec3 p = pixel(rows.first, columns.first);
        for (uint c = 0u; c < channels; c++) v[c] = normalisedByte(p[c]);
    } else {
        vec3 sum = vec3(0.0);
        int across = 0, down = 0; // the sums of weights
        for (int k = columns.first; k < columns.end; k++) across += weight(columns, k);
        for (int r = rows.first; r < rows.end; r++) {
            vec3 line = vec3(0.0);
            for (int k = columns.first; k < columns.end; k++) line += float(weight(columns, k)) * vec3(pixel(r, k));
            sum += float(weight(rows, r)) * line;
            down += weight(rows, r);
        }
        sum /= float(across) * float(down);
        for (uint c = 0u; c < channels; c++) v[c] = sum[c] * (2.0 / 255.0) - 1.0;
    }
    x[i] = v;
}
