// Temporal smoothing of translated pictures that leaves no ghosts. The camera's picture is smoothed along, and where the new one
// differs from that, something moved:
//   d = max over channels |x - before|, moved = clamp((d - STILL) / (MOVED - STILL), 0, 1), w = 1 - keep (1 - moved)
//   result += w (y - result), before += w (x - before);  with w = 1 exactly y and x, whatever was there before
// The limits are those of a camera's noise, in [-1, 1]: 12 and 24 of 255.
//
// Bindings: 0 x, the camera, and 1 y [pixels] vec4; 2 keep in [0, 1); 3 before and, behind it, result [pixels] vec4. Push constants: pixels.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, binding = 1) readonly buffer Y { vec4 y[]; };
layout(std430, binding = 2) readonly buffer Keep { float keep; };
layout(std430, binding = 3) buffer State { vec4 state[]; };
layout(push_constant) uniform Push { uint pixels; };

const float STILL = 24.0 / 255.0, MOVED = 48.0 / 255.0; // of a range of 2

#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    if (i >= pixels) return;
    vec4 xi = x[i], yi = y[i];
    if (keep > 0.0) {
        vec4 camera = state[i], old = state[pixels + i], difference = abs(xi - camera);
        float d = max(difference.x, max(difference.y, difference.z));
        float still = 1.0 - clamp((d - STILL) / (MOVED - STILL), 0.0, 1.0);
        if (still > 0.0) {
            xi += keep * still * (camera - xi);
            yi += keep * still * (old - yi);
        }
    }
    state[i] = xi;
    state[pixels + i] = yi;
}
