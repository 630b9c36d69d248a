// The exponential within 2 ulp, since GLSL's own may be off by 3 + 2|x| ulp.

// With n = round(x / ln 2) and r = x - n ln 2, e^x = 2^n e^r, |r| <= 0.35: Taylor's series to r^7 leaves 6e-9 of the value.
// For x <= 87; below -87, where numbers are no longer normal, it is 0. A NaN comes out as NaN.
vec4 preciseExp(vec4 x) {
    bvec4 vanishes = lessThan(x, vec4(-87.0));
    x = mix(x, vec4(0.0), vanishes);
    vec4 n = floor(fma(x, vec4(1.44269504), vec4(0.5)));
    precise vec4 r = x - n * 0.693359375; // exact: ln 2 = 0.693359375 - 2.12194440e-4, and n has few bits
    r = r + n * 2.12194440e-4;            // no fma, which precise does not keep from being merged with the line above
    vec4 e = fma(r, vec4(1.0 / 5040.0), vec4(1.0 / 720.0));
    e = fma(r, e, vec4(1.0 / 120.0));
    e = fma(r, e, vec4(1.0 / 24.0));
    e = fma(r, e, vec4(1.0 / 6.0));
    e = fma(r, e, vec4(0.5));
    e = fma(r, e, vec4(1.0));
    e = fma(r, e, vec4(1.0));
    return mix(e * intBitsToFloat((ivec4(n) + 127) << 23), vec4(0.0), vanishes);
}
