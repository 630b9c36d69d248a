// Activations: vec4 activated(x, kind) applies one (kernels.Activation), and activate(x), for epilogues, the one that the specialisation
// constant ACTIVATION says. The including shader declares it: layout(constant_id = 0) const uint ACTIVATION = 0u;
// A NaN comes out as NaN, and zero as zero, so padding channels stay zero.

// tanh by an implementation of our own, within 8 ulp, since GLSL's may lose all relative precision near zero:
//   |x| < 0.625   x + x^3 P(x^2), P fitted to (tanh x - x) / x^3 at Chebyshev nodes
//   elsewhere     sign(x) (1 - 2 / (exp(2|x|) + 1)); from |x| = 9.1 on this rounds to 1
vec4 preciseTanh(vec4 x) {
    vec4 z = x * x;
    vec4 p = fma(z, vec4(-6.096714176e-3), vec4(2.099717967e-2));
    p = fma(z, p, vec4(-5.385090783e-2));
    p = fma(z, p, vec4(1.333276927e-1));
    p = fma(z, p, vec4(-3.333332837e-1));
    vec4 small = fma(x * z, p, x);

    // exp(y) = 2^k exp(r), y = k ln 2 + r, |r| <= ln(2) / 2; ln 2 in two parts, the first with trailing zeros, so that r is exact
    vec4 y = min(2.0 * abs(x), 20.0);
    vec4 k = floor(fma(y, vec4(1.442695041), vec4(0.5)));
    vec4 r = fma(k, vec4(-0.693359375), y);
    r = fma(k, vec4(2.12194440e-4), r);
    vec4 e = fma(r, vec4(1.0 / 5040.0), vec4(1.0 / 720.0));
    e = fma(r, e, vec4(1.0 / 120.0));
    e = fma(r, e, vec4(1.0 / 24.0));
    e = fma(r, e, vec4(1.0 / 6.0));
    e = fma(r, e, vec4(0.5));
    e = fma(r, e, vec4(1.0));
    e = fma(r, e, vec4(1.0));
    e *= intBitsToFloat((ivec4(k) + 127) << 23);
    vec4 large = sign(x) * (1.0 - 2.0 / (e + 1.0));

    return mix(large, small, not(greaterThanEqual(abs(x), vec4(0.625)))); // a NaN takes the branch that hands it on
}

vec4 activated(vec4 x, uint kind) {
    switch (kind) {
    case 1u: return mix(x, vec4(0.0), lessThanEqual(x, vec4(0.0)));
    case 2u: return mix(x, 0.2 * x, lessThan(x, vec4(0.0)));
    case 3u: return preciseTanh(x);
    }
    return x;
}

#define activate(x) activated(x, ACTIVATION)
