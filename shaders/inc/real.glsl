// How tensors are held: as fp32, or as 16 bits in the variants compiled with -DHALF=N. There N is the specialisation constant that
// says which 16 bits (kernels.Element): fp16, or bf16, the upper half of an fp32. All arithmetic is fp32 either way.
//
//   REAL4 x[]       a buffer of vec4           REAL x[]    one of elements
//   LOAD(x[i])      as a vec4                  AT(x, i)    element i
//   x[i] = STORE(v) from a vec4                ADD(x[i], v) x[i] += v
//
// Four elements are two words, and no device needs an extension for them. GLSL leaves it to the device how packHalf2x16 rounds and
// what becomes of a number that is too large: STORE does without, and rounds to the nearest, ties to even, from 65520 on to infinity.

#ifndef HALF

#define REAL4 vec4
#define REAL float
#define LOAD(e) e
#define AT(x, i) x[i]
#define STORE(v) v
#define ADD(e, v) e += v

#else

layout(constant_id = HALF) const uint ELEMENT = 1u;
const uint BF16 = 2u; // else fp16

#define REAL4 uvec2
#define REAL uint
#define LOAD(e) unpacked(e)
#define AT(x, i) unpacked(uvec2(x[(i) / 2u], 0u))[(i) % 2u]
#define STORE(v) packed(v)
#define ADD(e, v) e = packed(unpacked(e) + v)

vec4 unpacked(uvec2 w) {
    if (ELEMENT == BF16) return uintBitsToFloat(uvec4(w.x << 16, w.x & 0xffff0000u, w.y << 16, w.y & 0xffff0000u));
    return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y));
}

uvec2 packed(vec4 v) {
    uvec4 bits = floatBitsToUint(v), magnitude = bits & 0x7fffffffu, half4;
    bvec4 nan = greaterThan(magnitude, uvec4(0x7f800000u));
    if (ELEMENT == BF16) {
        half4 = mix(magnitude + 0x7fffu + (magnitude >> 16 & 1u), magnitude | 0x400000u, nan) >> 16;
    } else {
        uvec4 normal = magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u) >> 13;
        uvec4 small = floatBitsToUint(uintBitsToFloat(magnitude) + 0.5) - 0x3f000000u; // below 2^-14, a multiple of 2^-24
        half4 = mix(normal, small, lessThan(magnitude, uvec4(0x38800000u)));
        half4 = mix(min(half4, 0x7c00u), uvec4(0x7e00u), nan);
    }
    half4 |= bits >> 16 & 0x8000u;
    return half4.xz | half4.yw << 16;
}

#endif
