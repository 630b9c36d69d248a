// What a window shows: the canvas in a part of it, enlarged or reduced by bilinear interpolation between the centres of pixels, black
// around it, and text over it. Column j of n, to which m of the canvas are scaled, lies at (j + 1/2) m / n - 1/2, in whole units of 1 / (2 n);
// where n = m that is j exactly.
// Text: 0 leaves a pixel as it is, 1 leaves a third of its light, and more is white over that, opaque at 255.
//
// Bindings: 0 canvas [h, w] words of R, G, B and 255; 1 text [th, tw] bytes; 2 its place; 3 pixels [H, W] words.
// Push constants: see windowPush in kernels/live_window.go. One lane a pixel.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer Canvas { uint canvas[]; };
layout(std430, binding = 1) readonly buffer Text { uint text[]; };
layout(std430, binding = 2) readonly buffer Place { ivec2 corner, extent; }; // x and y; tw and th, 0 for no text
layout(std430, binding = 3) writeonly buffer Pixels { uint pixels[]; };
layout(push_constant) uniform Push {
    ivec2 size;    // w, h
    ivec2 window;  // W, H
    ivec2 origin;  // of the canvas in the window
    ivec2 shown;   // its size there
    uint bgra;     // byte order of a pixel
};

#include "inc/flat.glsl"

vec3 colour(int column, int row) {
    uint word = canvas[row * size.x + column];
    return vec3(word & 255u, word >> 8 & 255u, word >> 16 & 255u);
}

// The canvas at a pixel of the part that shows it.
vec3 interpolated(ivec2 at) {
    ivec2 unit = 2 * shown;
    ivec2 place = (2 * at + 1) * size - shown + unit; // one pixel on, so that nothing is negative
    ivec2 low = place / unit;
    vec2 part = vec2(place - low * unit) / vec2(unit);
    ivec2 a = clamp(low - 1, ivec2(0), size - 1), b = clamp(low, ivec2(0), size - 1);
    vec3 top = mix(colour(a.x, a.y), colour(b.x, a.y), part.x);
    vec3 bottom = mix(colour(a.x, b.y), colour(b.x, b.y), part.x);
    return mix(top, bottom, part.y);
}

void main() {
    int i = int(flatIndex());
    if (i >= window.x * window.y) return;
    ivec2 here = ivec2(i % window.x, i / window.x), at = here - origin;
    vec3 v = vec3(0.0);
    if (all(greaterThanEqual(at, ivec2(0))) && all(lessThan(at, shown))) v = interpolated(at);
    ivec2 letter = here - corner;
    if (all(greaterThanEqual(letter, ivec2(0))) && all(lessThan(letter, extent))) {
        uint place = uint(letter.y * extent.x + letter.x), opacity = text[place / 4u] >> (place % 4u * 8u) & 255u;
        if (opacity > 0u) v = mix(v / 3.0, vec3(255.0), float(opacity - 1u) / 254.0);
    }
    uvec3 p = uvec3(v + 0.5);
    pixels[i] = (bgra != 0u ? p.b | p.r << 16 : p.r | p.b << 16) | p.g << 8 | 255u << 24;
}
