// The sum of one float an invocation over a workgroup of 64, in a fixed order: the same bits on every run.

shared float sumParts[64];

// Every invocation must call it; invocation 0 gets the sum.
float workgroupSum(float value) {
    uint lane = gl_LocalInvocationIndex;
    sumParts[lane] = value;
    for (uint rest = 32u; rest > 0u; rest >>= 1) {
        barrier();
        if (lane < rest) sumParts[lane] += sumParts[lane + rest];
    }
    return sumParts[lane];
}
