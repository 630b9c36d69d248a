// Counter-based random numbers: Philox 4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011, section 3.3). Each number is a function of what it is for, never of how many were drawn before.
// Its twin in Go is Philox in kernels/random.go.

uvec4 philox(uvec4 counter, uvec2 key) {
    for (uint i = 0u; i < 10u; i++) {
        uint high0, low0, high2, low2;
        umulExtended(0xD2511F53u, counter.x, high0, low0);
        umulExtended(0xCD9E8D57u, counter.z, high2, low2);
        counter = uvec4(high2 ^ counter.y ^ key.x, low2, high0 ^ counter.w ^ key.y, low0);
        key += uvec2(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}
