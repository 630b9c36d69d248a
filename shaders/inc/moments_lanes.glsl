// The moments of all lanes, merged. The including shader declares its workgroup size, a power of two, before.

#include "moments.glsl"

shared float laneN[gl_WorkGroupSize.x];
shared vec4 laneMean[gl_WorkGroupSize.x];
shared vec4 laneM2[gl_WorkGroupSize.x];

// The union over the lanes whose index is the same modulo width, a power of two, in a fixed order; right in the first width lanes.
// All lanes must call it.
Moments mergeLanes(Moments m, uint width) {
    uint lane = gl_LocalInvocationIndex;
    laneN[lane] = m.n;
    laneMean[lane] = m.mean;
    laneM2[lane] = m.m2;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2u; step >= width; step /= 2u) {
        if (lane < step) {
            uint other = lane + step;
            m = merge(m, Moments(laneN[other], laneMean[other], laneM2[other]));
            laneN[lane] = m.n;
            laneMean[lane] = m.mean;
            laneM2[lane] = m.m2;
        }
        barrier();
    }
    return m;
}
