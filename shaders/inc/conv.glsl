// What the convolution kernels share: places in a batch of images, reflection, and values that a whole subgroup needs.
//
// SHUFFLE compiles the variants for CPU drivers: a load, even from one address, costs them more than a shuffle. So each lane loads
// a value of its own, and shuffles hand the values round; a workgroup is one full subgroup of LANES. Otherwise every lane loads
// the value from the same address, which GPUs do well and which needs no subgroup operations.
// The including shader declares the specialisation constant LANES, the size of a workgroup, of at most 16 lanes with SHUFFLE.
//
// Lavapipe shuffles 8 lanes by one instruction, and more of them in a loop over the lanes; there, from Mesa 26 on, a broadcast is one
// instruction, from a lane that is a constant. On 8 lanes, Mesa 22 searches for an active lane before each broadcast.

#ifdef SHUFFLE
const int SHARERS = LANES; // how many values are loaded at once, one by each lane
int lane() { return int(gl_SubgroupInvocationID); }
int sharer() { return int(gl_SubgroupInvocationID); }

// shared4 is what a lane holds; with more than 8 lanes it is one that an unrolled loop makes a constant.
vec4 shared4(vec4 mine, int from) {
    if (LANES <= 8) return subgroupShuffle(mine, uint(from));
#define LANE(n) if (from == n) return subgroupBroadcast(mine, n);
    LANE(0) LANE(1) LANE(2) LANE(3) LANE(4) LANE(5) LANE(6) LANE(7) LANE(8) LANE(9) LANE(10) LANE(11) LANE(12) LANE(13) LANE(14)
    return subgroupBroadcast(mine, 15u);
}
#else
const int SHARERS = 1;
int lane() { return int(gl_LocalInvocationIndex); }
int sharer() { return 0; }
vec4 shared4(vec4 mine, int from) { return mine; }
#endif

// workgroup is the linear index of this workgroup over x and y (groups() in kernels.go spreads them).
int workgroup() { return int(gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x); }

// Place is a pixel of a batch of images.
struct Place { int n, y, x; };

// place finds the pixel of a linear index.
Place place(int index, int height, int width) {
    const int line = index / width, n = line / height;
    return Place(n, line - n * height, index - line * width);
}

// advance moves on by a distance that is itself a place; it carries, which is cheaper than dividing again.
Place advance(Place p, Place by, int height, int width) {
    p.x += by.x;
    p.y += by.y;
    p.n += by.n;
    if (p.x >= width) { p.x -= width; p.y++; }
    if (p.y >= height) { p.y -= height; p.n++; }
    return p;
}

#include "mirror.glsl"
