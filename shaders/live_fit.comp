// A camera's frame to the canvas: centre crop, resize (inc/fit.glsl), normalise.
//
// Where num = den the frame is cropped alone, and each sample is exactly that of image_upload.comp.
// A grey network gets Pillow's luma of each tap, as cyclegan/data does.
//
// Bindings: 0 frame [H, W, 3] bytes, 1 x [h, w] vec4. One lane a pixel of x.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 1) writeonly buffer X { vec4 x[]; };

#include "inc/fit.glsl"
#include "inc/frame.glsl"
#include "inc/normalise.glsl"
#include "inc/flat.glsl"

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
        for (int r = rows.first; r < rows.end; r++) {
            vec3 line = vec3(0.0);
            for (int k = columns.first; k < columns.end; k++) line += float(weight(columns, k)) * vec3(pixel(r, k));
            sum += float(weight(rows, r)) * line;
        }
        sum /= total(columns) * total(rows);
        for (uint c = 0u; c < channels; c++) v[c] = sum[c] * (2.0 / 255.0) - 1.0;
    }
    x[i] = v;
}
