// The norm of what a convolution loads, where nobody has applied it yet (kernels.Normed): y = act((z - mean) / sqrt(variance + eps)), made
// while a slice goes into shared memory, so that y need be neither written nor read. Same formula, and so the same bits, as
// norm_forward.comp; tensors of 16 bits round it as they would have held it. Padding is that of y: it stays zero.
// The including shader binds stats [images][2][quads] vec4 and declares NORM: 0 where x is loaded as it is, else 1 + the activation.
// A lane loads the same channels of all pixels of a slice, which is of one image, so that it needs their statistics once.

struct ChannelStats { vec4 mean, rstd; };

// statsOf loads those of a vec4 of channels, of quads in all; past the end the last ones.
ChannelStats statsOf(int image, int quad, int quads) {
    const int at = 2 * image * quads + min(quad, quads - 1);
    return ChannelStats(stats[at], stats[at + quads]);
}

REAL4 normed(REAL4 z, ChannelStats s) { return STORE(activated((LOAD(z) - s.mean) * s.rstd, NORM - 1u)); }
