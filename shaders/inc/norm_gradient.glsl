// The gradient of a normalisation, shared by its backward kernels: bindings and formulas.
//   g  = dy activate'(gamma xhat + beta)
//   dx = gamma / sqrt(variance + eps) (g - mean(g) - xhat mean(g xhat)), means over the pixels of the group
//
// binding 0: x [groups][pixels][quads] vec4; 1: stats [groups][2][quads]; 2: dy, as x
// binding 3: sums, 4: dx, as the including shader declares them; the last binding, AFFINE, is affine [2][quads]: gamma, beta

layout(std430, binding = 0) readonly buffer X { REAL4 x[]; };
layout(std430, binding = 1) readonly buffer Stats { vec4 stats[]; };
layout(std430, binding = 2) readonly buffer DY { REAL4 dy[]; };
#ifdef AFFINE
layout(std430, binding = AFFINE) readonly buffer Affine { vec4 affine[]; };
#endif

#include "norm.glsl"
#include "norm_channel.glsl"
#include "activation.glsl"
#include "actgrad.glsl"

vec4 gradient(Channel c, uint at, out vec4 xhat) {
    xhat = normalised(c, LOAD(x[at]));
    return LOAD(dy[at]) * activationSlope(activate(scaled(c, xhat)));
}

// The sums over a lane's pixels of g xhat and of g. Short sums of blocks keep the rounding errors small.
void sumGradient(Channel c, Span s, out vec4 gx, out vec4 g) {
    gx = g = vec4(0.0);
    for (uint at = s.first; at < s.end;) {
        vec4 blockGX = vec4(0.0), blockG = vec4(0.0);
        for (uint i = 0u; i < 16u && at < s.end; i++, at += quads) {
            vec4 xhat;
            vec4 one = gradient(c, at, xhat);
            blockGX = fma(one, xhat, blockGX);
            blockG += one;
        }
        gx += blockGX;
        g += blockG;
    }
}

vec4 inputGradient(Channel c, uint at, vec4 meanGX, vec4 meanG) {
    vec4 xhat;
    vec4 g = gradient(c, at, xhat);
    vec4 d = fma(-xhat, meanGX, g - meanG) * c.rstd;
#ifdef AFFINE
    d *= c.gamma;
#endif
    return d;
}
