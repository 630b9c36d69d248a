// Sums over the lanes of a workgroup, in a fixed order, so that a run gives the same bits every time.
// The including shader declares its workgroup size, a power of two, before.

shared vec4 reduceLanes[gl_WorkGroupSize.x];

// The sum of v over the lanes whose index is the same modulo width, a power of two; each of them gets it. All lanes must call it.
vec4 sumLanes(vec4 v, uint width) {
    uint lane = gl_LocalInvocationIndex;
    reduceLanes[lane] = v;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2u; step >= width; step /= 2u) {
        if (lane < step) {
            reduceLanes[lane] += reduceLanes[lane + step];
        }
        barrier();
    }
    vec4 sum = reduceLanes[lane % width];
    barrier(); // the next call may write
    return sum;
}
