// One Adam step (Kingma and Ba 2015, algorithm 1) over all parameters of a group, in PyTorch's order of operations:
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,   p -= step * m / (sqrt(v) * root + eps)
// with step = lr / (1 - beta1^t) and root = 1 / sqrt(1 - beta2^t), which the host computes in float64 for each step t.
// Parameters whose gradient and moments are zero keep their bits.
//
// Bindings: 0 p, 1 g, 2 m, 3 v, each [size] vec4, 4 hyper {step, root}. Push constants: see adamPush in kernels/adam.go.
#version 450

layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) buffer Parameters { vec4 parameters[]; };
layout(set = 0, binding = 1, std430) readonly buffer Gradient { vec4 gradient[]; };
layout(set = 0, binding = 2, std430) buffer FirstMoment { vec4 first_moment[]; };
layout(set = 0, binding = 3, std430) buffer SecondMoment { vec4 second_moment[]; };
layout(set = 0, binding = 4, std430) readonly buffer Hyper { float step_size, root; };
layout(push_constant) uniform Push {
    uint size; // in vec4
    float beta1, rest1; // rest = 1 - beta, rounded once
    float beta2, rest2;
    float eps;
};

void main() {
    uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
    if (i >= size) return;
    vec4 g = gradient[i];
    vec4 m = fma(vec4(beta1), first_moment[i], rest1 * g);
    vec4 v = fma(vec4(beta2), second_moment[i], rest2 * g * g);
    first_moment[i] = m;
    second_moment[i] = v;
    parameters[i] -= step_size * (m / fma(sqrt(v), vec4(root), vec4(eps)));
}
