// The image pool (Shrivastava et al. 2017; CycleGAN section 4): a discriminator sees a history of fakes. For each new image
// n, in order, the host has decided {action, slot}:
//   keep   hand it on unstored           out[n] = fake[n]
//   store  put it in a free slot         out[n] = fake[n], slot = fake[n]
//   swap   exchange it for a stored one  out[n] = slot, slot = fake[n]
// This shader hands on; image_pool_store.comp stores, at the end of a step, so that a step that is refused leaves the pool as
// it was. What the batch itself has put in a slot by then is therefore looked up in the batch. Its first images may be those of
// earlier dispatches of the step, given again for that alone.
//
// The pool lies in blocks, one dispatch each; a dispatch does the images whose slot is in its block, and the first block's
// also those kept. An invocation owns one vec4 of every image and slot.
//
// Bindings: 0 fake [N, image] and 2 out [N - begin, image] vec4, 1 decisions [N] {action, slot}, 3 the block [slots, image] vec4.
// Push constants: see poolTakePush in kernels/pool.go.
#version 450
#extension GL_GOOGLE_include_directive : require

const uint KEEP = 0u, STORE = 1u; // the third is a swap

layout(std430, binding = 0) readonly buffer Fake { uvec4 fake[]; };
layout(std430, binding = 1) readonly buffer Decisions { uvec2 decisions[]; };
layout(std430, binding = 2) writeonly buffer Out { uvec4 result[]; };
layout(std430, binding = 3) readonly buffer Block { uvec4 block[]; };
layout(push_constant) uniform Push {
    uint batch;
    uint image; // vec4 an image
    uint first; // slot of the block
    uint slots; // in the block
    uint begin; // image from which on they are handed on
};

#include "inc/flat.glsl"

// What the slot holds when image n arrives.
uvec4 stored(uint slot, uint n, uint i) {
    for (uint m = n; m-- > 0u;) {
        if (decisions[m].x != KEEP && decisions[m].y == slot) return fake[m * image + i];
    }
    return block[(slot - first) * image + i];
}

void main() {
    uint i = flatIndex();
    if (i >= image) return;
    for (uint n = begin; n < batch; n++) {
        uint action = decisions[n].x, slot = decisions[n].y;
        if (action == KEEP ? first > 0u : slot - first >= slots) continue;
        result[(n - begin) * image + i] = action == KEEP || action == STORE ? fake[n * image + i] : stored(slot, n, i);
    }
}
