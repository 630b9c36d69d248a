// For kernels that treat every vec4 of a tensor alike: for (uint i = stripFirst(); i < stripEnd(count); i += STRIP_STEP).
//
// Each lane takes 4 of them, 8 apart, so that 8 neighbouring lanes walk through contiguous memory, 128 bytes at a time: whole cache
// lines on a GPU, and on a CPU with 8 lanes a stream that the prefetcher follows. On lavapipe, 10 to 40 % faster than one vec4 a
// lane (flat.glsl).
#include "flat.glsl"

const uint STRIP_EACH = 4u; // stripSize in elementwise.go is the workgroup size times this
const uint STRIP_STEP = 8u;

uint stripFirst() {
    uint lane = gl_LocalInvocationIndex;
    return (flatGroup() * gl_WorkGroupSize.x + lane / STRIP_STEP * STRIP_STEP) * STRIP_EACH + lane % STRIP_STEP;
}

uint stripEnd(uint count) { return min(stripFirst() + STRIP_STEP * STRIP_EACH, count); }
