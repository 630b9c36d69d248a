// A lane's channels in the normalisation kernels that come after the statistics. The including shader binds stats and, with
// AFFINE, affine.

struct Channel {
    vec4 mean, rstd;
#ifdef AFFINE
    vec4 gamma, beta;
#endif
};

Channel channel() {
    Channel c;
    c.mean = stats[row()];
    c.rstd = stats[row() + quads];
#ifdef AFFINE
    uint q = min(quad(), quads - 1u);
    bvec4 real = lessThan(4u * q + uvec4(0u, 1u, 2u, 3u), uvec4(channels)); // padding stays zero whatever affine holds there
    c.gamma = mix(vec4(0.0), affine[q], real);
    c.beta = mix(vec4(0.0), affine[q + quads], real);
#endif
    return c;
}

vec4 normalised(Channel c, vec4 x) { return (x - c.mean) * c.rstd; }

// What goes into the activation.
vec4 scaled(Channel c, vec4 xhat) {
#ifdef AFFINE
    return fma(xhat, c.gamma, c.beta);
#else
    return xhat;
#endif
}
