// A camera's frame to the canvas in two steps, for frames whose pixels become few: taps across and down then add up, in the place of
// multiplying. This is the first: the lines of the frame that the canvas shows, filtered along. live_fit_down.comp goes on.
//
// Bindings: 0 frame [H, W, 3] bytes, 1 filtered [lines, w] vec4: colours from 0 to 255. One lane LINES pixels of these.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(std430, binding = 1) writeonly buffer Lines { vec4 filtered[]; };

#include "inc/fit.glsl"
#include "inc/frame.glsl"
#include "inc/flat.glsl"

const int LINES = 4; // of a lane, which share their weights

void main() {
    int i = int(flatIndex()), column = i % width, first = i / width * LINES;
    if (first >= lines) return;
    Taps columns = taps(column, offsetX, frameWidth);
    vec3 sum[LINES];
    for (int l = 0; l < LINES; l++) sum[l] = vec3(0.0);
    int all = 0;
    for (int k = columns.first; k < columns.end; k++) {
        int w = weight(columns, k);
        all += w;
        for (int l = 0; l < LINES; l++) sum[l] += float(w) * vec3(pixel(min(firstLine + first + l, frameHeight - 1), k));
    }
    for (int l = 0; l < min(LINES, lines - first); l++) filtered[(first + l) * width + column] = vec4(sum[l] / float(all), 0.0);
}
