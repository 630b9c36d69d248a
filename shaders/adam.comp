// One Adam step (Kingma and Ba 2015, algorithm 1) over all parameters of a group, in PyTorch's order of operations:
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,   p -= step * m / (sqrt(v) * root + eps)
// with step = lr / (1 - beta1^t) and root = 1 / sqrt(1 - beta2^t), which the host computes in float64 for each step t.
// Parameters whose gradient and moments are zero keep their bits, and so does everything where a guard word is set.
//
// The variant takes g times the loss scale and writes p in 16 bits, too. The host cannot know yet whether the step before was skipped
// (loss_scale.comp), so hyper holds both t that may be meant.
//
// Bindings: 0 p, 1 g, 2 m, 3 v, each [size] vec4, 4 hyper {step, root}, 5 guard words; 6 the loss scale, 7 p of 16 bits. Push
// constants: see adamPush in kernels/adam.go.
//! variant adam_half -DHALF=0
#version 450
#extension GL_GOOGLE_include_directive : require

#include "inc/real.glsl"

layout(std430, binding = 0) buffer Parameters { vec4 parameters[]; };
layout(std430, binding = 1) readonly buffer Gradient { vec4 gradient[]; };
layout(std430, binding = 2) buffer FirstMoment { vec4 firstMoment[]; };
layout(std430, binding = 3) buffer SecondMoment { vec4 secondMoment[]; };
#ifdef HALF
layout(std430, binding = 4) readonly buffer Hyper {
    vec2 hyper[2]; // {step, root} after `before` skipped steps and after one more
    uint before;
};
layout(std430, binding = 6) readonly buffer State {
    float scale, inverse;
    uint good, skipped;
};
layout(std430, binding = 7) writeonly buffer Halves { REAL4 halves[]; };
#else
layout(std430, binding = 4) readonly buffer Hyper { float stepSize, root; };
#endif
layout(push_constant) uniform Push {
    uint size; // in vec4
    uint guards;
    float beta1, rest1; // rest = 1 - beta, rounded once
    float beta2, rest2;
    float eps;
};

#define GUARD 5
#include "inc/guard.glsl"
#include "inc/strip.glsl"

void main() {
    if (halted(guards)) return;
#ifdef HALF
    float stepSize = hyper[min(skipped - before, 1u)].x, root = hyper[min(skipped - before, 1u)].y;
#endif
    for (uint i = stripFirst(); i < stripEnd(size); i += STRIP_STEP) {
        vec4 g = gradient[i];
#ifdef HALF
        g *= inverse;
#endif
        vec4 m = fma(vec4(beta1), firstMoment[i], rest1 * g);
        vec4 v = fma(vec4(beta2), secondMoment[i], rest2 * g * g);
        firstMoment[i] = m;
        secondMoment[i] = v;
        parameters[i] -= stepSize * (m / fma(sqrt(v), vec4(root), vec4(eps)));
#ifdef HALF
        halves[i] = STORE(parameters[i]);
#endif
    }
}
