// Peak of cooperative matrices: multiplications of fp16 matrices and little else, to measure what a device does at most.
//
//	s[k] = (k + 1) start, then turns times s[k] = a b + s[k], for k = 0 to 3; result = s[0] + s[1] + s[2] + s[3]
//
// Four independent sums hide the latency of the matrix units. A workgroup is one subgroup, which holds all matrices; they come and go
// through shared memory, where fp32 becomes fp16 without 16-bit buffers.
//
// binding 0: a [M, K] float; 1: b [K, N]; 2: start [workgroups, M, N]; 3: result
// Constants: lanes of a subgroup, M, N, K. Push constants: turns. The variant adds up in half precision.
//! glslang 13
//! variant peak_matrix_half -DHALF
#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#ifdef HALF
#define SUM float16_t
#else
#define SUM float
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 32u;
layout(constant_id = 1) const uint M = 16u;
layout(constant_id = 2) const uint N = 16u;
layout(constant_id = 3) const uint K = 16u;

layout(std430, binding = 0) readonly buffer A { float a[]; };
layout(std430, binding = 1) readonly buffer B { float b[]; };
layout(std430, binding = 2) readonly buffer Start { float start[]; };
layout(std430, binding = 3) writeonly buffer Result { float result[]; };
layout(push_constant) uniform Shape {
    uint turns;
};

shared float16_t left[M * K];
shared float16_t right[K * N];
shared SUM tile[M * N];

#define Sum coopmat<SUM, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>
const int ROWS = gl_CooperativeMatrixLayoutRowMajor;

void main() {
    uint lane = gl_LocalInvocationIndex, first = gl_WorkGroupID.x * M * N;
    for (uint i = lane; i < M * K; i += LANES) left[i] = float16_t(a[i]);
    for (uint i = lane; i < K * N; i += LANES) right[i] = float16_t(b[i]);
    for (uint i = lane; i < M * N; i += LANES) tile[i] = SUM(start[first + i]);
    barrier();
    coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> x;
    coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> y;
    Sum s0;
    coopMatLoad(x, left, 0u, K, ROWS);
    coopMatLoad(y, right, 0u, N, ROWS);
    coopMatLoad(s0, tile, 0u, N, ROWS);
    Sum s1 = s0 * SUM(2.0), s2 = s0 * SUM(3.0), s3 = s0 * SUM(4.0);
    for (uint turn = 0u; turn < turns; turn++) {
        s0 = coopMatMulAdd(x, y, s0);
        s1 = coopMatMulAdd(x, y, s1);
        s2 = coopMatMulAdd(x, y, s2);
        s3 = coopMatMulAdd(x, y, s3);
    }
    s0 = s0 + s1 + (s2 + s3);
    barrier(); // all have read the tile
    coopMatStore(s0, tile, 0u, N, ROWS);
    barrier();
    for (uint i = lane; i < M * N; i += LANES) result[first + i] = float(tile[i]);
}
