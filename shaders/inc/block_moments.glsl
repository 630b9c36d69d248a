// Statistics of what a convolution stores, taken while its sums are still at hand, so that a norm need not read them again: over each 32
// pixels of a channel the first pixel, the mean less that, and the centred second moment. Blocks are that small so that they do not
// depend on the tile. norm_combine.comp merges them.
// The including shader binds partial [images][blocks][3][quads] vec4, and declares STORED(i), a vec4 that was stored.

#include "moments.glsl"

const int BLOCK = 32;

vec4 pilot;
Moments block;

// look takes rows further pixels of a block, step apart; first tells that they are its first.
void look(int at, int step, int rows, bool first) {
    if (first) {
        pilot = STORED(at);
        block = Moments(0.0, vec4(0.0), vec4(0.0));
    }
    vec4 mean = vec4(0.0), m2 = vec4(0.0);
    for (int r = 0; r < rows; r++) mean += STORED(at + r * step) - pilot;
    mean /= float(rows);
    for (int r = 0; r < rows; r++) {
        const vec4 centred = STORED(at + r * step) - pilot - mean;
        m2 = fma(centred, centred, m2);
    }
    block = merge(block, Moments(float(rows), mean, m2));
}

// keep writes the block whose first pixel has an index among those of the workgroup's kind.
void keep(int index, int channel) {
    const int at = 3 * blockNumber(index, BLOCK) * TO + channel;
    partial[at] = pilot;
    partial[at + TO] = block.mean;
    partial[at + 2 * TO] = block.m2;
}
